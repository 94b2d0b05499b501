import { z } from "zod";

/** Configuration of the ingest's queue. */
export const ingestOptions = z.strictObject({
  queueBatches: z.int().min(1).max(1_000_000).default(4_096).describe("batches waiting; beyond, gateways retry later"),
  queueBytes: z.int().min(2_097_152).default(67_108_864).describe("bytes waiting; beyond, gateways retry later"),
  groupBatches: z.int().min(1).max(10_000).default(512).describe("most batches in one commit"),
  groupBytes: z.int().min(1).default(8_388_608).describe("most bytes in one commit"),
});
export type IngestOptions = z.output<typeof ingestOptions>;
