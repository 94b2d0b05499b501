import { pluginSchema } from "@frostlight/kernel";
import { z } from "zod";

import { transportRegistry } from "./transports/index.ts";

/** Settings of the uplink; the server's address and the token stand beside them. */
export const uplinkOptions = z.strictObject({
  transport: pluginSchema(transportRegistry, {}).prefault({ kind: "mqtt" }),
  /** PEM file of the authority that signed the server's and the broker's certificates, when it is no public one. */
  caFile: z.string().min(1).optional(),
  /** Batches sent and not yet acknowledged; a quarter is kept free for new ones. */
  window: z.number().int().min(4).max(10_000).default(64),
  /** Bytes of them. */
  windowBytes: z
    .number()
    .int()
    .min(65_536)
    .default(4 * 1_048_576),
  /** A batch the server has not acknowledged after this is sent again. */
  ackTimeoutMs: z.number().int().min(1_000).max(3_600_000).default(30_000),
  /** What goes first when there is a backlog; see {@link BackfillPolicy}. */
  backfill: z.enum(["live-first", "equal", "oldest-first"]).default("live-first"),
  /** For mobile links; counts the batches' own bytes. New batches and alarms go first within it. */
  rateLimit: z
    .strictObject({
      bytesPerSecond: z.number().int().min(64).optional(),
      /** In each 24 hours since the start; batches with alarms go even when it is used up. */
      bytesPerDay: z.number().int().min(10_000).optional(),
    })
    .prefault({}),
  /** With more than one server. */
  servers: z
    .strictObject({
      /** A server that does not store anything for this long is left for the next. */
      fallBackAfterSeconds: z.number().min(5).max(86_400).default(60),
      /** While another than the first serves, the first is looked for this often. */
      returnCheckSeconds: z.number().min(5).max(86_400).default(300),
      /** It must hold a link for this long before the gateway returns. */
      returnStableSeconds: z.number().min(1).max(3_600).default(30),
    })
    .prefault({}),
  /** An evidence upload on which no byte moves for this long is given up and repeated. */
  evidenceIdleTimeoutMs: z.number().int().min(1_000).max(600_000).default(30_000),
});
export type UplinkOptions = z.output<typeof uplinkOptions>;
