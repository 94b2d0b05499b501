import { createHash } from "node:crypto";

import type { LimitBand, PointDescription, SiteDescription } from "@frostlight/contract";
import { seededRandom } from "@frostlight/kernel/testing";

import { type MemoryState, sampleOf } from "../../server/src/api/testing/memory-state.ts";
import type { MemoryTimeSeries } from "../../server/src/api/testing/memory-time-series.ts";
import { sampleAlarm, sampleAlarmEvent } from "../../server/src/api/testing/sample-site.ts";
import type { Alarm, StoredFinding } from "../../server/src/core/records.ts";
import { fillAlarms, freezerIncident, warmContext } from "./console-alarms.ts";
import { fillCameraHealth, operatingHours } from "./console-cameras.ts";
import { fillGateway, withGatewayDetail } from "./console-gateway.ts";
import { kitchenPicture } from "./kitchen-picture.ts";

export const organisationId = "a";
export const siteId = "school-12";
const gatewayId = "gw-7f3a";
const minuteMs = 60_000;

const frozen: LimitBand = { low: null, high: -18, criticalLow: null, criticalHigh: -12 };
const chilled: LimitBand = { low: 0, high: 8, criticalLow: null, criticalHigh: 10 };

interface Room {
  readonly zoneId: string;
  readonly zh: string;
  readonly en: string;
  readonly limits: LimitBand;
  readonly mean: number;
  readonly swing: number;
  /** Minutes since the compressor gave up. */
  readonly failedFor?: number;
  /** Minutes since the last sample. */
  readonly silentFor?: number;
  readonly hasDoor?: boolean;
}

const rooms: readonly Room[] = [
  { zoneId: "freezer-1", zh: "速冻库 1", en: "Freezer 1", limits: frozen, mean: -20.5, swing: 1.1, hasDoor: true },
  { zoneId: "freezer-2", zh: "速冻库 2", en: "Freezer 2", limits: frozen, mean: -20.2, swing: 1.2, failedFor: 95 },
  {
    zoneId: "freezer-3",
    zh: "冰淇淋柜",
    en: "Ice cream cabinet",
    limits: frozen,
    mean: -20.8,
    swing: 0.8,
    failedFor: 230,
  },
  { zoneId: "fridge-1", zh: "冷藏库", en: "Cold room", limits: chilled, mean: 4.1, swing: 0.9, hasDoor: true },
  { zoneId: "samples", zh: "留样柜", en: "Sample cabinet", limits: chilled, mean: 4.6, swing: 0.5, silentFor: 41 },
  {
    zoneId: "prep",
    zh: "备餐间",
    en: "Preparation room",
    limits: { low: null, high: 25, criticalLow: null, criticalHigh: 27 },
    mean: 22.6,
    swing: 0.7,
  },
];

/** A canteen with one day of data, ending now: rooms in every state, alarms in every step, findings with pictures. */
export async function fillSite(state: MemoryState, timeSeries: MemoryTimeSeries, nowMs: number): Promise<void> {
  state.siteList.push({ organisationId, siteId, description: withGatewayDetail(describe(), nowMs) });
  state.gatewayList.push({
    gatewayId,
    organisationId,
    siteId,
    publicKey: "2".repeat(64),
    enrolledMs: nowMs - 40 * 86_400_000,
    revokedMs: null,
    lastSeenMs: nowMs - 4000,
    connected: true,
    refusedAttempts: 0,
    lastRefusedMs: null,
  });
  fillGateway(state, { organisationId, siteId, gatewayId }, nowMs);
  for (const [index, room] of rooms.entries()) timeSeries.add(siteId, samplesOf(room, index, nowMs));
  for (const alarm of alarmsAt(nowMs)) {
    const events = [sampleAlarmEvent({ ...alarm, state: "unacknowledged" }, "raised")];
    if (alarm.acknowledgedMs !== null) {
      events.push({
        ...sampleAlarmEvent(alarm, "acknowledged"),
        timeMs: alarm.acknowledgedMs,
        actor: alarm.acknowledgedBy,
      });
    }
    state.alarmMap.set(alarm.alarmId, { alarm, events });
  }
  fillAlarms(state, { organisationId, siteId, gatewayId }, nowMs);
  for (const camera of ["prep-cam", "store-cam"]) {
    state.healthList.push({
      organisationId,
      siteId,
      gatewayId,
      subject: `camera:${camera}`,
      state: camera === "prep-cam" ? "ok" : "covered",
      timeMs: nowMs - 8 * minuteMs,
      explanation: { code: camera === "prep-cam" ? "camera-ok" : "camera-covered", parameters: {} },
    });
  }
  state.healthList.push({
    organisationId,
    siteId,
    gatewayId,
    subject: "source:sensors",
    state: "ok",
    timeMs: nowMs - 3_600_000,
    explanation: { code: "source-ok", parameters: { code: "connected", message: "14 devices" } },
  });
  await fillCameraHealth(state, { organisationId, siteId, gatewayId }, nowMs);
  for (const [index, x] of [480, 250, 700].entries()) await addFinding(state, index, x, nowMs);
}

function describe(): SiteDescription {
  const points = rooms.flatMap((room): PointDescription[] => {
    const thermometer: PointDescription = {
      pointId: `${room.zoneId}/air`,
      zoneId: room.zoneId,
      name: { zh: "空气温度", en: "Air temperature" },
      quantity: "temperature",
      unit: "Cel",
      expectedIntervalMs: minuteMs,
      probeRole: "independent",
    };
    const door: PointDescription = {
      ...thermometer,
      pointId: `${room.zoneId}/door`,
      name: { zh: "库门", en: "Door" },
      quantity: "door",
      unit: "1",
      expectedIntervalMs: 5 * minuteMs,
      probeRole: null,
    };
    return room.hasDoor === true ? [thermometer, door] : [thermometer];
  });
  return {
    configSha256: "0".repeat(64),
    siteId,
    name: { zh: "实验小学食堂", en: "Experimental School Canteen" },
    timeZone: "Asia/Shanghai",
    simulated: true,
    zones: rooms.map(({ zoneId, zh, en, limits }) => ({
      zoneId,
      name: { zh, en },
      profileId: "profile",
      limits,
      limitsSource: "GB/T 24616 (B)",
    })),
    points,
    cameras: [
      { cameraId: "prep-cam", zoneId: "prep", name: { zh: "备餐间摄像头", en: "Preparation camera" }, operatingHours },
      { cameraId: "store-cam", zoneId: "fridge-1", name: { zh: "库房摄像头", en: "Store camera" } },
    ],
    softwareVersion: "0.1.0",
    timeMs: 0,
  };
}

function samplesOf(room: Room, seed: number, nowMs: number) {
  const random = seededRandom(seed + 1);
  const count = 24 * 60 + 30;
  return Array.from({ length: count }, (_, index) => count - index).flatMap((minutesAgo) => {
    if (minutesAgo < (room.silentFor ?? 0)) return [];
    // Two hours of this day were lost in the first room: the strip shows it.
    if (room.zoneId === "fridge-1" && minutesAgo > 610 && minutesAgo < 730) return [];
    const timeMs = nowMs - minutesAgo * minuteMs + 42_000;
    const phase = (minutesAgo / 34 + seed * 0.37) % 1;
    const cycle = phase < 0.4 ? 0.5 - phase / 0.4 : -0.5 + (phase - 0.4) / 0.6;
    const defrost = (minutesAgo + seed * 97) % 480 < 25 ? 2.2 * room.swing : 0;
    const warm = room.failedFor === undefined ? 0 : Math.max(0, room.failedFor - minutesAgo) * 0.052;
    const value = room.mean + 1.6 * cycle * room.swing + defrost * 0.6 + warm + (random.next() - 0.5) * 0.16;
    const samples = [sampleOf({ pointId: `${room.zoneId}/air`, timeMs, value: Math.round(value * 100) / 100 })];
    if (room.hasDoor === true && minutesAgo % 5 === 0) {
      const isOpen = (minutesAgo + seed * 31) % 170 < 12;
      samples.push(sampleOf({ pointId: `${room.zoneId}/door`, timeMs, value: isOpen ? 1 : 0 }));
    }
    return samples;
  });
}

function alarmsAt(nowMs: number): Alarm[] {
  const limitAlarm = (zoneId: string, given: Partial<Alarm>, value: number, heldMinutes: number): Alarm => ({
    ...sampleAlarm(organisationId, siteId, {
      gatewayId,
      zoneId,
      pointId: `${zoneId}/air`,
      ruleId: `${zoneId}-high`,
      ...given,
    }),
    alarmId: `alarm-${zoneId}-${given.alarmId ?? "1"}`,
    explanation: {
      code: "limit-high",
      parameters: {
        value,
        limit: -18,
        unit: "Cel",
        worst: value + 0.2,
        heldMinutes,
        delayMinutes: 15,
        since: { timeMs: given.onsetTimeMs ?? nowMs },
        source: "GB/T 24616 (B)",
      },
    },
  });
  const ago = (minutes: number): number => nowMs - minutes * minuteMs;
  return [
    {
      ...limitAlarm("freezer-2", { priority: "high", onsetTimeMs: ago(48), raisedMs: ago(33) }, -15.4, 33),
      incidentId: freezerIncident,
      context: warmContext,
    },
    limitAlarm(
      "freezer-3",
      {
        priority: "critical",
        onsetTimeMs: ago(180),
        raisedMs: ago(165),
        state: "acknowledged",
        acknowledgedMs: ago(120),
        acknowledgedBy: "olga",
      },
      -9.2,
      165,
    ),
    limitAlarm(
      "freezer-1",
      {
        alarmId: "0",
        priority: "warning",
        state: "normal",
        onsetTimeMs: ago(560),
        raisedMs: ago(545),
        returnedMs: ago(500),
        clearedMs: ago(490),
        acknowledgedMs: ago(540),
        acknowledgedBy: "olga",
      },
      -17.1,
      16,
    ),
    {
      ...limitAlarm(
        "fridge-1",
        { priority: "warning", onsetTimeMs: ago(75), raisedMs: ago(60), returnedMs: ago(20) },
        8.6,
        40,
      ),
      state: "returned-unacknowledged",
      explanation: {
        code: "limit-returned",
        parameters: {
          value: 5.1,
          limit: 8,
          clearAt: 7.5,
          unit: "Cel",
          worst: 8.9,
          outsideMinutes: 40,
          offDelayMinutes: 10,
        },
      },
    },
  ];
}

async function addFinding(state: MemoryState, index: number, x: number, nowMs: number): Promise<void> {
  const data = await kitchenPicture({ x });
  const sha256 = createHash("sha256").update(data).digest("hex");
  const seenMs = nowMs - (18 + index * 190) * minuteMs;
  const finding: StoredFinding = {
    findingId: `finding-${index}`,
    organisationId,
    siteId,
    gatewayId,
    cameraId: "prep-cam",
    zoneId: "prep",
    ruleId: "closed-hours",
    ruleKind: "person-in-zone",
    severity: "high",
    firstSeenMs: seenMs - 9000,
    lastSeenMs: seenMs,
    score: 0.86 - index * 0.09,
    threshold: 0.5,
    modelId: "person-centernet",
    modelSha256: "9f2c".repeat(16),
    boxes: [
      {
        left: (x - 62) / 960,
        top: 130 / 540,
        right: (x + 62) / 960,
        bottom: 482 / 540,
        label: "person",
        score: 0.86 - index * 0.09,
      },
    ],
    evidence: [{ sha256, mediaType: "image/jpeg", sizeBytes: data.length, role: "picture" }],
    explanation: {
      code: "person-in-closed-zone",
      parameters: { people: 1, heldSeconds: 9, score: 0.86 - index * 0.09, threshold: 0.5 },
    },
  };
  state.findingList.push(finding);
  state.files.set(sha256, {
    organisationId,
    data,
    info: { sha256, siteId, mediaType: "image/jpeg", sizeBytes: data.length, role: "picture", storedMs: seenMs },
  });
}
