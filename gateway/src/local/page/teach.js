import { fill, make } from "./elements.js";
import { language, locale } from "./format.js";
import { gateway } from "./gateway.js";
import { findingCard } from "./teach-findings.js";
import { choosingPicture } from "./teach-picture.js";
import { teachTexts } from "./teach-texts.js";
import { button, thingCards } from "./teach-thing.js";

const t = teachTexts[language];
const refreshMs = 3_000;
const byId = (id) => document.getElementById(id);
const who = byId("who");

const state = {
  things: [],
  findings: [],
  chosen: location.hash.slice(1),
  camera: undefined,
  frames: [],
  frame: undefined,
  region: undefined,
  shown: "",
  problem: "",
};

const chosenThing = () => state.things.find(({ thing }) => thing === state.chosen);

async function load(address) {
  const answer = await fetch(address, { signal: AbortSignal.timeout(10_000) });
  if (answer.status === 403) say(t.forbidden);
  return answer.ok ? answer.json() : undefined;
}

function say(problem) {
  state.problem = problem;
  byId("strip").textContent = problem;
  byId("strip").hidden = problem === "";
}

/** What came of it, or undefined. */
async function send(address, body) {
  const name = who.value.trim();
  if (name === "") {
    say(t.needName);
    who.focus();
    return undefined;
  }
  localStorage.setItem("name", name);
  try {
    const answer = await fetch(address, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ name, ...body }),
    });
    const said = await answer.json();
    if (answer.ok) {
      say("");
      return said;
    }
    const reason = t.reasons[said.outcome] ?? (answer.status === 403 ? t.forbidden : t.failed);
    say(said.message === undefined ? reason : `${reason} — ${said.message}`);
  } catch {
    say(t.failed);
  }
  return undefined;
}

async function act(request) {
  const done = await send("/teach", { request });
  await refresh();
  return done;
}

async function judge(findingId, verdict) {
  await send("/findings/judge", { findingId, verdict });
  await refresh();
}

async function exportThing() {
  const answer = await send("/teach/export", { thing: state.chosen });
  if (answer === undefined) return;
  const link = make("a", "");
  link.href = URL.createObjectURL(new Blob([JSON.stringify(answer.file)], { type: "application/json" }));
  link.download = `frostlight-${state.chosen}.json`;
  link.click();
  URL.revokeObjectURL(link.href);
}

async function removeThing() {
  const view = chosenThing();
  // oxlint-disable-next-line no-alert -- one question, kept by the browser over everything else
  if (view === undefined || !confirm(t.removeAsk(view.name[language]))) return;
  if ((await act({ kind: "remove", thing: view.thing })) !== undefined) choose("");
}

function choose(thing) {
  state.chosen = thing;
  history.replaceState(null, "", `${location.search}#${thing}`);
  state.camera = undefined;
  state.frame = undefined;
  state.frames = [];
  state.shown = "";
  show();
}

function showThings() {
  const buttons = [
    ...state.things.map(({ thing, name }) => ({ thing, text: name[language] })),
    { thing: "", text: t.newThing },
  ];
  fill(
    byId("things"),
    buttons,
    ({ thing }) => thing,
    ({ thing, text }) => {
      const element = button(text, "", () => choose(thing));
      element.setAttribute("aria-pressed", String(thing === state.chosen));
      return element;
    },
  );
}

function field(name, label, pattern) {
  const input = make("input", "");
  input.name = name;
  input.required = true;
  input.maxLength = name === "thing" ? 48 : 100;
  if (pattern) input.pattern = pattern;
  return make("label", "", make("span", "", label), input);
}

function prepareForm() {
  const form = byId("define");
  const on = make("select", "");
  on.name = "on";
  for (const [value, text] of Object.entries(t.ons)) {
    const option = make("option", "", text);
    option.value = value;
    on.append(option);
  }
  const cameras = make("fieldset", "", make("legend", "muted", t.cameras));
  for (const { cameraId } of gateway.status.cameras) {
    const input = make("input", "");
    input.type = "checkbox";
    input.name = "cameras";
    input.value = cameraId;
    input.checked = true;
    cameras.append(make("label", "check", input, cameraId));
  }
  const save = make("button", "teach-button main", t.save);
  const file = make("input", "");
  file.type = "file";
  file.accept = "application/json";
  file.addEventListener("change", async () => {
    try {
      const given = JSON.parse(await file.files[0].text());
      if ((await send("/teach/import", { file: given })) !== undefined) {
        await refresh();
        choose(given.thing);
      }
    } catch {
      say(t.reasons.invalid);
    }
  });
  form.append(
    field("thing", t.id, "[a-z0-9][a-z0-9\\-]{0,47}"),
    field("zh", t.zhName),
    field("en", t.enName),
    make("label", "", make("span", "", t.on), on),
    cameras,
    save,
    make("label", "", make("span", "", t.import), file),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void define(form);
  });
}

async function define(form) {
  const data = new FormData(form);
  const of = (name) => form.elements[name].value.trim();
  const request = {
    kind: "define-thing",
    thing: of("thing"),
    name: { zh: of("zh"), en: of("en") },
    on: of("on"),
    cameras: data.getAll("cameras"),
  };
  if ((await act(request)) === undefined) return;
  form.reset();
  choose(request.thing);
}

async function mark(answer) {
  if (state.region === undefined || state.frame === undefined) {
    say(t.noSelection);
    return;
  }
  const picture = { kind: "frame", cameraId: state.camera, frameId: state.frame };
  await act({ kind: "mark", thing: state.chosen, picture, region: state.region, answer });
}

async function openFrame(view, frameId) {
  state.frame = frameId;
  state.region = undefined;
  const isPlaces = view.on === "places";
  const { box, offer } = choosingPicture({
    address: `/teach/frame.jpg?frame=${frameId}`,
    alt: t.mark,
    offered: isPlaces ? view.places.map((region, index) => ({ label: t.place(index + 1), region })) : [],
    onChoose: (region) => {
      state.region = region;
    },
  });
  byId("picture").replaceChildren(box);
  for (const one of byId("frames").children) one.setAttribute("aria-pressed", String(one.dataset.key === frameId));
  if (isPlaces) return;
  const persons = (await load(`/teach/persons.json?frame=${frameId}`)) ?? [];
  if (state.frame === frameId) {
    offer(persons.map((person, index) => ({ label: t.person(index + 1), region: person[view.on] })));
  }
}

async function keepPlace() {
  const view = chosenThing();
  if (state.region === undefined || view === undefined) {
    say(t.noSelection);
    return;
  }
  const { thing, name, on, cameras, places } = view;
  await act({ kind: "define-thing", thing, name, on, cameras, places: [...places, state.region] });
}

function showMarking(view) {
  const cameras = view.cameras.filter((id) => gateway.status.cameras.some(({ cameraId }) => cameraId === id));
  state.camera ??= cameras[0];
  const select = make("select", "");
  select.setAttribute("aria-label", t.camera);
  for (const id of cameras) select.append(make("option", "", id));
  select.value = state.camera;
  select.addEventListener("change", () => {
    state.camera = select.value;
    state.frames = [];
    state.frame = undefined;
    byId("picture").replaceChildren();
    void takeFrames();
  });
  const strip = make("div", "strip");
  strip.id = "frames";
  const picture = make("div", "");
  picture.id = "picture";
  const waiting = make("p", "muted", t.waitFrames);
  waiting.id = "frames-wait";
  byId("mark").replaceChildren(
    select,
    waiting,
    strip,
    make("p", "muted", t.hint),
    picture,
    make(
      "div",
      "choices",
      button(t.yes, "main", () => mark("yes")),
      button(t.no, "main", () => mark("no")),
      button(t.more, "", () => {
        state.frames = [];
        void takeFrames();
      }),
      view.on === "places" ? button(t.savePlace, "", keepPlace) : null,
    ),
  );
  void takeFrames();
}

/** New frames join the strip; while somebody marks in one, the strip stands still. */
async function takeFrames() {
  const view = chosenThing();
  if (view === undefined || state.camera === undefined) return;
  const frames = (await load(`/teach/frames.json?camera=${encodeURIComponent(state.camera)}`)) ?? [];
  if (state.frames.length === 0 || state.frame === undefined) state.frames = frames.toReversed();
  byId("frames-wait").hidden = state.frames.length > 0;
  fill(
    byId("frames"),
    state.frames,
    ({ frameId }) => frameId,
    ({ frameId, timeMs }) => {
      const image = make("img", "");
      image.src = `/teach/frame.jpg?frame=${frameId}`;
      image.alt = "";
      const time = new Date(timeMs).toLocaleTimeString(locale);
      const element = make("button", "", image, make("span", "", time));
      element.type = "button";
      element.setAttribute("aria-pressed", String(frameId === state.frame));
      element.addEventListener("click", () => void openFrame(view, frameId));
      return element;
    },
  );
}

function show() {
  showThings();
  const view = chosenThing();
  byId("define-section").hidden = view !== undefined;
  byId("mark-section").hidden = view === undefined;
  byId("thing-section").hidden = view === undefined;
  const text = JSON.stringify(view ?? null);
  if (text !== state.shown) {
    const before = state.shown === "" || state.shown === "null" ? undefined : JSON.parse(state.shown);
    state.shown = text;
    if (view !== undefined) {
      byId("thing-title").textContent = view.name[language];
      byId("thing").replaceChildren(
        ...thingCards(view, { act, onExport: () => void exportThing(), onRemove: () => void removeThing() }),
      );
      if (before?.thing !== view.thing || before.places.length !== view.places.length) showMarking(view);
    }
  }
  byId("findings-none").hidden = state.findings.length > 0;
  fill(
    byId("findings"),
    state.findings.slice(0, 30),
    ({ findingId, verdict }) => `${findingId} ${verdict?.verdict ?? ""}`,
    (finding) => findingCard(finding, judge),
  );
}

async function refresh() {
  try {
    const status = await load("/status.json");
    if (status !== undefined) {
      gateway.status = status;
      gateway.heardAt = performance.now();
    }
    const known = await load("/teach/things.json");
    if (known === undefined) return;
    if (state.problem === t.lost) say("");
    state.things = known.things;
    state.findings = known.findings;
    show();
    if (chosenThing() !== undefined) await takeFrames();
  } catch {
    say(t.lost);
  }
}

function prepare() {
  document.documentElement.lang = locale;
  document.title = `${language === "zh" ? "霜明" : "Frostlight"} · ${t.title}`;
  const other = language === "zh" ? "en" : "zh";
  byId("language").href = `?lang=${other}${location.hash}`;
  byId("language").textContent = other === "en" ? "English" : "中文";
  const texts = { title: t.title, lead: t.lead, back: t.back, "define-title": t.define, "mark-title": t.mark };
  for (const [id, text] of Object.entries(texts)) byId(id).textContent = text;
  byId("back").href = `/${location.search}`;
  byId("findings-title").textContent = t.findings;
  byId("findings-none").textContent = t.noFindings;
  byId("who-label").firstElementChild.textContent = t.you;
  who.value = localStorage.getItem("name") ?? "";
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, select, textarea")) return;
    const answer = { y: "yes", n: "no" }[event.key.toLowerCase()];
    if (answer !== undefined && chosenThing() !== undefined) void mark(answer);
  });
}

const pause = (ms) =>
  new Promise((resolve) => {
    // oxlint-disable-next-line no-restricted-globals -- runs in a browser, where no clock is injected
    setTimeout(resolve, ms);
  });

prepare();
gateway.explanations = (await load("/explanations.json").catch(() => undefined)) ?? {};
await refresh();
if (gateway.status !== undefined) prepareForm();
for (;;) {
  await pause(refreshMs);
  await refresh();
}
