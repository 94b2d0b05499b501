import type { LogFields, Logger } from "@frostlight/kernel";

/** Counts refusals by reason; logs the first of each reason and then at every tenfold. */
export class RefusalLog {
  readonly #event: string;
  readonly #logger: Logger;
  readonly #counts = new Map<string, number>();

  constructor(event: string, logger: Logger) {
    this.#event = event;
    this.#logger = logger;
  }

  add(reason: string, fields: LogFields): void {
    const count = (this.#counts.get(reason) ?? 0) + 1;
    this.#counts.set(reason, count);
    if (Number.isInteger(Math.log10(count))) this.#logger.warn(this.#event, { ...fields, reason, count });
  }

  counts(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counts);
  }
}
