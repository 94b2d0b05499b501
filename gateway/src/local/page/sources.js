import { make, stateMark } from "./elements.js";
import { number, t } from "./format.js";
import { age } from "./gateway.js";

function rowOf(state, word, name, detail, side) {
  return make(
    "li",
    state === "unknown" ? "unknown" : "",
    make("div", "", name),
    make("div", "side", stateMark(state, word)),
    make("div", "detail muted", [detail, side].filter(Boolean).join(" · ")),
  );
}

export function sourceRow(source) {
  const state = { ok: "normal", degraded: "warning", starting: "unknown" }[source.state] ?? "unknown";
  const counts = [
    t.readings(number(source.readings, 0)),
    source.refused > 0 ? t.refused(number(source.refused, 0)) : "",
  ]
    .filter(Boolean)
    .join(" · ");
  const what = [t.sourceCodes[source.code] ?? "", source.message].filter(Boolean).join(" · ");
  return rowOf(state, t.sourceStates[source.state], `${source.sourceId} (${source.kind})`, what, counts);
}

export function cameraRow(camera) {
  const state =
    camera.health === "ok"
      ? "normal"
      : camera.health === "offline" || camera.health === "starting"
        ? "unknown"
        : "warning";
  const last = camera.lastFrameMs === null ? "" : age(camera.lastFrameMs);
  const counts = t.frames(number(camera.framesSeen, 0), number(camera.findings, 0));
  const looks = camera.looks === undefined ? "" : t.looks(number(camera.looks, 0));
  const heldBack = (camera.skipped?.busy ?? 0) + (camera.skipped?.limited ?? 0);
  const waited = heldBack === 0 ? "" : t.heldBack(number(heldBack, 0));
  return rowOf(
    state,
    t.cameraStates[camera.health] ?? camera.health,
    camera.cameraId,
    camera.problem,
    [last, counts, looks, waited].filter(Boolean).join(" · "),
  );
}

export function refusalRow(refusal) {
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
