import { reasonField } from "./alarms.js";
import { ask } from "./ask.js";
import { make } from "./elements.js";
import { language, number, t } from "./format.js";
import { age, gateway, pointName, zoneName } from "./gateway.js";
import { limitsOf } from "./limits.js";

const knowledgeOf = (zoneId) => gateway.status.rooms?.find((room) => room.zoneId === zoneId);

const range = ({ least, most }, digits, unit) =>
  least === most ? `${number(least, digits)} ${unit}` : `${number(least, digits)} … ${number(most, digits)} ${unit}`;

function airOf(zoneId) {
  return gateway.status.points
    .filter(({ point }) => point.zoneId === zoneId && point.quantity === "temperature" && point.unit === "Cel")
    .map(({ point, last, stale }) => {
      const isKnown = !stale && last !== null && last.value !== null && last.quality === "good";
      const value = isKnown ? `${number(last.value)} °C` : `◌ ${t.states.unknown}`;
      return `${point.name[language]} ${value}${last === null || isKnown ? "" : ` (${age(last.timeMs)})`}`;
    });
}

/** Contacts and signals of a room; what is not heard of is unknown, not closed. */
function signalsOf(zoneId) {
  return gateway.status.points
    .filter(({ point }) => point.zoneId === zoneId && point.quantity in t.signals)
    .map(({ point, last, stale }) => {
      const [off, on] = t.signals[point.quantity];
      const isKnown = !stale && last !== null && last.value !== null;
      return `${point.name[language]}: ${isKnown ? (last.value > 0 ? on : off) : `◌ ${t.states.unknown}`}`;
    });
}

function productOf(zoneId) {
  const { product = null, timeConstant } = knowledgeOf(zoneId) ?? {};
  if (product === null) return t.noEstimate;
  const model = timeConstant === undefined ? [] : [t.timeConstant(timeConstant, number(timeConstant.minutes / 60))];
  const value = `≈ ${number(product.celsius)} ± ${number(product.uncertaintyCelsius)} °C`;
  return [value, t.estimated, ...model].join(" · ");
}

function defrostText(defrost) {
  if (defrost === null) return t.stillLearning;
  const { seen, heightKelvin, riseMinutes, recoveryMinutes } = defrost;
  return [
    t.seenTimes(seen),
    t.peak(range(heightKelvin, 1, "K")),
    t.rise(range(riseMinutes, 0, t.minutes)),
    t.recovery(range(recoveryMinutes, 0, t.minutes)),
  ].join(" · ");
}

function excursionText({ side, limit, unit, count, minutes, beyond, lastEndedMs }) {
  return [
    t.beyondLimit[side](`${number(limit)} ${unit}`),
    t.seenTimes(count),
    t.lasts(range(minutes, 0, t.minutes)),
    t.atWorst(range(beyond, 1, unit === "°C" ? "K" : unit)),
    t.lastTime(age(lastEndedMs)),
  ].join(" · ");
}

const facts = (rows) => {
  const list = make("dl", "facts");
  for (const [name, value] of rows) list.append(make("div", "", make("dt", "", name), make("dd", "", value)));
  return list;
};

/** What was learned of a room, and forgetting it. */
function openLearned(zoneId) {
  const known = knowledgeOf(zoneId);
  const rows = (known?.curves ?? []).map(({ pointId, defrost }) => [
    t.defrostsOf(pointName(pointId)),
    defrostText(defrost),
  ]);
  const { defrostMinutes = [], recoveryMinutes = [] } = known?.reported ?? {};
  if (defrostMinutes.length > 0) {
    const span = (list) => range({ least: Math.min(...list), most: Math.max(...list) }, 0, t.minutes);
    const recovery = recoveryMinutes.length === 0 ? "" : t.recovery(span(recoveryMinutes));
    const parts = [t.seenTimes(defrostMinutes.length), t.lasts(span(defrostMinutes)), recovery];
    rows.push([t.reportedDefrosts, parts.filter(Boolean).join(" · ")]);
  }
  if (rows.length === 0) rows.push([t.learned, t.stillLearning]);
  const excursions = known?.excursions ?? [];
  for (const past of excursions) rows.push([t.excursionsOf(pointName(past.pointId)), excursionText(past)]);
  if (excursions.length === 0) rows.push([t.excursionsOf(zoneName(zoneId)), t.noExcursions]);
  const { timeConstant } = known ?? {};
  if (timeConstant !== undefined)
    rows.push([t.timeConstantName, t.timeConstant(timeConstant, number(timeConstant.minutes / 60))]);
  const forget = make("button", "quiet", t.forget);
  forget.type = "button";
  forget.addEventListener("click", () => {
    ask({
      heading: t.forget,
      about: `${zoneName(zoneId)} · ${t.forgetMeans}`,
      fields: [reasonField()],
      address: "/rooms/forget",
      bodyOf: ({ name, reason }) => ({ zoneId, name, reason }),
    });
  });
  ask({ heading: `${zoneName(zoneId)} · ${t.learned}`, about: [facts(rows), make("div", "acts", forget)], fields: [] });
}

export function roomCard({ zoneId, name }) {
  const limits = limitsOf(zoneId).map(([short, value]) => `${short} ${number(value)} °C`);
  const air = airOf(zoneId);
  const signals = signalsOf(zoneId);
  const aside = gateway.status.alarms.filter((alarm) => alarm.zoneId === zoneId && alarm.state === "suppressed").length;
  const button = make("button", "quiet", t.learned);
  button.type = "button";
  button.setAttribute("aria-label", `${name[language]}: ${t.learned}`);
  button.addEventListener("click", () => openLearned(zoneId));
  const rows = [
    [t.air, air.length === 0 ? t.noProbe : air.join(" · ")],
    ...(air.length === 0 ? [] : [[t.product, productOf(zoneId)]]),
    ...(signals.length === 0 ? [] : [[t.doorAndDefrost, signals.join(" · ")]]),
    ...(aside === 0 ? [] : [[t.suppressedNow, `⟲ ${aside}`]]),
    ...(limits.length === 0 ? [] : [[t.limitNames, limits.join(" · ")]]),
  ];
  return make("li", "", make("div", "title", name[language]), facts(rows), make("div", "acts", button));
}
