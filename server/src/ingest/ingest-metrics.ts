import { Counter, Gauge, type Registry } from "prom-client";

import type { GroupQueue } from "./group-queue.ts";
import type { IngestTotals } from "./outcome-log.ts";

/** Shows the ingest's totals and queue in the process's metrics. */
export function registerIngestMetrics(
  registry: Registry,
  totals: () => IngestTotals,
  queue: Pick<GroupQueue, "length" | "bytes">,
): void {
  const registers = [registry];
  const batches = new Counter({
    name: "frostlight_ingest_batches_total",
    help: "Batches by outcome and reason",
    labelNames: ["result", "reason"],
    registers,
    collect() {
      const now = totals();
      batches.reset();
      batches.inc({ result: "stored", reason: "" }, now.stored);
      batches.inc({ result: "duplicate", reason: "" }, now.duplicate);
      for (const [reason, count] of Object.entries(now.refused)) batches.inc({ result: "refused", reason }, count);
      for (const [reason, count] of Object.entries(now.retryLater)) {
        batches.inc({ result: "retry-later", reason }, count);
      }
    },
  });
  const samples = new Counter({
    name: "frostlight_ingest_samples_total",
    help: "Samples stored",
    registers,
    collect() {
      samples.reset();
      samples.inc(totals().samples);
    },
  });
  const waiting = new Gauge({
    name: "frostlight_ingest_queue_batches",
    help: "Batches waiting for the next commit",
    registers,
    collect() {
      waiting.set(queue.length);
    },
  });
}
