import { z } from "zod";

import type { LocalOptions } from "../local/options.ts";
import { askLocalPage, localUrl } from "./local-page.ts";

const text = z.string();
const time = z.number().nullable();

/** What these commands use of a gateway's status; the rest is passed by. */
const statusSchema = z.object({
  gatewayId: text,
  siteName: z.object({ zh: text, en: text }),
  softwareVersion: text,
  simulated: z.boolean(),
  startedMs: z.number(),
  nowMs: z.number(),
  residentBytes: z.number(),
  journal: z.object({
    unreleasedBatches: z.number(),
    sizeBytes: z.number(),
    limitBytes: z.number(),
    daysLeft: z.number().nullable(),
    bytesWrittenPerReading: z.number().nullable(),
    quarantinedRecords: z.number(),
  }),
  uplink: z.object({
    state: text,
    server: text,
    via: text.nullish(),
    lastAckMs: time,
    unackedBatches: z.number(),
    lastError: text.nullable(),
  }),
  clock: z.object({ synchronised: z.boolean() }),
  sources: z.array(
    z.object({
      sourceId: text,
      kind: text,
      state: z.enum(["starting", "ok", "degraded", "offline"]),
      code: text,
      message: text,
      readings: z.number(),
      refused: z.number(),
    }),
  ),
  points: z.array(
    z.object({
      point: z.object({ pointId: text, zoneId: text, unit: text }),
      last: z.object({ timeMs: z.number(), value: time, quality: text, reason: text.nullable() }).nullable(),
      stale: z.boolean(),
    }),
  ),
  alarms: z.array(
    z.object({
      alarmId: text,
      ruleId: text,
      zoneId: text,
      pointId: text.nullable(),
      state: text,
      priority: text,
      onsetTimeMs: z.number(),
    }),
  ),
  approvals: z.array(
    z.object({
      sourceId: text,
      state: text,
      certificate: z.object({ fingerprintSha256: text, subject: text, endpoint: text }),
    }),
  ),
  discovered: z.array(z.unknown()),
});
export type RunningStatus = z.output<typeof statusSchema>;

export type RunningGateway =
  | { readonly kind: "running"; readonly url: string; readonly status: RunningStatus; readonly statusText: string }
  | { readonly kind: "nobody"; readonly message: string }
  | { readonly kind: "other"; readonly message: string };

/** The gateway that runs with this configuration, by its local page. */
export async function findRunning(local: Pick<LocalOptions, "host" | "port">, url?: string): Promise<RunningGateway> {
  const address = url ?? localUrl(local);
  if (address === undefined) {
    return { kind: "nobody", message: "local.port is 0: name the running gateway's page with --url" };
  }
  const answer = await askLocalPage(address, "/status.json");
  if (answer.kind === "nobody") return { kind: "nobody", message: `no gateway runs at ${address}` };
  if (answer.kind === "other") return answer;
  try {
    const status = statusSchema.parse(JSON.parse(answer.text));
    return { kind: "running", url: address, status, statusText: answer.text };
  } catch {
    return { kind: "other", message: `${address} answers, but is no gateway of this version` };
  }
}
