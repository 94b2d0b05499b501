/** One step of an alarm's life, as far as the health of the alarm system is concerned. */
export interface HealthStep {
  /** What raises: rule and target. One bad actor is one key. */
  readonly key: string;
  readonly ruleKind: string;
  readonly alarmId: string;
  readonly step: "raised" | "ended";
  readonly priority: "warning" | "high" | "critical";
  readonly timeMs: number;
}

const asideStates: ReadonlySet<string> = new Set(["shelved", "suppressed", "out-of-service"]);

/**
 * What an alarm event means for the health of the alarm system; undefined: nothing. What begins or waits aside (shelved,
 * suppressed by design, out of service) asks nobody for attention; taken back, it does.
 * @param key names the rule and its target
 */
export function healthStepOf(
  event: Omit<HealthStep, "key" | "step"> & { readonly transition: string; readonly state: string },
  key: string,
): HealthStep | undefined {
  const { ruleKind, alarmId, priority, timeMs, transition, state } = event;
  const step = { key, ruleKind, alarmId, priority, timeMs };
  if (asideStates.has(state)) return transition === "raised" ? undefined : { ...step, step: "ended" };
  const asks = transition === "raised" || (takenBack.has(transition) && state === "unacknowledged");
  if (asks) return { ...step, step: "raised" };
  return ending.has(transition) ? { ...step, step: "ended" } : undefined;
}

const takenBack: ReadonlySet<string> = new Set(["unshelved", "unsuppressed", "in-service"]);
const ending: ReadonlySet<string> = new Set(["returned", "latched", "cleared"]);

/** What would mend a bad actor. */
export type AlarmAdvice =
  /** It comes and goes around its limit. */
  | "widen-deadband"
  /** It mostly ends by itself within minutes. */
  | "lengthen-delay"
  /** Alarms of probe and data come from a broken probe, battery or radio link. */
  | "check-probe"
  /** It is nearly always there: the limit is not this room's. */
  | "check-profile";

export interface BadActor {
  readonly key: string;
  readonly ruleKind: string;
  readonly count: number;
  /** Of all alarms of the window, 0..1. */
  readonly share: number;
  readonly advice: AlarmAdvice | null;
}

/** The measures of IEC 62682 / ISA-18.2 (limits: STANDARDS, section 4), of one window. */
export interface AlarmHealth {
  readonly fromMs: number;
  readonly toMs: number;
  readonly alarms: number;
  readonly perHour: number;
  /** The busiest ten minutes. */
  readonly mostIn10Min: number;
  /** good: at most 6 an hour · manageable: at most 12 · overloaded: more. */
  readonly load: "good" | "manageable" | "overloaded";
  /** Stretches with 10 or more alarms in 10 minutes. */
  readonly floods: readonly { readonly fromMs: number; readonly toMs: number; readonly count: number }[];
  /** Three or more within a minute. */
  readonly chattering: readonly string[];
  /** Open for more than 24 hours. */
  readonly stale: readonly { readonly key: string; readonly sinceMs: number }[];
  readonly topTen: readonly BadActor[];
  readonly topTenShare: number;
  /** Shares, 0..1; the aim is 0.80 / 0.15 / 0.05. */
  readonly priorities: Readonly<Record<HealthStep["priority"], number>>;
}

const minute = 60_000;
const hour = 60 * minute;
const floodCount = 10;
const chatterCount = 3;
const staleMs = 24 * hour;
const goodPerHour = 6;
const manageablePerHour = 12;
/** Alarms that end within this by themselves would mostly not have been raised by a longer delay. */
const briefMs = 15 * minute;
/** An actor that is in alarm for this share of the window has the wrong limit. */
const standingShare = 0.5;
const probeKinds: ReadonlySet<string> = new Set(["no-data", "flat-line", "probe-fault", "pair-disagreement"]);

/**
 * Judges the alarm system itself.
 * @param steps in any order; what lies outside the window counts only for what was open
 * @param windowMs up to `nowMs`
 */
export function judgeAlarmHealth(steps: readonly HealthStep[], nowMs: number, windowMs: number): AlarmHealth {
  const fromMs = nowMs - windowMs;
  const ordered = steps.filter(({ timeMs }) => timeMs <= nowMs).toSorted((a, b) => a.timeMs - b.timeMs);
  const raised = ordered.filter(({ step, timeMs }) => step === "raised" && timeMs >= fromMs);
  const times = raised.map(({ timeMs }) => timeMs);
  const stays = staysOf(ordered, nowMs);
  const perHour = raised.length / (windowMs / hour);
  const mostIn10Min = mostWithin(times, 10 * minute);
  const topTen = topOf(raised, stays, fromMs, nowMs);
  return {
    fromMs,
    toMs: nowMs,
    alarms: raised.length,
    perHour,
    mostIn10Min,
    load: perHour <= goodPerHour ? "good" : perHour <= manageablePerHour ? "manageable" : "overloaded",
    floods: floodsOf(times),
    chattering: [...groupBy(raised)].flatMap(([key, own]) => (isChattering(own) ? [key] : [])),
    stale: stays.flatMap(({ key, fromMs: sinceMs, isOpen }) =>
      isOpen && nowMs - sinceMs > staleMs ? [{ key, sinceMs }] : [],
    ),
    topTen,
    topTenShare: topTen.reduce((sum, { share }) => sum + share, 0),
    priorities: {
      warning: shareOf(raised, "warning"),
      high: shareOf(raised, "high"),
      critical: shareOf(raised, "critical"),
    },
  };
}

interface Stay {
  readonly key: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly isOpen: boolean;
}

function staysOf(ordered: readonly HealthStep[], nowMs: number): readonly Stay[] {
  const open = new Map<string, HealthStep>();
  const stays: Stay[] = [];
  for (const step of ordered) {
    const began = open.get(step.alarmId);
    if (step.step === "raised") {
      if (began === undefined) open.set(step.alarmId, step);
    } else if (began !== undefined) {
      open.delete(step.alarmId);
      stays.push({ key: began.key, fromMs: began.timeMs, toMs: step.timeMs, isOpen: false });
    }
  }
  for (const { key, timeMs } of open.values()) stays.push({ key, fromMs: timeMs, toMs: nowMs, isOpen: true });
  return stays;
}

function topOf(raised: readonly HealthStep[], stays: readonly Stay[], fromMs: number, nowMs: number): BadActor[] {
  const actors = [...groupBy(raised)].map(([key, own]) => {
    const ownStays = stays.filter((stay) => stay.key === key && stay.toMs >= fromMs);
    return {
      key,
      ruleKind: own[0]?.ruleKind ?? "",
      count: own.length,
      share: own.length / raised.length,
      advice: adviceFor(own, ownStays, fromMs, nowMs),
    };
  });
  return actors.toSorted((a, b) => b.count - a.count || (a.key < b.key ? -1 : 1)).slice(0, 10);
}

function adviceFor(
  own: readonly HealthStep[],
  stays: readonly Stay[],
  fromMs: number,
  nowMs: number,
): AlarmAdvice | null {
  if (own.length >= 2 && probeKinds.has(own[0]?.ruleKind ?? "")) return "check-probe";
  if (isChattering(own)) return "widen-deadband";
  const standingMs = stays.reduce((sum, stay) => sum + stay.toMs - Math.max(stay.fromMs, fromMs), 0);
  if (standingMs > standingShare * (nowMs - fromMs)) return "check-profile";
  const brief = stays.filter((stay) => !stay.isOpen && stay.toMs - stay.fromMs < briefMs).length;
  return own.length >= 3 && brief > own.length / 2 ? "lengthen-delay" : null;
}

function isChattering(own: readonly HealthStep[]): boolean {
  return (
    mostWithin(
      own.map(({ timeMs }) => timeMs),
      minute,
    ) >= chatterCount
  );
}

/** The most of ascending times that lie within one stretch of `spanMs`. */
function mostWithin(times: readonly number[], spanMs: number): number {
  let most = 0;
  let first = 0;
  for (const [index, timeMs] of times.entries()) {
    while (timeMs - (times[first] ?? timeMs) >= spanMs) first += 1;
    most = Math.max(most, index - first + 1);
  }
  return most;
}

function floodsOf(times: readonly number[]): { fromMs: number; toMs: number; count: number }[] {
  const floods: { fromMs: number; toMs: number; count: number }[] = [];
  for (const [index, toMs] of times.entries()) {
    const fromMs = times[index - floodCount + 1];
    if (fromMs === undefined || toMs - fromMs >= 10 * minute) continue;
    const last = floods.at(-1);
    if (last === undefined || fromMs > last.toMs) floods.push({ fromMs, toMs, count: floodCount });
    else {
      last.toMs = toMs;
      last.count += 1;
    }
  }
  return floods;
}

function groupBy(raised: readonly HealthStep[]): ReadonlyMap<string, HealthStep[]> {
  const groups = new Map<string, HealthStep[]>();
  for (const step of raised) {
    const own = groups.get(step.key);
    if (own === undefined) groups.set(step.key, [step]);
    else own.push(step);
  }
  return groups;
}

function shareOf(raised: readonly HealthStep[], priority: HealthStep["priority"]): number {
  return raised.length === 0 ? 0 : raised.filter((step) => step.priority === priority).length / raised.length;
}
