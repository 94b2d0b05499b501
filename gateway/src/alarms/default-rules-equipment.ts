import type { Point, Zone } from "../core/site.ts";
import { defaultRule } from "./default-rules-entry.ts";
import type { ProfileTiming } from "./profiles/index.ts";
import type { AlarmRuleConfig } from "./rule-config.ts";
import { celsiusDifferenceIn, celsiusIn } from "./temperature-units.ts";

/** Whether a probe still measures: of every temperature point, whatever its room. */
export function probeRules({ pointId }: Point): AlarmRuleConfig[] {
  const points = [pointId];
  return [
    defaultRule(`flat-line:${pointId}`, "flat-line", {}, { points }),
    defaultRule(`probe-fault:${pointId}`, "probe-fault", {}, { points }),
  ];
}

/** Contacts: a door that stays open, a mains that is gone. */
export function contactRules({ pointId, quantity }: Point): AlarmRuleConfig[] {
  if (quantity !== "door" && quantity !== "power") return [];
  const kind = quantity === "door" ? "door-open" : "power-loss";
  return [defaultRule(`${kind}:${pointId}`, kind, {}, { points: [pointId] })];
}

/** Probes of one room against each other. */
export function pairRules({ zoneId, goodsProbe }: Zone, points: readonly Point[]): AlarmRuleConfig[] {
  const probes = points.filter(
    ({ zoneId: of, quantity, pointId }) => of === zoneId && quantity === "temperature" && pointId !== goodsProbe,
  );
  if (probes.length < 2) return [];
  // Goods lag behind the air by design: a probe in them is compared with none.
  const options = goodsProbe === undefined ? {} : { probes: probes.slice(0, 6).map(({ pointId }) => pointId) };
  return [defaultRule(`pair-disagreement:${zoneId}`, "pair-disagreement", options, { zones: [zoneId] })];
}

/** The way back after a defrost, where a controller reports defrosts. */
export function recoveryRules({ zoneId }: Zone, points: readonly Point[]): AlarmRuleConfig[] {
  const isReported = points.some((point) => point.zoneId === zoneId && point.quantity === "defrost");
  return isReported ? [defaultRule(`recovery:${zoneId}`, "recovery", {}, { zones: [zoneId] })] : [];
}

/** Below this nobody holds hot food: the cabinet is switched off. Not from any rule. */
const idleCelsius = 40;

/** A cabinet for hot food, in place of a plain limit: it is cold every night. None without a low limit. */
export function hotHoldingRules(
  point: Point,
  zone: Zone,
  timing: ProfileTiming | undefined,
  source: string,
): AlarmRuleConfig[] {
  const { low, criticalLow } = zone.limits;
  if (low === null) return [];
  const options = {
    limit: celsiusIn(point.unit, low),
    ...(criticalLow === null ? {} : { critical: celsiusIn(point.unit, criticalLow) }),
    idleAtOrBelow: celsiusIn(point.unit, Math.min(idleCelsius, low - 1)),
    ...(zone.serving === undefined ? {} : { serving: zone.serving }),
    source,
    ...(timing === undefined
      ? {}
      : {
          warningAfterSeconds: timing.warningOnDelay.seconds,
          highAfterSeconds: timing.highOnDelay.seconds,
          criticalAfterSeconds: timing.criticalLowOnDelay.seconds,
          deadband: celsiusDifferenceIn(point.unit, timing.deadband.celsius),
          offDelaySeconds: timing.offDelay.seconds,
        }),
  };
  return [defaultRule(`hot-holding:${point.pointId}`, "hot-holding", options, { points: [point.pointId] })];
}

/** One alarm for a cabinet of retained samples: temperature, door, power and how much of the 48 h is known. */
export function sampleCabinetRules(zone: Zone, timing: ProfileTiming | undefined, source: string): AlarmRuleConfig[] {
  const { low, high, criticalHigh } = zone.limits;
  const options = {
    ...(low === null ? {} : { lowCelsius: low }),
    ...(high === null ? {} : { highCelsius: high }),
    ...(criticalHigh === null ? {} : { criticalHighCelsius: criticalHigh }),
    source,
    ...(timing === undefined
      ? {}
      : {
          warningAfterSeconds: timing.warningOnDelay.seconds,
          highAfterSeconds: timing.highOnDelay.seconds,
          criticalAfterSeconds: timing.criticalHighOnDelay.seconds,
          deadbandCelsius: timing.deadband.celsius,
          offDelaySeconds: timing.offDelay.seconds,
        }),
  };
  return [defaultRule(`sample-cabinet:${zone.zoneId}`, "sample-cabinet", options, { zones: [zone.zoneId] })];
}
