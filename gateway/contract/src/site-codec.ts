import { create } from "@bufbuild/protobuf";

import {
  type ActiveConfiguration as WireConfiguration,
  type Calibration as WireCalibration,
  CalibrationSchema,
  type LimitBand as WireLimitBand,
  type LocalisedText as WireText,
  type SiteDescription as WireSite,
  SiteDescriptionSchema,
  type WeeklyHours as WireHours,
} from "./generated/frostlight/v1/frostlight_pb.ts";
import { contractLimits } from "./limits.ts";
import type {
  ActiveConfiguration,
  Calibration,
  LimitBand,
  LocalisedText,
  Quantity,
  SiteDescription,
  Weekday,
  WeeklyHours,
} from "./model.ts";

const quantities: readonly Quantity[] = [
  "temperature",
  "humidity",
  "door",
  "defrost",
  "compressor",
  "power",
  "battery",
  "other",
];

export function encodeSite(site: SiteDescription): WireSite {
  return create(SiteDescriptionSchema, {
    configSha256: site.configSha256,
    siteId: site.siteId,
    name: { ...site.name },
    timeZone: site.timeZone,
    simulated: site.simulated,
    zones: site.zones.map((zone) => ({
      zoneId: zone.zoneId,
      name: { ...zone.name },
      profileId: zone.profileId,
      limits: encodeLimits(zone.limits),
      limitsSource: zone.limitsSource,
    })),
    points: site.points.map((point) => ({
      pointId: point.pointId,
      zoneId: point.zoneId,
      name: { ...point.name },
      quantity: point.quantity,
      unit: point.unit,
      expectedIntervalMs: BigInt(Math.round(point.expectedIntervalMs)),
      probeRole: point.probeRole ?? "",
      ...(point.calibration === undefined ? {} : { calibration: encodeCalibration(point.calibration) }),
    })),
    cameras: site.cameras.map((camera) => ({
      cameraId: camera.cameraId,
      zoneId: camera.zoneId,
      name: { ...camera.name },
      operatingHours: (camera.operatingHours ?? []).map((hours) => ({ ...hours, days: [...hours.days] })),
    })),
    softwareVersion: site.softwareVersion,
    timeMs: BigInt(Math.round(site.timeMs)),
    ...(site.configuration === undefined
      ? {}
      : { configuration: { ...site.configuration, version: BigInt(site.configuration.version) } }),
  });
}

export function decodeSite(wire: WireSite): SiteDescription {
  return {
    configSha256: wire.configSha256,
    siteId: wire.siteId,
    name: decodeText(wire.name),
    timeZone: wire.timeZone,
    simulated: wire.simulated,
    zones: wire.zones.map((zone) => ({
      zoneId: zone.zoneId,
      name: decodeText(zone.name),
      profileId: zone.profileId,
      limits: decodeLimits(zone.limits),
      limitsSource: zone.limitsSource,
    })),
    points: wire.points.map((point) => ({
      pointId: point.pointId,
      zoneId: point.zoneId,
      name: decodeText(point.name),
      quantity: quantities.find((quantity) => quantity === point.quantity) ?? "other",
      unit: point.unit,
      expectedIntervalMs: Number(point.expectedIntervalMs),
      probeRole: point.probeRole === "independent" || point.probeRole === "controller" ? point.probeRole : null,
      ...(point.calibration === undefined ? {} : { calibration: decodeCalibration(point.calibration) }),
    })),
    cameras: wire.cameras.map((camera) => ({
      cameraId: camera.cameraId,
      zoneId: camera.zoneId,
      name: decodeText(camera.name),
      ...(camera.operatingHours.length === 0 ? {} : { operatingHours: camera.operatingHours.map(decodeHours) }),
    })),
    softwareVersion: wire.softwareVersion,
    timeMs: Number(wire.timeMs),
    ...(wire.configuration === undefined ? {} : { configuration: decodeConfiguration(wire.configuration) }),
  };
}

const weekdays: readonly Weekday[] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const clockTime = /^([01]\d|2[0-3]):[0-5]\d$|^24:00$/;

function decodeHours({ days, from, to }: WireHours): WeeklyHours {
  const known = weekdays.filter((day) => days.includes(day));
  if (known.length === 0 || known.length !== days.length) throw new RangeError("hours without weekdays");
  if (!clockTime.test(from) || !clockTime.test(to)) throw new RangeError("hours without times");
  return { days: known, from, to };
}

function decodeConfiguration({ version, sha256, yaml }: WireConfiguration): ActiveConfiguration {
  if (version < 0n || version > BigInt(Number.MAX_SAFE_INTEGER)) throw new RangeError("version out of range");
  if (yaml.length > contractLimits.configurationLength) throw new RangeError("configuration too long");
  return { version: Number(version), sha256, yaml };
}

export function encodeCalibration(calibration: Calibration): WireCalibration {
  return create(CalibrationSchema, {
    offset: calibration.offset,
    slope: calibration.slope,
    certificate: calibration.certificate ?? "",
    dueMs: BigInt(Math.round(calibration.dueMs ?? 0)),
  });
}

export function decodeCalibration(wire: WireCalibration): Calibration {
  return {
    offset: wire.offset,
    slope: wire.slope,
    certificate: wire.certificate === "" ? null : wire.certificate,
    dueMs: wire.dueMs === 0n ? null : Number(wire.dueMs),
  };
}

function encodeLimits(limits: LimitBand): { low?: number; high?: number; criticalLow?: number; criticalHigh?: number } {
  return {
    ...(limits.low === null ? {} : { low: limits.low }),
    ...(limits.high === null ? {} : { high: limits.high }),
    ...(limits.criticalLow === null ? {} : { criticalLow: limits.criticalLow }),
    ...(limits.criticalHigh === null ? {} : { criticalHigh: limits.criticalHigh }),
  };
}

function decodeLimits(wire: WireLimitBand | undefined): LimitBand {
  return {
    low: wire?.low ?? null,
    high: wire?.high ?? null,
    criticalLow: wire?.criticalLow ?? null,
    criticalHigh: wire?.criticalHigh ?? null,
  };
}

function decodeText(wire: WireText | undefined): LocalisedText {
  return { zh: wire?.zh ?? "", en: wire?.en ?? "" };
}
