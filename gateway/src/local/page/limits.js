import { zoneOf } from "./gateway.js";

/** The field's names of limits, with where a room has them: HH and LL are the critical ones. */
export function limitsOf(zoneId) {
  const limits = zoneOf(zoneId)?.limits;
  const named = [
    ["HH", limits?.criticalHigh],
    ["H", limits?.high],
    ["L", limits?.low],
    ["LL", limits?.criticalLow],
  ];
  return named.filter(([, limit]) => typeof limit === "number");
}

/** Which of a room's limits an alarm is about; "" when it is about none. */
export function limitName({ zoneId, priority, explanation }) {
  const side = /^(?:limit|excursion|cumulative|forecast)-(high|low)$/.exec(explanation.code)?.[1];
  if (side === undefined) return "";
  const letter = side === "high" ? "H" : "L";
  const hasSecond = limitsOf(zoneId).some(([name]) => name === letter + letter);
  return priority === "critical" && hasSecond ? letter + letter : letter;
}
