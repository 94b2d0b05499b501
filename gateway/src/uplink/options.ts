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
  /** An evidence upload on which no byte moves for this long is given up and repeated. */
  evidenceIdleTimeoutMs: z.number().int().min(1_000).max(600_000).default(30_000),
});
export type UplinkOptions = z.output<typeof uplinkOptions>;
