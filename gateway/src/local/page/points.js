import { isActive, reasonField } from "./alarms.js";
import { ask } from "./ask.js";
import { make, stateMark } from "./elements.js";
import { duration, language, number, t, unitSymbol } from "./format.js";
import { age, clockTime, day, gateway, nowMs, zoneName, zoneOf } from "./gateway.js";

const hour = 3_600_000;
const serviceHours = [1, 8, 24, 72, 168, 720];

/** A state of a point, and the word for it. */
export function stateOf({ point, last, stale }) {
  const active = gateway.status.alarms.filter((alarm) => alarm.pointId === point.pointId && isActive(alarm));
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

export const titleOf = ({ point }) => `${zoneName(point.zoneId)} ${point.name[language]}`;

const valueText = (value, unit) => `${number(value)} ${unitSymbol(unit)}`.trim();

const isDue = ({ calibration }) => calibration.dueMs !== null && nowMs() >= calibration.dueMs;

function calibrationText({ offset, slope, certificate, dueMs }) {
  const changed = offset !== 0 || slope !== 1;
  return [
    changed ? t.calibrated(number(slope, 3), number(offset, 2)) : t.notCalibrated,
    certificate ?? "",
    dueMs === null ? "" : t.calibrationDue(day(dueMs)),
  ]
    .filter(Boolean)
    .join(" · ");
}

/** What is known of a point, and taking it out of service or back. */
function openDetails(entry) {
  const { point, last } = entry;
  const target = { pointId: point.pointId };
  const facts = [
    [t.pointId, point.pointId],
    [t.quantity, t.quantities[point.quantity] ?? point.quantity],
    [t.probeRole, point.probeRole === null ? t.notSaid : t.probeRoles[point.probeRole]],
    [t.calibration, calibrationText(point.calibration)],
    [t.interval, duration(point.expectedIntervalMs)],
    ...(last === null
      ? []
      : [
          [t.rawValue, last.raw === null ? "—" : number(last.raw, 2)],
          [t.qualityName, t.qualities[last.quality] + (last.reason ? ` (${last.reason})` : "")],
          [t.takenAt, `${clockTime(last.timeMs)}${last.hasSourceTime ? "" : ` (${t.gatewayTime})`}`],
        ]),
    [t.limitsFrom, zoneOf(point.zoneId)?.limitsSource ?? "—"],
  ];
  const list = make("dl", "facts");
  for (const [name, value] of facts) list.append(make("div", "", make("dt", "", name), make("dd", "", value)));
  const change = (inService, heading, fields) => {
    const button = make("button", "quiet", heading);
    button.type = "button";
    button.addEventListener("click", () => {
      ask({
        heading,
        about: titleOf(entry),
        fields,
        address: "/service",
        bodyOf: ({ name, reason, until }) => ({
          target,
          inService,
          name,
          reason,
          untilMs: inService ? 0 : Math.floor(nowMs() + Number(until) * hour - 5_000),
        }),
      });
    });
    return button;
  };
  const until = {
    name: "until",
    kind: "choice",
    label: t.serviceFor,
    options: serviceHours.map((hours) => [String(hours), duration(hours * hour)]),
    value: "8",
  };
  const acts = make(
    "div",
    "acts",
    change(false, t.outOfService, [until, reasonField()]),
    change(true, t.intoService, [reasonField()]),
  );
  ask({ heading: titleOf(entry), about: [list, acts], fields: [] });
}

export function pointRow(entry) {
  const { point, last, stale } = entry;
  const state = stateOf(entry);
  const value = last?.value ?? null;
  const old = stale || last?.quality !== "good";
  const shown =
    value === null
      ? make("span", "muted", last === null ? t.neverSpoke : t.noValue)
      : make("span", `value${old ? " old" : ""}`, number(value), make("small", "", ` ${unitSymbol(point.unit)}`));
  shown.title = value === null ? "" : valueText(value, point.unit);
  const doubt =
    last === null || last.quality === "good"
      ? ""
      : `${t.quality[last.quality]}${last.reason ? ` (${last.reason})` : ""}`;
  const notes = [
    state === "outside" ? t.delayRuns : doubt,
    last?.backfill ? t.backfilled : "",
    last?.timeCorrected ? t.timeCorrected : "",
    isDue(point) ? `▲ ${t.calibrationOverdue(day(point.calibration.dueMs))}` : "",
  ].filter(Boolean);
  const when = last === null || last.value === null ? "" : age(last.timeMs);
  const known = stale || last === null || last.value === null || last.quality !== "good" ? "unknown" : "";
  const name = make("button", "plain", zoneName(point.zoneId));
  name.type = "button";
  name.setAttribute("aria-label", `${titleOf(entry)}: ${t.details}`);
  name.addEventListener("click", () => openDetails(entry));
  const role = point.probeRole === null ? "" : ` · ${t.probeRoles[point.probeRole]}`;
  return make(
    "li",
    known,
    stateMark(state, t.states[state]),
    make("div", "where", name, make("div", "muted", point.name[language] + role)),
    bar(point, known ? null : value),
    make("div", "side", shown, make("div", "age", when)),
    notes.length === 0 ? null : make("div", "detail muted", notes.join(" · ")),
  );
}
