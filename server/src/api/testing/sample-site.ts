import { createHash } from "node:crypto";

import type { AlarmEvent, LimitBand, PointDescription, SiteDescription } from "@frostlight/contract";

import type { Alarm, StoredFinding } from "../../core/records.ts";
import type { MemoryState } from "./memory-state.ts";

const frozen: LimitBand = { low: null, high: -18, criticalLow: null, criticalHigh: -12 };
const chilled: LimitBand = { low: 0, high: 8, criticalLow: null, criticalHigh: 10 };

function thermometer(pointId: string, zoneId: string): PointDescription {
  return {
    pointId,
    zoneId,
    name: { zh: "空气温度", en: "Air temperature" },
    quantity: "temperature",
    unit: "Cel",
    expectedIntervalMs: 60_000,
    probeRole: "independent",
  };
}

/** A school with a freezer, a fridge and a preparation room with a camera. */
export function sampleSite(siteId: string): SiteDescription {
  return {
    configSha256: "0".repeat(64),
    siteId: `${siteId} as its gateway calls it`,
    name: { zh: "实验小学食堂", en: "Experimental School Canteen" },
    timeZone: "Asia/Shanghai",
    simulated: true,
    zones: [
      {
        zoneId: "freezer",
        name: { zh: "速冻库", en: "Freezer" },
        profileId: "frozen-store",
        limits: frozen,
        limitsSource: "GB/T 24616 (B)",
      },
      {
        zoneId: "fridge",
        name: { zh: "冷藏库", en: "Fridge" },
        profileId: "chilled-store",
        limits: chilled,
        limitsSource: "GB/T 24616 (B)",
      },
      {
        zoneId: "prep",
        name: { zh: "备餐间", en: "Preparation room" },
        profileId: "prep-room",
        limits: { low: null, high: 25, criticalLow: null, criticalHigh: 27 },
        limitsSource: "(B)",
      },
    ],
    points: [
      thermometer("freezer/air", "freezer"),
      thermometer("fridge/air", "fridge"),
      thermometer("prep/air", "prep"),
    ],
    cameras: [{ cameraId: "kitchen", zoneId: "prep", name: { zh: "备餐间摄像头", en: "Preparation camera" } }],
    softwareVersion: "0.1.0",
    timeMs: 0,
  };
}

/** An alarm of the freezer of a site. */
export function sampleAlarm(organisationId: string, siteId: string, given: Partial<Alarm> = {}): Alarm {
  const raisedMs = given.raisedMs ?? Date.UTC(2026, 10, 22, 3, 40);
  return {
    alarmId: `alarm-${siteId}`,
    organisationId,
    siteId,
    gatewayId: `gateway-${siteId}`,
    ruleId: "freezer-high",
    ruleKind: "limit",
    zoneId: "freezer",
    pointId: "freezer/air",
    cameraId: null,
    state: "unacknowledged",
    priority: "high",
    onsetTimeMs: raisedMs - 900_000,
    raisedMs,
    acknowledgedMs: null,
    acknowledgedBy: null,
    returnedMs: null,
    clearedMs: null,
    context: [],
    incidentId: null,
    condition: true,
    untilMs: null,
    aside: null,
    actionDone: null,
    explanation: {
      code: "limit-high",
      parameters: { value: -15.2, limit: -18, sinceMs: { timeMs: raisedMs - 900_000 } },
    },
    ...given,
  };
}

export function sampleAlarmEvent(alarm: Alarm, transition: AlarmEvent["transition"]): AlarmEvent {
  const { alarmId, ruleId, ruleKind, zoneId, pointId, cameraId, state, priority, onsetTimeMs, explanation } = alarm;
  return {
    eventId: `${alarmId}-${transition}`,
    alarmId,
    ruleId,
    ruleKind,
    zoneId,
    pointId,
    cameraId,
    transition,
    state,
    priority,
    timeMs: alarm.raisedMs,
    onsetTimeMs,
    actor: null,
    commandId: null,
    explanation,
  };
}

/** Puts a whole site with a gateway, an alarm, a finding and its picture into a memory state. */
export function addSampleSite(
  state: MemoryState,
  organisationId: string,
  siteId: string,
  picture: Uint8Array,
): {
  readonly alarm: Alarm;
  readonly finding: StoredFinding;
  readonly sha256: string;
} {
  const gatewayId = `gateway-${siteId}`;
  const seenMs = Date.UTC(2026, 10, 22, 3, 50);
  const sha256 = createHash("sha256").update(picture).update(siteId).digest("hex");
  const alarm = sampleAlarm(organisationId, siteId);
  const finding: StoredFinding = {
    findingId: `finding-${siteId}`,
    organisationId,
    siteId,
    gatewayId,
    cameraId: "kitchen",
    zoneId: "prep",
    ruleId: "closed-zone",
    ruleKind: "person-in-zone",
    severity: "high",
    firstSeenMs: seenMs,
    lastSeenMs: seenMs + 8000,
    score: 0.81,
    threshold: 0.5,
    modelId: "person-detector",
    modelSha256: "1".repeat(64),
    boxes: [{ left: 0.4, top: 0.3, right: 0.55, bottom: 0.9, label: "person", score: 0.81 }],
    evidence: [{ sha256, mediaType: "image/jpeg", sizeBytes: picture.length, role: "picture" }],
    explanation: { code: "person-in-closed-zone", parameters: { seconds: 8, zone: "counter" } },
  };
  state.siteList.push({ organisationId, siteId, description: sampleSite(siteId) });
  state.gatewayList.push({
    gatewayId,
    organisationId,
    siteId,
    publicKey: "2".repeat(64),
    enrolledMs: 0,
    revokedMs: null,
    lastSeenMs: seenMs,
    connected: true,
    refusedAttempts: 0,
    lastRefusedMs: null,
  });
  state.alarmMap.set(alarm.alarmId, { alarm, events: [sampleAlarmEvent(alarm, "raised")] });
  state.findingList.push(finding);
  state.healthList.push({
    organisationId,
    siteId,
    gatewayId,
    subject: "camera:kitchen",
    state: "ok",
    timeMs: seenMs,
    explanation: { code: "camera-ok", parameters: {} },
  });
  state.files.set(sha256, {
    organisationId,
    data: picture,
    info: { sha256, siteId, mediaType: "image/jpeg", sizeBytes: picture.length, role: "picture", storedMs: seenMs },
  });
  return { alarm, finding, sha256 };
}
