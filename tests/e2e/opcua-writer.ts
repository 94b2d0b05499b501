import type { Child } from "../sims/child.ts";
import type { SentLedger } from "./sent-ledger.ts";

/** A value set this long before the gateway dies has been reported, journaled and need not be asked for. */
const settledMs = 2000;

/** The value of a node after a step: its place and its count. */
export function valueOf(nodeIndex: number, step: number): number {
  return Number((-40 + nodeIndex + step / 10_000).toFixed(4));
}

interface Written {
  readonly pointId: string;
  readonly value: number;
  readonly timeMs: number;
}

/**
 * Keeps the books of an OPC UA server that counts in another process. OPC UA has no acknowledgement that the setter could
 * see, so a value counts as confirmed when it was set while the gateway's subscription was alive and at least
 * {@link settledMs} before the next fault that ends the subscription. What is set later or while nobody listens stays
 * unconfirmed: a new subscription starts with the then current value [OPC UA Part 4, 5.13.1.2]. A cut of the link to the
 * centre does not matter here.
 */
export class OpcUaWriter {
  readonly #plc: Child;
  readonly #ledger: SentLedger;
  readonly #pointIds: readonly string[];
  #pending: Written[] = [];
  #isHeard = false;

  constructor(plc: Child, pointIds: readonly string[], ledger: SentLedger) {
    this.#plc = plc;
    this.#pointIds = pointIds;
    this.#ledger = ledger;
    for (const [index, pointId] of pointIds.entries()) ledger.leaveOpen(pointId, valueOf(index, 0));
    plc.onLine((line) => {
      if (!line.startsWith('{"step"')) return;
      const { step, timeMs } = JSON.parse(line) as { step: number; timeMs: number }; // our own simulator
      this.#took(step, timeMs);
    });
  }

  /** The gateway's subscription is alive from now on. */
  heard(): void {
    this.#isHeard = true;
  }

  /** The gateway dies now. */
  unheard(): void {
    this.#settle(Date.now() - settledMs);
    this.#isHeard = false;
  }

  /** No more values; the last ones get the time they need. */
  async stop(): Promise<void> {
    this.#plc.write("stop");
    await new Promise((resolve) => void setTimeout(resolve, settledMs));
    this.#settle(Number.POSITIVE_INFINITY);
  }

  #took(step: number, timeMs: number): void {
    for (const [index, pointId] of this.#pointIds.entries()) {
      const value = valueOf(index, step);
      if (this.#isHeard) this.#pending.push({ pointId, value, timeMs });
      else this.#ledger.leaveOpen(pointId, value);
    }
  }

  #settle(beforeMs: number): void {
    for (const { pointId, value, timeMs } of this.#pending) {
      if (timeMs > beforeMs) this.#ledger.leaveOpen(pointId, value);
      else this.#ledger.confirm(pointId, { value, sourceTimeMs: timeMs, sentMs: timeMs, acknowledgedMs: timeMs });
    }
    this.#pending = [];
  }
}
