import {
  type ActiveConfiguration,
  contractLimits,
  type LimitBand,
  sha256Hex,
  type SiteDescription,
} from "@frostlight/contract";
import { FrostlightError } from "@frostlight/kernel";

import { describeLimitsSource, limitsOf, profileById } from "./alarms/profiles/index.ts";
import type { GatewayConfig } from "./config/index.ts";
import { defaultValidRange } from "./config/site.ts";
import type { Point, Zone } from "./core/site.ts";

/** Zones with their limits: the profile's, each replaced by the configuration's where it says so. */
export function resolveZones(config: GatewayConfig): readonly Zone[] {
  return config.zones.map((zone) => {
    const profile = profileById(zone.profile);
    if (profile === undefined) {
      throw new FrostlightError(
        "config/unknown-profile",
        "bug",
        `zone ${zone.id}: profile ${zone.profile} is not shipped`,
      );
    }
    const own = zone.limits;
    const fromProfile = limitsOf(profile);
    const choose = (key: keyof LimitBand): number | null => {
      const value = own?.[key];
      return value === undefined ? fromProfile[key] : value;
    };
    const limits = {
      low: choose("low"),
      high: choose("high"),
      criticalLow: choose("criticalLow"),
      criticalHigh: choose("criticalHigh"),
    };
    const limitsSource =
      own === undefined ? describeLimitsSource(profile) : `${own.source} (${describeLimitsSource(profile)})`;
    const { servingHours: hours } = zone;
    const serving = hours === undefined ? {} : { serving: { timeZone: config.site.timeZone, hours } };
    const probe = zone.goodsProbe === undefined ? {} : { goodsProbe: zone.goodsProbe };
    const what = { zoneId: zone.id, name: zone.name, profileId: zone.profile };
    return { ...what, limits, limitsSource, applyTo: zone.applyTo, ...probe, ...serving };
  });
}

export function resolvePoints(config: GatewayConfig): readonly Point[] {
  return config.points.map((point) => ({
    pointId: point.id,
    zoneId: point.zone,
    name: point.name,
    quantity: point.quantity,
    unit: point.unit,
    expectedIntervalMs: point.expectedIntervalSeconds * 1_000,
    probeRole: point.probeRole ?? null,
    calibration: {
      offset: point.calibration.offset,
      slope: point.calibration.slope,
      certificate: point.calibration.certificate ?? null,
      dueMs: point.calibration.due === undefined ? null : Date.parse(point.calibration.due),
    },
    recording:
      point.recording.mode === "every"
        ? point.recording
        : { mode: "summary", keepMs: point.recording.keepSeconds * 1_000 },
    validRange: point.validRange ?? defaultValidRange(point.quantity),
  }));
}

/** What the journal and the server are told about this gateway's configuration. */
export function describeSite(options: {
  readonly config: GatewayConfig;
  /** The text in force. */
  readonly choice: { readonly version: number; readonly text: string };
  readonly zones: readonly Zone[];
  readonly points: readonly Point[];
  readonly siteId: string;
  readonly softwareVersion: string;
  readonly nowMs: number;
}): SiteDescription {
  const { config, zones, points } = options;
  const cameras = config.cameras.map(({ id, zone, name, operatingHours }) => {
    const hours = operatingHours === undefined ? {} : { operatingHours };
    return { cameraId: id, zoneId: zone, name, ...hours };
  });
  const content = {
    siteId: options.siteId,
    name: config.site.name,
    timeZone: config.site.timeZone,
    simulated: config.site.simulated,
    zones: zones.map((zone) => ({
      zoneId: zone.zoneId,
      name: zone.name,
      profileId: zone.profileId,
      limits: zone.limits,
      limitsSource: zone.limitsSource,
    })),
    points: points.map((point) => ({
      pointId: point.pointId,
      zoneId: point.zoneId,
      name: point.name,
      quantity: point.quantity,
      unit: point.unit,
      // How often a row may be expected: of a summarised point, one for each summary.
      expectedIntervalMs:
        point.recording.mode === "every"
          ? point.expectedIntervalMs
          : Math.max(point.expectedIntervalMs, point.recording.keepMs),
      probeRole: point.probeRole,
      calibration: point.calibration,
    })),
    cameras,
    softwareVersion: options.softwareVersion,
  };
  const configuration = describeText(options.choice);
  return { ...content, configSha256: sha256Hex(JSON.stringify(content)), configuration, timeMs: options.nowMs };
}

/** `scheme://name:password@host`: a secret that stands in the text although it should be a reference. */
const passwordInAddress = /[a-z][a-z0-9+.-]*:\/\/[^\s/@:"']+:[^\s/@"']+@/i;

function describeText({ version, text }: { readonly version: number; readonly text: string }): ActiveConfiguration {
  const isTold = text.length <= contractLimits.configurationLength && !passwordInAddress.test(text);
  return { version, sha256: sha256Hex(text), yaml: isTold ? text : "" };
}

export function cameraIdentities(
  config: GatewayConfig,
): { cameraId: string; zoneId: string; name: { zh: string; en: string } }[] {
  return config.cameras.map((camera) => ({ cameraId: camera.id, zoneId: camera.zone, name: camera.name }));
}

/** What a source is to read for its points. */
export function bindingsOf(config: GatewayConfig, points: readonly Point[], sourceId: string) {
  return config.points
    .filter((point) => point.source === sourceId)
    .map((point) => ({
      pointId: point.id,
      unit: point.sourceUnit ?? point.unit,
      address: point.address,
      expectedIntervalMs: points.find(({ pointId }) => pointId === point.id)?.expectedIntervalMs ?? 60_000,
    }));
}
