import type { Child } from "../sims/child.ts";
import type { SentLedger } from "./sent-ledger.ts";

/** A value set this long before the gateway dies has been reported, journaled and need not be asked for. */
const settledMs = 2000;

interface Written {
  readonly pointId: string;
  readonly value: number;
  readonly timeMs: number;
}

/**
 * Sets values at an OPC UA server in another process. OPC UA has no acknowledgement that the setter could see, so a value
 * counts as confirmed when it was set while the gateway's subscription was alive and at least {@link settledMs} before the
 * next fault that ends the subscription. What is set later or while nobody listens stays unconfirmed: a new subscription
 * starts with the then current value [OPC UA Part 4, 5.13.1.2]. A cut of the link to the centre does not matter here.
 */
export class OpcUaWriter {
  readonly #server: Child;
  readonly #ledger: SentLedger;
  readonly #nodes: readonly { readonly node: string; readonly pointId: string }[];
  readonly #intervalMs: number;
  #pending: Written[] = [];
  #isHeard = false;
  #counter = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: {
    readonly server: Child;
    readonly ledger: SentLedger;
    readonly nodes: readonly { readonly node: string; readonly pointId: string }[];
    readonly intervalMs: number;
  }) {
    this.#server = options.server;
    this.#ledger = options.ledger;
    this.#nodes = options.nodes;
    this.#intervalMs = options.intervalMs;
  }

  start(): void {
    this.#timer = setInterval(() => {
      this.#write();
    }, this.#intervalMs);
  }

  /** The gateway's subscription is alive from now on. */
  heard(): void {
    this.#isHeard = true;
  }

  /** The gateway died now. */
  unheard(): void {
    this.#settle(Date.now() - settledMs);
    this.#isHeard = false;
  }

  /** No more values; the last ones get the time they need. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await new Promise((resolve) => void setTimeout(resolve, settledMs));
    this.#settle(Date.now() - settledMs + 1);
  }

  #write(): void {
    this.#counter += 1;
    for (const [index, { node, pointId }] of this.#nodes.entries()) {
      const timeMs = Date.now();
      const value = Number((-20 + index + this.#counter / 10_000).toFixed(4));
      this.#server.write(JSON.stringify({ node, value, sourceTimeMs: timeMs }));
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
