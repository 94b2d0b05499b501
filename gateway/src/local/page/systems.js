import { make, stateMark } from "./elements.js";
import { number, t } from "./format.js";

const row = (state, word, name, detail) =>
  make(
    "li",
    state === "unknown" ? "unknown" : "",
    make("div", "", name),
    make("div", "side", stateMark(state, word)),
    make("div", "detail muted", detail),
  );

/** Other systems that look at this gateway: panels, SCADA. */
export function viewRow(view) {
  const state = { online: "normal", waiting: "warning", offline: "high", starting: "unknown" }[view.state];
  const counts = [
    t.values(number(view.values, 0)),
    view.refusedCommands > 0 ? t.refusedActs(number(view.refusedCommands, 0)) : "",
  ];
  const detail = [view.message, ...counts].filter(Boolean).join(" · ");
  return row(state, t.viewStates[view.state], `${view.viewId} (${view.kind})`, detail);
}

/** Sirens, beacons, relays. */
export function outputRow(output) {
  const failed = output.problem !== null;
  const state = failed ? "high" : output.isDone === null ? "unknown" : output.wanted === "on" ? "warning" : "normal";
  const word = failed ? t.outputFailed : t.outputStates[output.wanted];
  return row(state, word, `${output.outputId} (${output.kind})`, output.problem ?? "");
}
