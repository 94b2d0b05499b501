import { make, stateMark } from "./elements.js";
import { number, t } from "./format.js";
import { age } from "./gateway.js";

/** A row with a state, a name and what is to be said of it; more may follow below. */
export function rowOf(state, word, name, detail, side, ...more) {
  return make(
    "li",
    state === "unknown" ? "unknown" : "",
    make("div", "", name),
    make("div", "side", stateMark(state, word)),
    make("div", "detail muted", [detail, side].filter(Boolean).join(" · ")),
    ...more,
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
