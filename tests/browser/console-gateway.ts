import { sha256Hex, type SiteDescription } from "@frostlight/contract";

import type { MemoryState } from "../../server/src/api/testing/memory-state.ts";
import type { GatewayFile } from "../../server/src/core/gateway-records.ts";

const dayMs = 86_400_000;

/** A configuration of that many points, as a gateway tells it. */
function configurationOf(points: readonly string[]): string {
  const lines = points.flatMap((id) => [
    `  - id: ${id}`,
    "    zone: freezer-1",
    `    name: { zh: 温度, en: ${id} }`,
    "    source: sensors",
    `    address: { topic: zigbee2mqtt/${id}, decode: { kind: zigbee2mqtt } }`,
  ]);
  return [
    "stateFolder: /var/lib/frostlight",
    "site:",
    "  name: { zh: 实验小学食堂, en: Experimental School Canteen }",
    "sources:",
    "  - { id: sensors, kind: mqtt-broker, port: 1883 }",
    "points:",
    ...lines,
    "",
  ].join("\n");
}

/** What a description of the same gateway adds: calibrations in every state, and the configuration in force. */
export function withGatewayDetail(description: SiteDescription, nowMs: number): SiteDescription {
  const yaml = configurationOf(["freezer-1", "freezer-2", "fridge-1"]);
  const dues = [nowMs - 12 * dayMs, nowMs + 200 * dayMs, null];
  const points = description.points.map((point, index) => ({
    ...point,
    calibration: {
      offset: index === 0 ? -0.3 : 0,
      slope: 1,
      certificate: index < 2 ? `2026-CAL-${117 + index}` : null,
      dueMs: dues[index] ?? null,
    },
  }));
  return { ...description, points, configuration: { version: 3, sha256: sha256Hex(yaml), yaml } };
}

/** A gateway with a history: an approval that waits, a hole in its journal, a refused configuration, a calibration. */
export function fillGateway(
  state: MemoryState,
  where: { readonly organisationId: string; readonly siteId: string; readonly gatewayId: string },
  nowMs: number,
): void {
  const { organisationId, siteId, gatewayId } = where;
  state.healthList.push({
    organisationId,
    siteId,
    gatewayId,
    subject: "certificate:compressors",
    state: "waiting",
    timeMs: nowMs - 1_800_000,
    explanation: {
      code: "certificate-waiting",
      parameters: {
        fingerprint: "9f2c".repeat(16),
        subject: "CN=compressor-plc, O=Chillers",
        issuer: "CN=compressor-plc, O=Chillers",
        validFrom: { timeMs: nowMs - 300 * dayMs },
        validTo: { timeMs: nowMs + 800 * dayMs },
        endpoint: "opc.tcp://10.0.0.12:4840",
      },
    },
  });
  const file: Partial<GatewayFile> = {
    certificates: [
      {
        serial: "5a".repeat(16),
        fingerprintSha256: "c4".repeat(32),
        notBeforeMs: nowMs - 20 * dayMs,
        notAfterMs: nowMs + 70 * dayMs,
        issuedMs: nowMs - 20 * dayMs,
        revokedMs: null,
        reason: null,
      },
      {
        serial: "41".repeat(16),
        fingerprintSha256: "b1".repeat(32),
        notBeforeMs: nowMs - 80 * dayMs,
        notAfterMs: nowMs + 10 * dayMs,
        issuedMs: nowMs - 80 * dayMs,
        revokedMs: nowMs - 20 * dayMs,
        reason: "superseded",
      },
    ],
    epochs: [
      {
        epoch: "0f3a9c52b17de844",
        lastSequence: 61_204,
        batches: 61_204,
        samples: 1_802_417,
        firstReceivedMs: nowMs - 80 * dayMs,
        lastReceivedMs: nowMs - 20 * dayMs,
        gaps: [],
        faults: [],
      },
      {
        epoch: "8be1407755d2c9a0",
        lastSequence: 20_311,
        batches: 20_307,
        samples: 604_122,
        firstReceivedMs: nowMs - 20 * dayMs,
        lastReceivedMs: nowMs - 4_000,
        gaps: [
          { fromSequence: 812, toSequence: 814, sinceMs: nowMs - 9 * dayMs, explainedBy: "journal-batches-lost" },
          { fromSequence: 9_001, toSequence: 9_001, sinceMs: nowMs - 2 * dayMs, explainedBy: null },
        ],
        faults: [
          { kind: "duplicate", count: 41, firstMs: nowMs - 9 * dayMs, lastMs: nowMs - 3_600_000, lastSequence: 20_001 },
          { kind: "chain-broken", count: 1, firstMs: nowMs - dayMs, lastMs: nowMs - dayMs, lastSequence: 19_004 },
        ],
      },
    ],
    changes: [
      {
        siteId,
        subject: "point:freezer-1/air",
        what: "calibration",
        before: "offset 0, slope 1",
        after: "offset -0.3, slope 1, certificate 2026-CAL-117",
        author: "admin",
        reason: "冰水混合物校准",
        timeMs: nowMs - 3 * dayMs,
        commandId: "c-1",
      },
      {
        siteId,
        subject: "configuration",
        what: "configuration",
        before: "version 2",
        after: "version 3",
        author: "admin",
        reason: "接入三号柜",
        timeMs: nowMs - 5 * dayMs,
        commandId: "c-2",
      },
    ],
    configurations: [
      {
        version: 4,
        sha256: "d0".repeat(32),
        author: "admin",
        reason: "增加备餐间",
        createdMs: nowMs - 7_200_000,
        status: "failed",
        finishedMs: nowMs - 7_190_000,
        outcome: {
          code: "configuration-invalid",
          parameters: {
            version: 4,
            commandId: "c-4",
            problems:
              'points.3.zone: unknown zone "prep-2", expected one of: freezer-1, freezer-2\nuplink.server: can only be changed in the file at the gateway',
          },
        },
      },
      ...[3, 2, 1].map((version) => ({
        version,
        sha256: "a1".repeat(32),
        author: "admin",
        reason: version === 3 ? "接入三号柜" : "调整限值",
        createdMs: nowMs - (8 - version) * dayMs,
        status: "done" as const,
        finishedMs: nowMs - (8 - version) * dayMs + 62_000,
        outcome: null,
      })),
    ],
  };
  state.gatewayFiles.set(gatewayId, file);
  for (const version of [1, 2, 3, 4]) {
    state.configurations.push({ gatewayId, version, yaml: configurationOf(["freezer-1"].slice(0, version)) });
  }
}
