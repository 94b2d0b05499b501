import type { AlarmEvent, HealthEvent, Sample } from "@frostlight/contract";
import { type AlarmHealth, type Clock, describeError, type Random } from "@frostlight/kernel";

import type {
  ActiveAlarm,
  ActOutcome,
  ActRefusal,
  AlarmEngine,
  PersonRequest,
  RoomKnowledge,
  RoomLearning,
} from "../core/alarm-engine.ts";
import type { CameraIdentity } from "../core/camera.ts";
import type { Point, Zone } from "../core/site.ts";
import { AlarmLog } from "./alarm-log.ts";
import { type AsideLimit, asideLimit, inputOf, longestAsideMs } from "./aside.ts";
import { explain } from "./explanation-codes.ts";
import { IncidentBook } from "./incidents.ts";
import { AlarmInstance, type InstanceIdentity, keyOf } from "./instance.ts";
import { type LearnedAlarms, parseLearned } from "./learned.ts";
import { profileById } from "./profiles/index.ts";
import { withContext } from "./room/context.ts";
import { Room } from "./room/room.ts";
import type { AlarmRuleConfig } from "./rule-config.ts";
import type { Moment, Verdict } from "./rule.ts";
import { type AlarmSnapshot, parseAlarmSnapshot, plausibleDownMs, type SnapshotEntry } from "./snapshot.ts";
import { Targets } from "./targets.ts";
import { type Watch, type WatchedPoint, Watches } from "./watches.ts";

export interface AlarmEngineParts {
  readonly zones: readonly Zone[];
  readonly points: readonly Point[];
  readonly cameras: readonly CameraIdentity[];
  readonly rules: readonly AlarmRuleConfig[];
  readonly clock: Clock;
  readonly random: Random;
  /** What `snapshot()` gave before a restart. */
  readonly restored?: unknown;
  /** What `learned()` gave; what cannot be read of it is learned anew. */
  readonly learned?: unknown;
}

/**
 * Builds the engine. Throws `alarms/unknown-target` (config) when a rule names a point, zone or camera that is not there,
 * `alarms/duplicate-rule` (config), and `alarms/snapshot-invalid` (data) when `restored` cannot be read.
 */
export function createAlarmEngine(parts: AlarmEngineParts): AlarmEngine & RoomLearning {
  return new Engine(parts, parts.restored === undefined ? undefined : parseAlarmSnapshot(parts.restored));
}

class Engine implements AlarmEngine, RoomLearning {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #rooms = new Map<string, Room>();
  readonly #watches: Watches;
  readonly #incidents: IncidentBook;
  readonly #log = new AlarmLog();
  /** Alarms of rules that the configuration no longer has; ended with the first call. */
  #abandoned: AlarmInstance[] = [];

  constructor(parts: AlarmEngineParts, snapshot: AlarmSnapshot | undefined) {
    this.#clock = parts.clock;
    this.#random = parts.random;
    const kept = new Map(snapshot?.entries.map((entry) => [keyOf(entry), entry]));
    const targets = new Targets(parts);
    const now = this.#now();
    const downMs = snapshot === undefined ? 0 : plausibleDownMs(snapshot.wallMs, now.wallMs);
    this.#incidents = new IncidentBook(parts.random, snapshot?.incidents, now, downMs);
    const learned = parseLearned(parts.learned);
    for (const { zoneId, profileId, goodsProbe } of parts.zones) {
      const seconds = profileById(profileId)?.timing.productTimeConstant.seconds;
      this.#rooms.set(
        zoneId,
        new Room(zoneId, seconds === undefined ? undefined : seconds * 1_000, learned.rooms.get(zoneId), goodsProbe),
      );
    }
    this.#watches = new Watches(parts.points, this.#rooms, parts.random);
    for (const [zoneId, state] of snapshot?.rooms ?? []) this.#rooms.get(zoneId)?.resume(state, now, downMs);
    for (const rule of parts.rules)
      if (rule.enabled) this.#watches.add(rule, targets, { kept, learned: learned.rules, downMs }, now);
    for (const [key, entry] of kept) {
      if (entry.occurrence === null || this.#watches.all.has(key)) continue;
      this.#abandoned.push(new AlarmInstance(toIdentity(entry), this.#random, entry, now, downMs));
    }
  }

  onSamples(samples: readonly Sample[]): readonly AlarmEvent[] {
    const now = this.#now();
    const events: AlarmEvent[] = [];
    const late: AlarmEvent[] = [];
    this.#endAbandoned(now, events);
    for (const sample of samples) {
      const watched = this.#watches.points.get(sample.pointId);
      if (watched === undefined) continue;
      const observation = watched.observer.observe(sample, now);
      if (observation === undefined) continue;
      if (observation.freshness === "old") late.push(...recordLate(watched, sample, now));
      else if (sample.quality !== "stale") watched.gaps.heard(sample.timeMs);
      watched.room.onSample(watched.point, observation, now);
      for (const watch of watched.watches) {
        this.#ask(watch, (evaluator) => evaluator.onSample(observation, now), now, events);
      }
      for (const watch of this.#watches.zones.get(watched.point.zoneId) ?? []) {
        this.#ask(watch, (evaluator) => evaluator.onSample(watched.point, observation, now), now, events);
      }
    }
    return [...this.#tell(events, now), ...late];
  }

  onHealth(event: HealthEvent): readonly AlarmEvent[] {
    const now = this.#now();
    const events: AlarmEvent[] = [];
    this.#endAbandoned(now, events);
    for (const watch of this.#watches.ofSubject(event.subject)) {
      this.#ask(watch, (evaluator) => evaluator.onHealth(event, now), now, events);
    }
    return this.#tell(events, now);
  }

  tick(): readonly AlarmEvent[] {
    const now = this.#now();
    const events: AlarmEvent[] = [];
    this.#endAbandoned(now, events);
    for (const watch of this.#watches.all.values()) {
      this.#ask(watch, (evaluator) => evaluator.tick(now), now, events);
      events.push(...watch.alarm.expire(now));
    }
    const late: AlarmEvent[] = [];
    for (const watched of this.#watches.points.values()) late.push(...watched.late.tick(now));
    return [...this.#tell(events, now), ...late];
  }

  act({ action, actor, commandId }: PersonRequest): ActOutcome {
    const now = this.#now();
    const doer = { actor, commandId };
    if (action.kind === "set-service") return this.#setService(action, doer, now);
    const watch = [...this.#watches.all.values()].find(({ alarm }) => alarm.alarmId === action.alarmId);
    if (watch === undefined) return { kind: "refused", reason: "unknown-alarm" };
    const { alarm } = watch;
    let limit: AsideLimit | null = null;
    if (action.kind === "shelve") {
      if (action.reason.trim() === "") return { kind: "refused", reason: "reason-missing" };
      const priority = alarm.priority ?? "warning";
      const longestMs = longestAsideMs.shelved[priority];
      const { untilMs, oneShot } = action;
      limit = asideLimit({ untilMs, longestMs, oneShot, isCritical: priority === "critical" }, now) ?? null;
      if (limit === null) return { kind: "refused", reason: "until-out-of-range" };
    }
    const { input, explanation } = inputOf(action, actor);
    const outcome = alarm.act(input, explanation, now, doer, limit);
    if (outcome.kind === "done" && action.kind === "action-done") watch.evaluator.actedOn?.();
    if (outcome.kind === "done" && action.kind === "reset") watch.evaluator.released?.(now);
    return outcome.kind === "done"
      ? { kind: "done", events: this.#tell(outcome.events, now) }
      : { kind: "refused", reason: toRefusal(outcome.reason) };
  }

  health(): AlarmHealth {
    return this.#log.health(this.#clock.nowMs());
  }

  active(): readonly ActiveAlarm[] {
    return [...this.#watches.all.values()].flatMap(({ alarm }) => alarm.active() ?? []);
  }

  snapshot(): AlarmSnapshot {
    const now = this.#now();
    const entries: SnapshotEntry[] = [];
    for (const { alarm, evaluator, failed } of this.#watches.all.values()) {
      const occurrence = alarm.snapshot(now);
      const outOfService = alarm.keptService(now);
      const state: unknown = failed ? undefined : evaluator.snapshot(now);
      if (occurrence === null && state === undefined && outOfService === null) continue;
      entries.push({
        ...alarm.identity,
        occurrence,
        ...(state === undefined ? {} : { evaluator: state }),
        ...(outOfService === null ? {} : { outOfService }),
      });
    }
    for (const alarm of this.#abandoned) entries.push({ ...alarm.identity, occurrence: alarm.snapshot(now) });
    const incidents = this.#incidents.snapshot(now);
    const rooms = [...this.#rooms].flatMap(([zoneId, room]): [string, unknown][] => {
      const running = room.running(now);
      return running === undefined ? [] : [[zoneId, running]];
    });
    const isQuiet = entries.length === 0 && incidents.length === 0 && rooms.length === 0;
    return {
      version: 2,
      // A quiet site's state is the same text all day: nothing has to be written.
      wallMs: isQuiet ? 0 : now.wallMs,
      entries,
      ...(incidents.length === 0 ? {} : { incidents }),
      ...(rooms.length === 0 ? {} : { rooms }),
    };
  }

  learned(): LearnedAlarms {
    const rooms = [...this.#rooms.values()].flatMap((room) => room.snapshot() ?? []);
    const rules = [...this.#watches.all].flatMap(([key, { evaluator }]) => {
      const state = evaluator.learned?.();
      return state === undefined || state.revision === 0 ? [] : [{ key, state: state.state }];
    });
    return { version: 1, rooms, rules };
  }

  get learnedRevision(): number {
    let sum = 0;
    for (const room of this.#rooms.values()) sum += room.revision;
    for (const { evaluator } of this.#watches.all.values()) sum += evaluator.learned?.().revision ?? 0;
    return sum;
  }

  rooms(): readonly RoomKnowledge[] {
    const past = [...this.#watches.all.values()].map(({ alarm, evaluator }) => ({
      zoneId: alarm.identity.zoneId,
      past: evaluator.past?.() ?? [],
    }));
    return [...this.#rooms.values()].map((room) => ({
      ...room.describe(),
      excursions: past.filter(({ zoneId }) => zoneId === room.zoneId).flatMap((one) => one.past),
    }));
  }

  forgetRoom(zoneId: string): boolean {
    const room = this.#rooms.get(zoneId);
    room?.reset();
    for (const watch of this.#watches.all.values())
      if (watch.alarm.identity.zoneId === zoneId) watch.evaluator.forget?.();
    return room !== undefined;
  }

  /** The one way out: every event knows its room's state and its incident and counts for the health of the alarm system. */
  #tell(events: readonly AlarmEvent[], now: Moment): readonly AlarmEvent[] {
    if (events.length === 0) return events;
    const described = events.map((event) => withContext(event, this.#rooms.get(event.zoneId), now));
    const told = this.#incidents.stamp(described, now);
    this.#log.add(told);
    return told;
  }

  #setService(
    { target, inService, untilMs, reason }: Extract<PersonRequest["action"], { readonly kind: "set-service" }>,
    doer: { readonly actor: string; readonly commandId: string | null },
    now: Moment,
  ): ActOutcome {
    if (reason.trim() === "") return { kind: "refused", reason: "reason-missing" };
    const longestMs = longestAsideMs["out-of-service"];
    const limit = inService ? null : asideLimit({ untilMs, longestMs, oneShot: false, isCritical: true }, now);
    if (limit === undefined) return { kind: "refused", reason: "until-out-of-range" };
    const watches = [...this.#watches.all.values()].filter(({ alarm: { identity } }) => {
      if ("pointId" in target) return identity.pointId === target.pointId;
      return "cameraId" in target ? identity.cameraId === target.cameraId : identity.zoneId === target.zoneId;
    });
    if (watches.length === 0) return { kind: "refused", reason: "unknown-target" };
    const { actor } = doer;
    const explanation = inService
      ? explain("service-restored", { actor, reason })
      : explain("service-stopped", { actor, reason, until: { timeMs: untilMs } });
    const events = watches.flatMap(({ alarm }) => alarm.setService(limit, explanation, now, doer));
    return { kind: "done", events: this.#tell(events, now) };
  }

  #now(): Moment {
    return { wallMs: this.#clock.nowMs(), monotonicMs: this.#clock.monotonicMs() };
  }

  /** One evaluator that throws must not silence the others, nor fall silent itself. */
  #ask<E>(watch: Watch<E>, question: (evaluator: E) => Verdict | null, now: Moment, events: AlarmEvent[]): void {
    if (watch.failed) return;
    let verdict: Verdict | null;
    try {
      verdict = question(watch.evaluator);
    } catch (error) {
      watch.failed = true;
      const parameters = { rule: watch.alarm.identity.ruleId, error: describeError(error).slice(0, 500) };
      verdict = {
        kind: "active",
        priority: "high",
        onsetTimeMs: now.wallMs,
        explanation: explain("rule-failed", parameters),
      };
    }
    if (verdict !== null) events.push(...watch.alarm.apply(verdict, now));
  }

  #endAbandoned(now: Moment, events: AlarmEvent[]): void {
    if (this.#abandoned.length === 0) return;
    for (const alarm of this.#abandoned) {
      events.push(...alarm.abandon(explain("rule-removed", { rule: alarm.identity.ruleId }), now));
    }
    this.#abandoned = [];
  }
}

/** Of a time that nothing is known of from live samples; what has no time of its own tells of none. */
function recordLate({ gaps, late }: WatchedPoint, sample: Sample, now: Moment): readonly AlarmEvent[] {
  if (!sample.hasSourceTime || sample.timeMs > now.wallMs || !gaps.has(sample.timeMs)) return [];
  return late.add(sample, now);
}

const refusals = [
  "already-acknowledged",
  "not-latched",
  "put-aside",
  "not-put-aside",
] as const satisfies readonly ActRefusal[];

/** An alarm that is over meanwhile is as unknown as one that never was. */
function toRefusal(reason: string): ActRefusal {
  return refusals.find((known) => known === reason) ?? "unknown-alarm";
}

function toIdentity({ ruleId, ruleKind, zoneId, pointId, cameraId }: SnapshotEntry): InstanceIdentity {
  return { ruleId, ruleKind, zoneId, pointId, cameraId };
}
