import { showAlarmHealth } from "./alarm-health.js";
import { alarmCard, isSeen, sortedAlarms } from "./alarms.js";
import { prepareDialog } from "./ask.js";
import { cameraRow } from "./cameras.js";
import { approvedCards, certificateCard, keyOfCard, waitingCards } from "./certificates.js";
import { foundRow, keyOfFound } from "./discovered.js";
import { fill, make, stateMark } from "./elements.js";
import { showFacts } from "./facts.js";
import { duration, language, locale, t } from "./format.js";
import { foundCameraRow } from "./found-cameras.js";
import { gateway, nowMs, zoneName } from "./gateway.js";
import { pointRow, stateOf, titleOf } from "./points.js";
import { roomCard } from "./rooms.js";
import { prepareSound, sayAlarms } from "./sound.js";
import { refusalRow, sourceRow } from "./sources.js";
import { outputRow, viewRow } from "./systems.js";

const refreshMs = 2_000;
const byId = (id) => document.getElementById(id);
const order = ["critical", "high", "warning", "outside", "unknown", "normal"];

function section(name, items, keyOf, build, none) {
  byId(`${name}-title`).textContent = t[name];
  fill(byId(name), items, keyOf, build);
  byId(name).hidden = items.length === 0;
  byId(`${name}-none`).hidden = items.length > 0;
  byId(`${name}-none`).textContent = none;
}

function counts(states) {
  const chosen = location.hash.slice(1);
  const shown = order.filter((state) => state === "normal" || states.includes(state) || state === chosen);
  const links = shown.map((state) => {
    const count = states.filter((one) => one === state).length;
    const link = make("a", "", stateMark(state, t.states[state]), make("b", "", String(count)));
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
  const { status } = gateway;
  const lostMs = performance.now() - gateway.heardAt;
  const lost = lostMs > 3 * refreshMs;
  const critical = status?.alarms.filter((alarm) => alarm.priority === "critical" && !isSeen(alarm)) ?? [];
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
  const { status } = gateway;
  if (status === undefined) return;
  const name = status.siteName[language];
  document.title = `${name} · ${t.title}`;
  byId("site").textContent = name;
  byId("gateway").textContent =
    `${t.title} · ${status.gatewayId} · ${status.softwareVersion} · ${t.since(duration(nowMs() - status.startedMs))}`;
  byId("simulated").textContent = t.simulated;
  byId("simulated").hidden = !status.simulated;
  showPoints(status);
  section("alarms", sortedAlarms(), (alarm) => alarm.alarmId, alarmCard, t.noAlarms);
  section("rooms", status.zones, (zone) => zone.zoneId, roomCard, t.noRooms);
  showAlarmHealth();
  sayAlarms();
  const waiting = waitingCards();
  byId("waiting-section").hidden = waiting.length === 0;
  section("waiting", waiting, keyOfCard, certificateCard, "");
  showFacts();
  section("sources", status.sources, (source) => source.sourceId, sourceRow, t.noSources);
  section("discovered", gateway.discovered, keyOfFound, foundRow, t.noDiscovered);
  section("certificates", approvedCards(), keyOfCard, certificateCard, t.noCertificates);
  section("outputs", status.outputs, (output) => output.outputId, outputRow, t.noOutputs);
  section("views", status.views, (view) => view.viewId, viewRow, t.noViews);
  section("cameras", status.cameras, (camera) => camera.cameraId, cameraRow, t.noCameras);
  showTeaching(status);
  section("foundCameras", gateway.foundCameras, ({ endpoint }) => endpoint, foundCameraRow, t.noFoundCameras);
  const refusals = status.refusals.toReversed().slice(0, 20);
  section(
    "refusals",
    refusals,
    ({ sourceId, address, code }) => `${sourceId} ${address} ${code}`,
    refusalRow,
    t.noRefusals,
  );
}

function showTeaching({ cameras }) {
  byId("teach-link").hidden = cameras.length === 0;
  const link = byId("teach-link").firstElementChild;
  link.textContent = t.teach;
  link.href = `/teach.html?lang=${language}`;
}

function showPoints(status) {
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
  section("points", points, ({ point }) => point.pointId, pointRow, entries.length === 0 ? t.noPoints : t.noMatch);
}

async function load(address) {
  const answer = await fetch(address, { signal: AbortSignal.timeout(5_000) });
  return answer.ok ? answer.json() : undefined;
}

async function refresh() {
  try {
    const status = await load("/status.json");
    if (status === undefined) return;
    gateway.status = status;
    gateway.heardAt = performance.now();
    const cameras = (status.foundCameras ?? []).map(({ endpoint, url }) => `${endpoint} ${url}`).join("\n");
    if (cameras !== gateway.foundCamerasSum) gateway.foundCameras = (await load("/found-cameras.json")) ?? [];
    gateway.foundCamerasSum = cameras;
    // Only when something new was seen, or is not there any more.
    const sum = status.discovered.map((found) => `${keyOfFound(found)} ${found.count}`).join("\n");
    if (sum === gateway.discoveredSum) return;
    gateway.discovered = ((await load("/discovered.json")) ?? []).toSorted(
      (a, b) => Number(a.value === null) - Number(b.value === null) || a.label.localeCompare(b.label, locale),
    );
    gateway.discoveredSum = sum;
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
  prepareDialog(refresh);
  prepareSound();
  addEventListener("hashchange", show);
}

const pause = (ms) =>
  new Promise((resolve) => {
    // oxlint-disable-next-line no-restricted-globals -- runs in a browser, where no clock is injected
    setTimeout(resolve, ms);
  });

prepare();
try {
  gateway.explanations = (await load("/explanations.json")) ?? {};
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
