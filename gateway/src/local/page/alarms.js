import { ask } from "./ask.js";
import { make, stateMark } from "./elements.js";
import { duration, t } from "./format.js";
import { age, clockTime, gateway, nowMs, pointName, sentence, zoneName } from "./gateway.js";
import { limitName } from "./limits.js";

const minute = 60_000;
const shelfMinutes = [15, 30, 60, 240, 480, 1_440];
const asideGlyphs = { shelved: "⏸", suppressed: "⟲", "out-of-service": "⚙" };

const seen = new Set(["acknowledged", "latched-acknowledged", "shelved", "suppressed", "out-of-service"]);

/** Nobody needs to look at it now: it is acknowledged, or put aside. */
export const isSeen = (alarm) => seen.has(alarm.state);

/** Its condition holds, as far as the gateway knows. */
export const isActive = (alarm) => alarm.state === "unacknowledged" || alarm.state === "acknowledged";

export const isAside = (alarm) => alarm.state in asideGlyphs;

function titleOf(alarm) {
  const target = alarm.pointId === null ? (alarm.cameraId ?? "") : pointName(alarm.pointId);
  return [t.rules[alarm.ruleKind] ?? alarm.ruleKind, zoneName(alarm.zoneId), target].filter(Boolean).join(" · ");
}

const comment = () => ({ name: "comment", kind: "long", label: t.comment });
export const reasonField = () => ({ name: "reason", kind: "long", label: t.reason, required: true });

/** What can be done to an alarm in its state. */
function actsOf(alarm) {
  const { alarmId, state } = alarm;
  const about = titleOf(alarm);
  const withComment = (heading, address) => () =>
    ask({
      heading,
      about,
      needsName: false,
      fields: [comment()],
      address,
      bodyOf: ({ name, comment }) => ({ alarmId, name, comment }),
    });
  const withReason = (heading, address) => () =>
    ask({
      heading,
      about,
      fields: [reasonField()],
      address,
      bodyOf: ({ name, reason }) => ({ alarmId, name, reason }),
    });
  const shelve = () =>
    ask({
      heading: t.shelve,
      about,
      fields: [
        {
          name: "until",
          kind: "choice",
          label: t.shelveFor,
          options: shelfMinutes
            .filter((minutes) => alarm.priority !== "critical" || minutes <= 60)
            .map((minutes) => [String(minutes), duration(minutes * minute)]),
          value: "60",
        },
        reasonField(),
        { name: "oneShot", kind: "yes-no", label: t.oneShot },
      ],
      address: "/alarms/shelve",
      // A little less, so that a clock that lags does not go beyond what is allowed.
      bodyOf: ({ name, reason, until, oneShot }) => ({
        alarmId,
        name,
        reason,
        oneShot,
        untilMs: Math.floor(nowMs() + Number(until) * minute - 5_000),
      }),
    });
  const acknowledge = [t.acknowledge, withComment(t.acknowledge, "/alarms/acknowledge")];
  const done = [t.actionDone, withComment(t.actionDone, "/alarms/action-done")];
  if (state === "shelved") return [[t.unshelve, withReason(t.unshelve, "/alarms/unshelve")], done];
  if (isAside(alarm)) return [done];
  const isLatched = state.startsWith("latched-");
  return [
    ...(isSeen(alarm) ? [] : [acknowledge]),
    done,
    ...(isLatched ? [[t.reset, withReason(t.reset, "/alarms/reset")]] : []),
    ...(isActive(alarm) ? [[t.shelve, shelve]] : []),
  ];
}

/** Until when it is put aside, and whether somebody has dealt with the cause. */
function marksOf({ aside, actionDone }) {
  return [...(aside === null ? [] : [t.asideUntil(clockTime(aside.untilMs))]), ...(actionDone ? [t.isActionDone] : [])];
}

export function alarmCard(alarm) {
  const mark = isAside(alarm)
    ? make("span", "state aside", `${asideGlyphs[alarm.state]} ${t.alarmStates[alarm.state]}`)
    : stateMark(alarm.priority, t.states[alarm.priority]);
  const state = isAside(alarm) ? t.states[alarm.priority] : (t.alarmStates[alarm.state] ?? alarm.state);
  const buttons = actsOf(alarm).map(([word, act], index) => {
    const button = make("button", index === 0 && !isSeen(alarm) ? "" : "quiet", word);
    button.type = "button";
    button.addEventListener("click", act);
    return button;
  });
  return make(
    "li",
    isAside(alarm) ? "aside" : alarm.priority,
    make("div", "", mark, " ", make("span", "muted", [state, age(alarm.onsetTimeMs), ...marksOf(alarm)].join(" · "))),
    make("div", "title", [limitName(alarm), titleOf(alarm)].filter(Boolean).join(" ")),
    make("div", "", sentence(alarm.explanation)),
    make("div", "acts", ...buttons),
  );
}

const priorities = ["critical", "high", "warning"];
const rank = (alarm) => (isAside(alarm) ? 20 : isSeen(alarm) ? 10 : 0) + priorities.indexOf(alarm.priority);

/** Worst first, what somebody has seen behind it. */
export const sortedAlarms = () =>
  gateway.status.alarms.toSorted((a, b) => rank(a) - rank(b) || a.onsetTimeMs - b.onsetTimeMs);
