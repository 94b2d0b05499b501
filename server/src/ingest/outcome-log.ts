import type { AckResult } from "@frostlight/contract";
import type { Logger } from "@frostlight/kernel";

/** Gateways whose last trouble is remembered; ids of strangers are not, they could be endless. */
const rememberedGateways = 10_000;

/** Totals since the start. */
export interface IngestTotals {
  readonly stored: number;
  readonly duplicate: number;
  readonly samples: number;
  /** By reason. */
  readonly refused: Readonly<Record<string, number>>;
  /** By reason. */
  readonly retryLater: Readonly<Record<string, number>>;
}

/** Counts every outcome and logs each gateway's trouble when it begins, changes and ends. */
export class OutcomeLog {
  readonly #logger: Logger;
  readonly #trouble = new Map<string, string>();
  readonly #refused = new Map<string, number>();
  readonly #retryLater = new Map<string, number>();
  #stored = 0;
  #duplicate = 0;
  #samples = 0;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  good(gatewayId: string, result: "stored" | "duplicate", samples: number): void {
    if (result === "stored") {
      this.#stored += 1;
      this.#samples += samples;
    } else this.#duplicate += 1;
    if (this.#trouble.size > 0 && this.#trouble.delete(gatewayId))
      this.#logger.info("batches-accepted-again", { gatewayId });
  }

  bad(
    gatewayId: string,
    result: Exclude<AckResult, "stored" | "duplicate">,
    reason: string,
    fields: Readonly<Record<string, unknown>>,
  ): void {
    const counts = result === "refused" ? this.#refused : this.#retryLater;
    counts.set(reason, (counts.get(reason) ?? 0) + 1);
    const subject = reason === "gateway-unknown" ? "" : gatewayId;
    if (this.#trouble.get(subject) === reason) return;
    if (this.#trouble.size >= rememberedGateways) this.#trouble.clear();
    this.#trouble.set(subject, reason);
    const event = result === "refused" ? "batch-refused" : "batch-put-off";
    this.#logger.warn(event, { gatewayId, reason, ...fields });
  }

  totals(): IngestTotals {
    return {
      stored: this.#stored,
      duplicate: this.#duplicate,
      samples: this.#samples,
      refused: Object.fromEntries(this.#refused),
      retryLater: Object.fromEntries(this.#retryLater),
    };
  }
}
