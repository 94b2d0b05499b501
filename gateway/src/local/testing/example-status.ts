import type { Sample } from "@frostlight/contract";
import { type HealthStep, judgeAlarmHealth } from "@frostlight/kernel";

import type { ActiveAlarm } from "../../core/alarm-engine.ts";
import type { DiscoveredPoint } from "../../core/discovery.ts";
import type { ApprovalCard } from "../../core/peer-trust.ts";
import type { Point, Zone } from "../../core/site.ts";
import type { GatewayStatus } from "../../core/status.ts";
import { exampleRooms } from "./example-rooms.ts";

const minute = 60_000;

const zones: readonly Zone[] = [
  zone("cold-1", "1 号冷冻库", "Frozen store 1", "frozen-store", { high: -18, criticalHigh: -12 }),
  zone("cold-3", "3 号冷冻库", "Frozen store 3", "frozen-store", { high: -18, criticalHigh: -12 }),
  zone("fridge", "食堂冷藏柜", "Canteen fridge", "canteen-fridge", { low: 0, high: 8, criticalHigh: 10 }),
  zone("hot", "热藏", "Hot holding", "hot-holding", { low: 60, criticalLow: 57 }),
  zone("prep", "备餐间", "Prep room", "prep-room", { high: 25, criticalHigh: 27 }),
];

function zone(zoneId: string, zh: string, en: string, profileId: string, limits: Partial<Zone["limits"]>): Zone {
  const none = { low: null, high: null, criticalLow: null, criticalHigh: null };
  return { zoneId, name: { zh, en }, profileId, limits: { ...none, ...limits }, limitsSource: "GB/T 24616 (CN, B)" };
}

function point(pointId: string, zoneId: string, zh: string, en: string, own: Partial<Point> = {}): Point {
  return {
    pointId,
    zoneId,
    name: { zh, en },
    quantity: "temperature",
    unit: "Cel",
    expectedIntervalMs: minute,
    probeRole: "independent",
    calibration: { offset: 0, slope: 1, certificate: null, dueMs: null },
    recording: { mode: "every" },
    validRange: { min: -90, max: 150 },
    ...own,
  };
}

function sample(pointId: string, timeMs: number, value: number | null, own: Partial<Sample> = {}): Sample {
  return {
    pointId,
    timeMs,
    receivedMs: timeMs,
    value,
    raw: value,
    quality: value === null ? "bad" : "good",
    reason: value === null ? "sensor-fault" : null,
    hasSourceTime: true,
    backfill: false,
    timeCorrected: false,
    ...own,
  };
}

/** A gateway with something of everything, or, calm, with nothing wrong. For tests of the page. */
export function exampleStatus(nowMs: number, calm: boolean): GatewayStatus {
  const at = (agoMinutes: number): number => Math.round(nowMs - agoMinutes * minute);
  const entry = (of: Point, last: Sample | null, stale = false) => ({ point: of, last, stale });
  const healthy = [
    entry(point("c1a", "cold-1", "里侧探头", "Inner probe"), sample("c1a", at(0.3), -21.4)),
    entry(point("c1b", "cold-1", "门侧探头", "Door probe"), sample("c1b", at(0.5), -19.8)),
    entry(point("prep", "prep", "空气", "Air"), sample("prep", at(0.2), 22.1)),
    entry(point("rh", "prep", "湿度", "Humidity", { quantity: "humidity", unit: "%" }), sample("rh", at(0.2), 61)),
  ];
  const troubled = [
    entry(point("c3a", "cold-3", "里侧探头", "Inner probe"), sample("c3a", at(0.1), -10.9)),
    entry(point("f1", "fridge", "上层", "Upper shelf"), sample("f1", at(0.4), 8.6)),
    entry(point("f2", "fridge", "下层", "Lower shelf"), sample("f2", at(0.4), 8.2)),
    entry(point("h1", "hot", "汤桶", "Soup pot"), sample("h1", at(14), 63.5), true),
    entry(point("h2", "hot", "米饭", "Rice"), sample("h2", at(0.6), null)),
    entry(point("h3", "hot", "备用", "Spare"), null, true),
  ];
  return {
    gatewayId: "gw-7f3a91",
    siteName: { zh: "示例学校食堂与冷库", en: "Example school canteen and cold store" },
    simulated: true,
    softwareVersion: "0.1.0",
    startedMs: at(3_217),
    nowMs,
    journal: {
      epoch: "1f2e3d4c5b6a7988",
      lastSequence: 8_123,
      unreleasedBatches: calm ? 1 : 214,
      sizeBytes: 48_300_000,
      bytesWritten: 61_000_000,
      commits: 8_123,
      items: 1_204_551,
      quarantinedRecords: 0,
      tornTailsCut: 0,
      usedBytes: 1_048_576,
      limitBytes: 1_073_741_824,
      bytesPerDay: 20_971_520,
      daysLeft: 51,
      oldestUnreleasedMs: null,
      bytesWrittenPerReading: 40,
    },
    uplink: {
      state: calm ? "connected" : "offline",
      server: "https://frostlight.example.org",
      lastAckMs: at(calm ? 0.05 : 37),
      unackedBatches: calm ? 0 : 12,
      refusedBatches: 0,
      sentBatches: 8_000,
      reconnects: 2,
      pendingEvidence: calm ? 0 : 3,
      lastError: calm ? null : "connect ECONNREFUSED 192.0.2.7:8883",
    },
    sources: [
      {
        sourceId: "sensors",
        kind: "mqtt",
        state: "ok",
        code: "listening",
        message: "14 clients",
        readings: 120_443,
        refused: calm ? 0 : 3,
      },
      calm
        ? {
            sourceId: "plant",
            kind: "opcua",
            state: "ok",
            code: "connected",
            message: "session alive",
            readings: 9_112,
            refused: 0,
          }
        : {
            sourceId: "plant",
            kind: "opcua",
            state: "offline",
            code: "connect-failed",
            message: "opc.tcp://192.0.2.10:4840 does not answer",
            readings: 9_112,
            refused: 0,
          },
    ],
    zones,
    points: calm ? healthy : [...healthy, ...troubled],
    inference: { load: 0.12, loadLimit: 0.8, easedBy: null, celsius: 58.2 },
    cameras: [
      {
        cameraId: "prep-cam",
        health: "ok",
        framesSeen: 20_113,
        framesSkipped: 18_512,
        skipped: { quiet: 18_500, busy: 9, limited: 3 },
        looks: 1_601,
        findings: 2,
        lastFrameMs: at(0.02),
        problem: null,
      },
      ...(calm
        ? []
        : [
            {
              cameraId: "store-cam",
              health: "covered",
              framesSeen: 18_002,
              framesSkipped: 0,
              findings: 0,
              lastFrameMs: at(0.03),
              problem: null,
            },
          ]),
    ],
    alarms: calm ? [] : alarms(at),
    outputs: calm
      ? [{ outputId: "siren", kind: "mqtt", wanted: "off", isDone: true, problem: null }]
      : [
          {
            outputId: "siren",
            kind: "mqtt",
            wanted: "on",
            isDone: false,
            problem: "connect ECONNREFUSED 192.0.2.8:1883",
          },
        ],
    rooms: exampleRooms(at),
    alarmHealth: judgeAlarmHealth(calm ? [] : chatter(at), nowMs, 86_400_000),
    refusals: calm
      ? []
      : [
          {
            sourceId: "sensors",
            address: "zigbee2mqtt/fridge",
            code: "no-temperature-field",
            message: 'zigbee2mqtt/fridge: expected a number at "temperature", found "<b>n/a</b>"',
            timeMs: at(4),
            count: 3,
          },
        ],
    discovered: calm ? [] : discovered(at),
    approvals: calm ? [] : approvals(at),
    clock: { synchronised: calm },
    views: [
      {
        viewId: "scada",
        kind: "sparkplug-b",
        state: "online",
        code: "connected",
        message: "born at mqtts://scada.example.org:8883, bdSeq 3",
        connects: 4,
        messages: 1_210,
        values: 5_400,
        lateValues: 320,
        refusedCommands: 0,
        waitingBatches: 0,
        skippedBatches: 0,
      },
    ],
    residentBytes: 118_000_000,
  };
}

function discovered(at: (agoMinutes: number) => number): DiscoveredPoint[] {
  const seen = { firstSeenMs: at(30), lastSeenMs: at(0.2), count: 31 };
  return [
    {
      ...seen,
      sourceId: "sensors",
      label: "zigbee2mqtt/Walk-in temperature",
      address: { topic: "zigbee2mqtt/Walk-in", decode: { kind: "zigbee2mqtt", field: "temperature" } },
      dialect: "zigbee2mqtt",
      quantity: "temperature",
      unit: "Cel",
      value: -18.42,
    },
    {
      ...seen,
      sourceId: "sensors",
      label: "shellies/<i>1</i>/info",
      address: { topic: "shellies/1/info" },
      dialect: null,
      quantity: "other",
      unit: null,
      value: null,
    },
  ];
}

function approvals(at: (agoMinutes: number) => number): ApprovalCard[] {
  const certificate = {
    publicKeySha256: "b".repeat(64),
    subject: "CN=CPU 1515, O=Cold room controller",
    issuer: "CN=CPU 1515, O=Cold room controller",
    validFromMs: at(500_000),
    validToMs: at(-900_000),
    endpoint: "opc.tcp://192.0.2.10:4840",
  };
  return [
    {
      sourceId: "plant",
      certificate: { ...certificate, fingerprintSha256: "0123456789abcdef".repeat(4) },
      state: "waiting",
      firstSeenMs: at(12),
      approvedBy: null,
    },
    {
      sourceId: "plant",
      certificate: { ...certificate, fingerprintSha256: "fedcba9876543210".repeat(4), validToMs: at(10) },
      state: "approved",
      firstSeenMs: at(400_000),
      approvedBy: "王 (local page)",
    },
  ];
}

/** A fridge door that makes its probe come and go around the limit. */
function chatter(at: (agoMinutes: number) => number): readonly HealthStep[] {
  return Array.from({ length: 12 }, (_, n): HealthStep[] => {
    const step = { key: "limit-high:f1 f1", ruleKind: "limit", alarmId: `old-${n}`, priority: "warning" } as const;
    return [
      { ...step, step: "raised", timeMs: at(200 - n * 0.3) },
      { ...step, step: "ended", timeMs: at(199.9 - n * 0.3) },
    ];
  }).flat();
}

function alarms(at: (agoMinutes: number) => number): ActiveAlarm[] {
  const base = {
    ruleKind: "limit",
    cameraId: null,
    state: "unacknowledged",
    changedMs: at(3),
    actionDone: false,
    comment: "",
    aside: null,
  } as const;
  const source = "GB/T 24616 (CN, B)";
  return [
    {
      ...base,
      alarmId: "a-warning",
      ruleId: "limit-high:f1",
      zoneId: "fridge",
      pointId: "f1",
      priority: "warning",
      state: "acknowledged",
      actionDone: true,
      raisedMs: at(3),
      onsetTimeMs: at(18),
      explanation: {
        code: "limit-high",
        parameters: {
          value: 8.6,
          limit: 8,
          unit: "°C",
          worst: 8.9,
          heldMinutes: 15,
          delayMinutes: 15,
          since: { timeMs: at(18) },
          source,
        },
      },
    },
    {
      ...base,
      alarmId: "a-critical",
      ruleId: "limit-high:c3a",
      zoneId: "cold-3",
      pointId: "c3a",
      priority: "critical",
      raisedMs: at(21),
      onsetTimeMs: at(41),
      explanation: {
        code: "limit-high",
        parameters: {
          value: -11.8,
          limit: -12,
          unit: "°C",
          worst: -10.7,
          heldMinutes: 5,
          delayMinutes: 5,
          since: { timeMs: at(9) },
          source,
        },
      },
    },
    {
      ...base,
      alarmId: "a-silent",
      ruleId: "no-data:h1",
      ruleKind: "no-data",
      zoneId: "hot",
      pointId: "h1",
      priority: "high",
      raisedMs: at(4),
      onsetTimeMs: at(14),
      explanation: {
        code: "no-data",
        parameters: { silentMinutes: 10, allowedMinutes: 10, lastGoodAt: { timeMs: at(14) }, intervalSeconds: 60 },
      },
    },
  ];
}
