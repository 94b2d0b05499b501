import { FrostlightError, type Random } from "@frostlight/kernel";

import { gatewayZoneId, type Point } from "../core/site.ts";
import { AlarmInstance, type InstanceIdentity, keyOf } from "./instance.ts";
import { LateRecord } from "./late-record.ts";
import { LiveGaps } from "./live-gaps.ts";
import { SampleObserver } from "./observe.ts";
import { Room } from "./room/room.ts";
import type { AlarmRuleConfig } from "./rule-config.ts";
import type { CameraEvaluator, GatewayEvaluator, Moment, PointEvaluator, Restored, ZoneEvaluator } from "./rule.ts";
import type { SnapshotEntry } from "./snapshot.ts";
import type { Targets } from "./targets.ts";

/** A rule at one target, and its alarm. */
export interface Watch<E> {
  readonly alarm: AlarmInstance;
  readonly evaluator: E;
  /** Set once the evaluator has thrown: it is asked no more, and its alarm says so. */
  failed: boolean;
}

export interface WatchedPoint {
  readonly point: Point;
  readonly observer: SampleObserver;
  readonly room: Room;
  readonly watches: Watch<PointEvaluator>[];
  readonly gaps: LiveGaps;
  readonly late: LateRecord;
}

type HealthWatch = Watch<CameraEvaluator | GatewayEvaluator>;
type AnyWatch = Watch<PointEvaluator | ZoneEvaluator | CameraEvaluator | GatewayEvaluator>;

/** What was kept through a restart. */
interface Kept {
  readonly kept: ReadonlyMap<string, SnapshotEntry>;
  readonly learned: ReadonlyMap<string, unknown>;
  readonly downMs: number;
}

/** Every rule at every target, found by what it watches. */
export class Watches {
  readonly points = new Map<string, WatchedPoint>();
  readonly zones = new Map<string, Watch<ZoneEvaluator>[]>();
  /** By subject of health events. */
  readonly #subjects = new Map<string, HealthWatch[]>();
  readonly #all = new Map<string, AnyWatch>();
  readonly #rooms: ReadonlyMap<string, Room>;
  readonly #random: Random;

  constructor(points: readonly Point[], rooms: ReadonlyMap<string, Room>, random: Random) {
    this.#rooms = rooms;
    this.#random = random;
    for (const point of points) {
      const room = rooms.get(point.zoneId) ?? new Room(point.zoneId);
      this.points.set(point.pointId, {
        point,
        observer: new SampleObserver(point),
        room,
        watches: [],
        gaps: new LiveGaps(point.expectedIntervalMs),
        late: new LateRecord(point.expectedIntervalMs, random),
      });
    }
  }

  /** In the order of the rules, by key. */
  get all(): ReadonlyMap<string, AnyWatch> {
    return this.#all;
  }

  ofSubject(subject: string): readonly HealthWatch[] {
    return this.#subjects.get(subject) ?? [];
  }

  add(rule: AlarmRuleConfig, targets: Targets, kept: Kept, now: Moment): void {
    const { definition, options } = rule;
    const open = (target: Pick<InstanceIdentity, "zoneId" | "pointId" | "cameraId">) =>
      this.#open({ ruleId: rule.id, ruleKind: definition.kind, ...target }, kept, now);
    if (definition.watches === "points") {
      for (const point of targets.pointsOf(rule)) {
        const { alarm, restored } = open({ zoneId: point.zoneId, pointId: point.pointId, cameraId: null });
        const watched = this.points.get(point.pointId);
        if (watched === undefined) continue;
        const evaluator = definition.create(options, point, now, restored, watched.room);
        const watch = { alarm, evaluator, failed: false };
        this.#register(watch);
        watched.watches.push(watch);
        if (definition.judgesLate !== true) continue;
        const create = (from: Moment): PointEvaluator => {
          const known = { state: undefined, learned: evaluator.learned?.().state, downMs: 0, active: null };
          // Nobody knows what the room was like then.
          return definition.create(options, point, from, known, new Room(point.zoneId));
        };
        watched.late.judgeBy({ identity: alarm.identity, create });
      }
    } else if (definition.watches === "zones") {
      for (const { zone, points } of targets.zonesOf(rule)) {
        const { alarm, restored } = open({ zoneId: zone.zoneId, pointId: null, cameraId: null });
        const room = this.#rooms.get(zone.zoneId) ?? new Room(zone.zoneId);
        const evaluator = definition.create(options, zone, points, now, restored, room);
        const watch = { alarm, evaluator, failed: false };
        this.#register(watch);
        this.zones.set(zone.zoneId, [...(this.zones.get(zone.zoneId) ?? []), watch]);
      }
    } else if (definition.watches === "cameras") {
      for (const camera of targets.camerasOf(rule)) {
        const { alarm, restored } = open({ zoneId: camera.zoneId, pointId: null, cameraId: camera.cameraId });
        const evaluator = definition.create(options, camera, now, restored);
        this.#listen(`camera:${camera.cameraId}`, { alarm, evaluator, failed: false });
      }
    } else {
      const { alarm, restored } = open({ zoneId: gatewayZoneId, pointId: null, cameraId: null });
      this.#listen(definition.subject, { alarm, evaluator: definition.create(options, now, restored), failed: false });
    }
  }

  #open(
    identity: InstanceIdentity,
    { kept, learned, downMs }: Kept,
    now: Moment,
  ): { readonly alarm: AlarmInstance; readonly restored: Restored | null } {
    const entry = kept.get(keyOf(identity));
    const alarm = new AlarmInstance(identity, this.#random, entry, now, downMs);
    const known = learned.get(keyOf(identity));
    const restored: Restored | null =
      entry === undefined && known === undefined
        ? null
        : { state: entry?.evaluator, learned: known, downMs, active: alarm.condition };
    return { alarm, restored };
  }

  #listen(subject: string, watch: HealthWatch): void {
    this.#register(watch);
    this.#subjects.set(subject, [...this.ofSubject(subject), watch]);
  }

  #register(watch: AnyWatch): void {
    const key = keyOf(watch.alarm.identity);
    if (this.#all.has(key)) {
      throw new FrostlightError(
        "alarms/duplicate-rule",
        "config",
        `alarm rule ${watch.alarm.identity.ruleId} is there twice`,
      );
    }
    this.#all.set(key, watch);
  }
}
