import { FrostlightError } from "@frostlight/kernel";

import type { CameraIdentity } from "../core/camera.ts";
import type { Point, Zone } from "../core/site.ts";
import type { AlarmRuleConfig } from "./rule-config.ts";

/** The site by id, made once: a large site has thousands of rules. */
export class Targets {
  readonly #zones: ReadonlyMap<string, Zone>;
  readonly #points: ReadonlyMap<string, Point>;
  readonly #cameras: ReadonlyMap<string, CameraIdentity>;

  constructor({
    zones,
    points,
    cameras,
  }: {
    readonly zones: readonly Zone[];
    readonly points: readonly Point[];
    readonly cameras: readonly CameraIdentity[];
  }) {
    this.#zones = new Map(zones.map((zone) => [zone.zoneId, zone]));
    this.#points = new Map(points.map((point) => [point.pointId, point]));
    this.#cameras = new Map(cameras.map((camera) => [camera.cameraId, camera]));
  }

  pointsOf(rule: AlarmRuleConfig): Point[] {
    this.#checkZones(rule);
    const named = rule.points.map((id) => this.#points.get(id) ?? missing(rule, `point ${id}`));
    const inZones = [...(rule.zones.length === 0 ? [] : this.#points.values())].filter(
      (point) => rule.zones.includes(point.zoneId) && point.quantity === rule.quantity,
    );
    return [...new Set([...named, ...inZones])];
  }

  zonesOf(rule: AlarmRuleConfig): { readonly zone: Zone; readonly points: readonly Point[] }[] {
    return rule.zones.map((id) => {
      const zone = this.#zones.get(id) ?? missing(rule, `zone ${id}`);
      return { zone, points: [...this.#points.values()].filter(({ zoneId }) => zoneId === id) };
    });
  }

  camerasOf(rule: AlarmRuleConfig): CameraIdentity[] {
    this.#checkZones(rule);
    const named = rule.cameras.map((id) => this.#cameras.get(id) ?? missing(rule, `camera ${id}`));
    const inZones = [...this.#cameras.values()].filter(({ zoneId }) => rule.zones.includes(zoneId));
    return [...new Set([...named, ...inZones])];
  }

  #checkZones(rule: AlarmRuleConfig): void {
    for (const id of rule.zones) if (!this.#zones.has(id)) missing(rule, `zone ${id}`);
  }
}

function missing(rule: AlarmRuleConfig, what: string): never {
  throw new FrostlightError(
    "alarms/unknown-target",
    "config",
    `alarm rule ${rule.id} watches what is not there: ${what}`,
  );
}
