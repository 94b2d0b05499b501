import type { Priority } from "@frostlight/contract";
import { FrostlightError } from "@frostlight/kernel";

import type { CameraIdentity } from "../core/camera.ts";
import type { Point, Zone } from "../core/site.ts";
import { defaultRule } from "./default-rules-entry.ts";
import {
  contactRules,
  hotHoldingRules,
  pairRules,
  probeRules,
  recoveryRules,
  sampleCabinetRules,
} from "./default-rules-equipment.ts";
import {
  describeLimitSource,
  type LimitName,
  limitsOf,
  type Profile,
  profileById,
  type ProfileTiming,
} from "./profiles/index.ts";
import type { AlarmRuleConfig } from "./rule-config.ts";
import { celsiusDifferenceIn, celsiusIn } from "./temperature-units.ts";

/**
 * The rules a site has without configuring any: limits, missing data and the health of every temperature point, by its zone's
 * limits and its profile's timing; door and power contacts; probes of one room against each other; hot cabinets and cabinets
 * of retained samples by their profile; every camera. Ids are stable: `<rule>:<point>`, `<rule>:<zone>` for
 * `pair-disagreement` and `sample-cabinet`, `camera-health:<camera>`. Throws `alarms/limits-contradict` when a zone's critical
 * limit is milder than its limit.
 */
export function defaultRules(site: {
  readonly zones: readonly Zone[];
  readonly points: readonly Point[];
  readonly cameras: readonly CameraIdentity[];
}): AlarmRuleConfig[] {
  const zones = new Map(site.zones.map((zone) => [zone.zoneId, zone]));
  const ofPoints = site.points.flatMap((point) => {
    const zone = zones.get(point.zoneId);
    if (zone === undefined) return [];
    if (point.quantity !== "temperature") return zone.profileId === sampleCabinet ? [] : contactRules(point);
    return [...temperatureRules(point, zone), noDataRule(point, timingOf(zone)), ...probeRules(point)];
  });
  const ofZones = site.zones.flatMap((zone) => [
    ...pairRules(zone, site.points),
    ...recoveryRules(zone, site.points),
    ...(zone.profileId === sampleCabinet ? cabinetRules(zone, site.points) : []),
  ]);
  const ofCameras = site.cameras.map(({ cameraId }) =>
    defaultRule(`camera-health:${cameraId}`, "camera-health", {}, { cameras: [cameraId] }),
  );
  return [...ofPoints, ...ofZones, ...ofCameras];
}

/** Everything a gateway watches: a configured rule replaces the default one of the same id. */
export function gatewayRules(
  site: Parameters<typeof defaultRules>[0],
  configured: readonly AlarmRuleConfig[],
): AlarmRuleConfig[] {
  const own = new Set(configured.map((rule) => rule.id));
  const defaults = [...defaultRules(site), defaultRule("journal-space", "journal-space", {}, {})];
  return [...defaults.filter((rule) => !own.has(rule.id)), ...configured];
}

/** Profiles that have a rule of their own in place of limits. */
const sampleCabinet = "sample-cabinet";
const hotHolding = "hot-holding";

function temperatureRules(point: Point, zone: Zone): AlarmRuleConfig[] {
  if (zone.profileId === sampleCabinet) return [];
  if (zone.profileId === hotHolding) return hotHoldingRules(point, zone, timingOf(zone), sourceOf(zone, "low"));
  return limitRules(point, zone);
}

function cabinetRules(zone: Zone, points: readonly Point[]): AlarmRuleConfig[] {
  if (!points.some(({ zoneId }) => zoneId === zone.zoneId)) return [];
  return sampleCabinetRules(zone, timingOf(zone), sourceOf(zone, "high"));
}

function timingOf(zone: Zone): ProfileTiming | undefined {
  return profileById(zone.profileId)?.timing;
}

function noDataRule(point: Point, timing: ProfileTiming | undefined): AlarmRuleConfig {
  const options =
    timing === undefined
      ? {}
      : {
          afterSeconds: timing.noDataAfter.seconds,
          afterIntervals: timing.noDataIntervals.count,
          escalation: { priority: "high", afterSeconds: timing.noDataHighAfter.seconds },
        };
  return defaultRule(`no-data:${point.pointId}`, "no-data", options, { points: [point.pointId] });
}

function limitRules(point: Point, zone: Zone): AlarmRuleConfig[] {
  return (["high", "low"] as const).flatMap((side) => {
    const stages = stagesOf(point, zone, side);
    if (stages.length === 0) return [];
    const timing = timingOf(zone);
    if (isRefrigerated(zone, timing)) return [excursionRule(point, zone, side, stages, timing)];
    const options = {
      side,
      stages: stages.map(({ priority, value, onDelaySeconds }) => ({ priority, value, onDelaySeconds })),
      applyTo: appliesToOf(point, zone),
      source: sourceOf(zone, side),
      ...(timing === undefined
        ? {}
        : {
            deadband: celsiusDifferenceIn(point.unit, timing.deadband.celsius),
            offDelaySeconds: timing.offDelay.seconds,
            limitCountsAsBreach: timing.limitCountsAsBreach.holds,
          }),
    };
    return [defaultRule(`limit-${side}:${point.pointId}`, "limit", options, { points: [point.pointId] })];
  });
}

/** Rooms that are cooled to stay below the warmth of a cellar; vaccines have delays of their own by their standard. */
const warmestRefrigeratedCelsius = 15;

function isRefrigerated(zone: Zone, timing: ProfileTiming | undefined): boolean {
  const celsius = zone.limits.high ?? zone.limits.low;
  if (celsius === null || celsius > warmestRefrigeratedCelsius) return false;
  return (timing?.criticalHighOnDelay.seconds ?? 0) <= longestCriticalDelaySeconds;
}

const longestCriticalDelaySeconds = 3_600;

/** A limit that knows its room, with the critical limit as its second stage. */
function excursionRule(
  point: Point,
  zone: Zone,
  side: "high" | "low",
  stages: readonly Stage[],
  timing: ProfileTiming | undefined,
): AlarmRuleConfig {
  const first = stages.find(({ priority }) => priority === "high") ?? stages[0];
  const critical = stages.find(({ priority }) => priority === "critical");
  const options = {
    side,
    limit: (first ?? critical)?.value,
    applyTo: appliesToOf(point, zone),
    ...(critical === undefined ? {} : { critical: { value: critical.value, onDelaySeconds: critical.onDelaySeconds } }),
    source: sourceOf(zone, side),
    ...(timing === undefined
      ? {}
      : {
          deadband: celsiusDifferenceIn(point.unit, timing.deadband.celsius),
          offDelaySeconds: timing.offDelay.seconds,
          limitCountsAsBreach: timing.limitCountsAsBreach.holds,
        }),
  };
  return defaultRule(`limit-${side}:${point.pointId}`, "excursion", options, { points: [point.pointId] });
}

/** A probe in the goods measures what the estimate is of. */
function appliesToOf({ pointId }: Point, { applyTo, goodsProbe }: Zone): "air" | "product" | "both" {
  return pointId === goodsProbe ? "air" : (applyTo ?? "air");
}

interface Stage {
  readonly priority: Priority;
  readonly value: number;
  readonly onDelaySeconds: number;
}

function stagesOf(point: Point, zone: Zone, side: "high" | "low"): Stage[] {
  const timing = timingOf(zone);
  const limitCelsius = zone.limits[side];
  const criticalCelsius = zone.limits[side === "high" ? "criticalHigh" : "criticalLow"];
  const limit = limitCelsius === null ? undefined : celsiusIn(point.unit, limitCelsius);
  const critical = criticalCelsius === null ? undefined : celsiusIn(point.unit, criticalCelsius);
  const criticalDelay = side === "high" ? timing?.criticalHighOnDelay : timing?.criticalLowOnDelay;
  if (limitCelsius !== null && criticalCelsius !== null && isMilder(side, criticalCelsius, limitCelsius)) {
    throw new FrostlightError(
      "alarms/limits-contradict",
      "config",
      `zone ${zone.zoneId}: the critical ${side} limit of ${criticalCelsius} °C is milder than the ${side} limit of ${limitCelsius} °C`,
    );
  }
  const stages: Stage[] = [];
  if (limit !== undefined) {
    stages.push({ priority: "warning", value: limit, onDelaySeconds: timing?.warningOnDelay.seconds ?? 900 });
    stages.push({ priority: "high", value: limit, onDelaySeconds: timing?.highOnDelay.seconds ?? 1_800 });
  }
  if (critical !== undefined) {
    stages.push({ priority: "critical", value: critical, onDelaySeconds: criticalDelay?.seconds ?? 300 });
  }
  return stages;
}

function isMilder(side: "high" | "low", celsius: number, than: number): boolean {
  return side === "high" ? celsius < than : celsius > than;
}

/** The profile's own source as long as the zone's limits are the profile's; otherwise what the zone says. */
function sourceOf(zone: Zone, side: "high" | "low"): string {
  const profile = profileById(zone.profileId);
  const names: readonly LimitName[] = side === "high" ? ["high", "criticalHigh"] : ["low", "criticalLow"];
  const own = profile === undefined ? undefined : profileSource(profile, zone, names);
  return (own ?? zone.limitsSource).slice(0, 500) || "site configuration";
}

function profileSource(profile: Profile, zone: Zone, names: readonly LimitName[]): string | undefined {
  const limits = limitsOf(profile);
  if (names.some((name) => zone.limits[name] !== limits[name])) return undefined;
  const sources = names.flatMap((name) => describeLimitSource(profile, name) ?? []);
  return [...new Set(sources)].join("; ");
}
