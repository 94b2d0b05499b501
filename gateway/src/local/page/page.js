import { fill, glyphs, make } from "./elements.js";
import { bytes, duration, language, locale, number, t, unitSymbol } from "./format.js";

const refreshMs = 2_000;
const byId = (id) => document.getElementById(id);
const order = ["critical", "high", "warning", "outside", "unknown", "normal"];

let explanations = {};
let status;
/** performance.now() of the last good answer. */
let heardAt = performance.now();

/** The gateway's time now, as far as this page knows. */
const nowMs = () => status.nowMs + (performance.now() - heardAt);

const age = (timeMs) => (nowMs() - timeMs < 5_000 ? t.justNow : t.ago(duration(nowMs() - timeMs)));

function clockTime(timeMs) {
  const date = new Date(timeMs);
  const time = date.toLocaleTimeString(locale, { hour: "2-digit", minute: "2-digit" });
  const isToday = date.toDateString() === new Date(nowMs()).toDateString();
  return isToday ? `${t.today} ${time}` : `${date.toLocaleDateString(locale)} ${time}`;
}

/** A sentence for an explanation; an unknown code of a newer version still shows its code and values. */
function sentence({ code, parameters }) {
  const text = explanations[code]?.[language];
  if (text === undefined) return `${code} ${JSON.stringify(parameters)}`;
  return text.replace(/\{(\w+)\}/g, (_match, name) => {
    const value = parameters[name];
    if (value === undefined) return "—";
    if (typeof value === "number") return value.toLocaleString(locale, { maximumFractionDigits: 2 }).replace("-", "−");
    return typeof value === "string" ? value : clockTime(value.timeMs);
  });
}

function section(name, items, keyOf, build, none) {
  byId(`${name}-title`).textContent = t[name];
  fill(byId(name), items, keyOf, build);
  byId(name).hidden = items.length === 0;
  byId(`${name}-none`).hidden = items.length > 0;
  byId(`${name}-none`).textContent = none;
}

const stateMark = (state, word = t.states[state]) => make("span", `state ${state}`, `${glyphs[state]} ${word}`);

const zoneOf = (zoneId) => status.zones.find((zone) => zone.zoneId === zoneId);
const zoneName = (zoneId) => zoneOf(zoneId)?.name[language] ?? zoneId;
const pointName = (id) => status.points.find(({ point }) => point.pointId === id)?.point.name[language] ?? id;

function stateOf({ point, last, stale }) {
  const active = status.alarms.filter(
    (alarm) => alarm.pointId === point.pointId && alarm.state !== "returned-unacknowledged",
  );
  const worst = ["critical", "high", "warning"].find((priority) => active.some((alarm) => alarm.priority === priority));
  // What an alarm has found still holds while the value is unknown; without one, unknown is never normal.
  if (worst !== undefined) return worst;
  if (stale || last === null || last.value === null || last.quality !== "good") return "unknown";
  return isOutside(point, last.value) ? "outside" : "normal";
}

function isOutside(point, value) {
  const limits = zoneOf(point.zoneId)?.limits;
  if (point.quantity !== "temperature" || point.unit !== "Cel" || !limits) return false;
  return (limits.high !== null && value >= limits.high) || (limits.low !== null && value <= limits.low);
}

function bar(point, value) {
  const limits = zoneOf(point.zoneId)?.limits;
  const { low = null, high = null } = limits ?? {};
  if (point.quantity !== "temperature" || point.unit !== "Cel" || (low === null && high === null)) return make("span");
  const from = Math.min(low ?? high - 10, limits.criticalLow ?? Infinity) - 2;
  const to = Math.max(high ?? low + 10, limits.criticalHigh ?? -Infinity) + 2;
  const place = (celsius) => `${Math.min(100, Math.max(0, ((celsius - from) / (to - from)) * 100))}%`;
  const band = make("i");
  band.style.left = place(low ?? from);
  band.style.right = `calc(100% - ${place(high ?? to)})`;
  const element = make("div", "bar", band);
  const text = [low, high].map((limit) => (limit === null ? "" : number(limit))).join(" … ");
  element.title = t.limits(`${text} °C`);
  element.setAttribute("role", "img");
  element.setAttribute("aria-label", element.title);
  if (value !== null) {
    const marker = make("b");
    marker.style.left = place(value);
    element.append(marker);
  }
  return element;
}

const titleOf = ({ point }) => `${zoneName(point.zoneId)} ${point.name[language]}`;

function pointRow(entry) {
  const { point, last, stale } = entry;
  const state = stateOf(entry);
  const value = last?.value ?? null;
  const old = stale || last?.quality !== "good";
  const shown =
    value === null
      ? make("span", "muted", last === null ? t.neverSpoke : t.noValue)
      : make("span", `value${old ? " old" : ""}`, number(value), make("small", "", ` ${unitSymbol(point.unit)}`));
  const doubt =
    last === null || last.quality === "good"
      ? ""
      : `${t.quality[last.quality]}${last.reason ? ` (${last.reason})` : ""}`;
  const why = state === "outside" ? t.delayRuns : doubt;
  const when = last === null || last.value === null ? "" : age(last.timeMs);
  const known = stale || last === null || last.value === null || last.quality !== "good" ? "unknown" : "";
  return make(
    "li",
    known,
    stateMark(state),
    make("div", "where", make("div", "", zoneName(point.zoneId)), make("div", "muted", point.name[language])),
    bar(point, known ? null : value),
    make("div", "side", shown, make("div", "age", when)),
    why === "" ? null : make("div", "detail muted", why),
  );
}

function alarmCard(alarm) {
  const target = alarm.pointId === null ? alarm.cameraId : pointName(alarm.pointId);
  const title = `${t.rules[alarm.ruleKind] ?? alarm.ruleKind} · ${zoneName(alarm.zoneId)} · ${target ?? ""}`;
  const card = make(
    "li",
    alarm.priority,
    make(
      "div",
      "",
      stateMark(alarm.priority),
      " ",
      make("span", "muted", `${t.alarmStates[alarm.state]} · ${age(alarm.onsetTimeMs)}`),
    ),
    make("div", "title", title),
    make("div", "", sentence(alarm.explanation)),
  );
  if (alarm.state === "acknowledged") return card;
  const button = make("button", "", t.acknowledge);
  button.type = "button";
  button.addEventListener("click", () => openDialog(alarm, title));
  card.append(button);
  return card;
}

const rank = (alarm) => (alarm.state === "acknowledged" ? 10 : 0) + order.indexOf(alarm.priority);

function rowOf(state, word, name, detail, side) {
  return make(
    "li",
    state === "unknown" ? "unknown" : "",
    make("div", "", name),
    make("div", "side", stateMark(state, word)),
    make("div", "detail muted", [detail, side].filter(Boolean).join(" · ")),
  );
}

function sourceRow(source) {
  const state = { ok: "normal", degraded: "warning", starting: "unknown" }[source.state] ?? "unknown";
  const counts = [
    t.readings(number(source.readings, 0)),
    source.refused > 0 ? t.refused(number(source.refused, 0)) : "",
  ]
    .filter(Boolean)
    .join(" · ");
  return rowOf(state, t.sourceStates[source.state], `${source.sourceId} (${source.kind})`, source.message, counts);
}

function cameraRow(camera) {
  const state =
    camera.health === "ok"
      ? "normal"
      : camera.health === "offline" || camera.health === "starting"
        ? "unknown"
        : "warning";
  const last = camera.lastFrameMs === null ? "" : age(camera.lastFrameMs);
  const counts = t.frames(number(camera.framesSeen, 0), number(camera.findings, 0));
  return rowOf(
    state,
    t.cameraStates[camera.health] ?? camera.health,
    camera.cameraId,
    camera.problem,
    [last, counts].filter(Boolean).join(" · "),
  );
}

function refusalRow(refusal) {
  return make(
    "li",
    "",
    make("div", "", refusal.message),
    make("div", "side age", age(refusal.timeMs)),
    make(
      "div",
      "detail muted",
      `${refusal.sourceId} · ${refusal.address} · ${refusal.code} · ${t.times(refusal.count)}`,
    ),
  );
}

function facts() {
  const { uplink, journal } = status;
  const waiting = [
    t.batches(journal.unreleasedBatches),
    uplink.pendingEvidence > 0 ? t.evidence(uplink.pendingEvidence) : "",
  ];
  const rows = [
    [
      t.server,
      stateMark(uplink.state === "connected" ? "normal" : "unknown", t.uplink[uplink.state]),
      uplink.server || t.noServer,
    ],
    [t.lastAck, uplink.lastAckMs === null ? t.never : age(uplink.lastAckMs)],
    [t.waiting, waiting.filter(Boolean).join(" · ")],
    [t.journal, t.journalFacts(bytes(journal.sizeBytes), number(journal.items, 0))],
    ...(journal.quarantinedRecords > 0 ? [[t.problem, t.damaged(journal.quarantinedRecords)]] : []),
    ...(uplink.refusedBatches > 0 ? [[t.problem, t.refusedBatches(uplink.refusedBatches)]] : []),
    ...(uplink.lastError === null || uplink.state === "connected" ? [] : [[t.problem, uplink.lastError]]),
    [t.memory, bytes(status.residentBytes)],
  ];
  const divs = rows.map(([name, ...values]) => {
    const children = values.flatMap((value, index) => (index === 0 ? [value] : [" ", value]));
    return make("div", "", make("dt", "", name), make("dd", "", ...children));
  });
  byId("link").replaceChildren(...divs);
}

function counts(states) {
  const chosen = location.hash.slice(1);
  const shown = order.filter((state) => state === "normal" || states.includes(state) || state === chosen);
  const links = shown.map((state) => {
    const count = states.filter((one) => one === state).length;
    const link = make("a", "", stateMark(state), make("b", "", String(count)));
    link.href = state === chosen ? "#" : `#${state}`;
    link.setAttribute("aria-current", String(state === chosen));
    return link;
  });
  fill(
    byId("counts"),
    links,
    (link) => link.getAttribute("href"),
    (link) => link,
  );
}

function strip() {
  const lostMs = performance.now() - heardAt;
  const lost = lostMs > 3 * refreshMs;
  const critical =
    status?.alarms.filter((alarm) => alarm.priority === "critical" && alarm.state !== "acknowledged") ?? [];
  const linkDown = status !== undefined && status.uplink.server !== "" && status.uplink.state !== "connected";
  const lines = [
    lost ? t.lost(duration(lostMs)) : "",
    critical.length > 0
      ? `■ ${t.criticalStrip(critical.length, critical.map((alarm) => zoneName(alarm.zoneId)).join(language === "zh" ? "、" : ", "))}`
      : "",
    linkDown ? t.linkDown : "",
  ].filter(Boolean);
  const text = lines.join(" · ");
  const element = byId("strip");
  if (element.textContent !== text) element.textContent = text;
  element.hidden = text === "";
  element.className = critical.length > 0 ? "critical" : "";
  document.body.classList.toggle("lost", lost);
}

function show() {
  strip();
  if (status === undefined) return;
  const name = status.siteName[language];
  document.title = `${name} · ${t.title}`;
  byId("site").textContent = name;
  byId("gateway").textContent =
    `${t.title} · ${status.gatewayId} · ${status.softwareVersion} · ${t.since(duration(nowMs() - status.startedMs))}`;
  byId("simulated").textContent = t.simulated;
  byId("simulated").hidden = !status.simulated;
  const entries = status.points.map((entry) => ({ entry, state: stateOf(entry) }));
  counts(entries.map(({ state }) => state));
  const chosen = location.hash.slice(1);
  const points = entries
    .filter(({ state }) => !order.includes(chosen) || state === chosen)
    .toSorted(
      (a, b) =>
        order.indexOf(a.state) - order.indexOf(b.state) || titleOf(a.entry).localeCompare(titleOf(b.entry), locale),
    )
    .map(({ entry }) => entry);
  const alarms = status.alarms.toSorted((a, b) => rank(a) - rank(b) || a.onsetTimeMs - b.onsetTimeMs);
  section("alarms", alarms, (alarm) => alarm.alarmId, alarmCard, t.noAlarms);
  section("points", points, ({ point }) => point.pointId, pointRow, entries.length === 0 ? t.noPoints : t.noMatch);
  byId("link-title").textContent = t.link;
  facts();
  section("sources", status.sources, (source) => source.sourceId, sourceRow, t.noSources);
  section("cameras", status.cameras, (camera) => camera.cameraId, cameraRow, t.noCameras);
  const refusals = status.refusals.toReversed().slice(0, 20);
  section(
    "refusals",
    refusals,
    ({ sourceId, address, code }) => `${sourceId} ${address} ${code}`,
    refusalRow,
    t.noRefusals,
  );
}

let asked;

function openDialog(alarm, title) {
  asked = alarm.alarmId;
  byId("acknowledge-what").textContent = title;
  byId("acknowledge-problem").hidden = true;
  byId("acknowledge").showModal();
}

async function acknowledge() {
  const name = byId("name").value.trim();
  localStorage.setItem("name", name);
  const body = JSON.stringify({ alarmId: asked, name, comment: byId("comment").value.trim() });
  let problem = t.failed;
  try {
    const answer = await fetch("/alarms/acknowledge", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
    });
    const { outcome, code } = await answer.json();
    problem = answer.ok ? undefined : (t.outcomes[outcome ?? code] ?? t.failed);
  } catch {
    problem = t.failed;
  }
  byId("acknowledge-problem").hidden = problem === undefined;
  byId("acknowledge-problem").textContent = problem ?? "";
  if (problem === undefined) {
    byId("comment").value = "";
    byId("acknowledge").close();
  }
  await refresh();
}

async function refresh() {
  try {
    const answer = await fetch("/status.json", { signal: AbortSignal.timeout(5_000) });
    if (!answer.ok) return;
    status = await answer.json();
    heardAt = performance.now();
  } catch {
    // The strip says since when; the next turn tries again.
  }
}

function prepare() {
  document.documentElement.lang = locale;
  const other = language === "zh" ? "en" : "zh";
  const link = byId("language");
  link.textContent = t.other;
  link.href = `?lang=${other}${location.hash}`;
  link.hreflang = other;
  byId("acknowledge-title").textContent = t.acknowledge;
  byId("name-label").textContent = t.yourName;
  byId("comment-label").textContent = t.comment;
  byId("acknowledge-cancel").textContent = t.cancel;
  byId("acknowledge-confirm").textContent = t.acknowledge;
  byId("name").value = localStorage.getItem("name") ?? "";
  byId("acknowledge-cancel").addEventListener("click", () => byId("acknowledge").close());
  byId("acknowledge")
    .querySelector("form")
    .addEventListener("submit", (event) => {
      event.preventDefault();
      void acknowledge();
    });
  addEventListener("hashchange", show);
}

const pause = (ms) =>
  new Promise((resolve) => {
    // oxlint-disable-next-line no-restricted-globals -- runs in a browser, where no clock is injected
    setTimeout(resolve, ms);
  });

prepare();
try {
  explanations = await (await fetch("/explanations.json")).json();
} catch {
  // Without the catalogue, codes and values are shown.
}
for (;;) {
  await refresh();
  for (let second = 0; second < refreshMs / 1_000; second += 1) {
    show();
    await pause(1_000);
  }
}
