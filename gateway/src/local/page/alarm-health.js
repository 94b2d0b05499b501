import { make, stateMark } from "./elements.js";
import { number, t } from "./format.js";
import { clockTime, gateway, pointName, zoneOf } from "./gateway.js";

const share = (part) => `${number(part * 100, 0)} %`;

/** "limit-high:f1 f1" is rule and target. */
function actorName(key) {
  const target = key.split(" ").at(-1) ?? "";
  const name = zoneOf(target) === undefined ? pointName(target) : target;
  return name === target ? key : `${name} (${key.split(" ")[0]})`;
}

function rows(health) {
  const states = { good: "normal", manageable: "warning", overloaded: "high" };
  const flood = (one) => `${clockTime(one.fromMs)} – ${clockTime(one.toMs)} (${one.count})`;
  const { critical, high, warning } = health.priorities;
  return [
    [t.load, stateMark(states[health.load], t.loads[health.load])],
    [t.rate, t.rates(health.alarms, number(health.perHour), health.mostIn10Min)],
    [t.floods, health.floods.length === 0 ? t.none : health.floods.map(flood).join(" · ")],
    [t.chattering, health.chattering.length === 0 ? t.none : health.chattering.map(actorName).join(" · ")],
    [
      t.staleAlarms,
      health.stale.length === 0
        ? t.none
        : health.stale.map((one) => `${actorName(one.key)} ${clockTime(one.sinceMs)}`).join(" · "),
    ],
    [
      t.split,
      [critical, high, warning]
        .map((part, index) => `${t.states[["critical", "high", "warning"][index]]} ${share(part)}`)
        .join(" · "),
    ],
    [t.topTen, health.topTen.length === 0 ? t.none : share(health.topTenShare)],
  ];
}

/** How the alarm system itself is doing, by the measures of IEC 62682, as this gateway has seen it. */
export function showAlarmHealth() {
  const health = gateway.status.alarmHealth;
  document.getElementById("health-title").textContent = t.health;
  document
    .getElementById("health")
    .replaceChildren(
      ...rows(health).map(([name, value]) => make("div", "", make("dt", "", name), make("dd", "", value))),
    );
  document
    .getElementById("actors")
    .replaceChildren(
      ...health.topTen.map((actor) =>
        make(
          "li",
          "",
          make("div", "", actorName(actor.key)),
          make("div", "side", `${t.times(actor.count)} · ${share(actor.share)}`),
          actor.advice === null ? null : make("div", "detail muted", `→ ${t.advice[actor.advice]}`),
        ),
      ),
    );
}
