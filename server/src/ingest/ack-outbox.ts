import { type BatchOutcome, contractLimits, encodeAck } from "@frostlight/contract";

/**
 * Collects the outcomes of one gateway that become final together and sends them in as few messages as possible. `add`
 * resolves when its message was handed to the connection, or could not be: the gateway then sends the batch again.
 */
export class AckOutbox {
  readonly #send: (payload: Uint8Array) => Promise<void>;
  #pending = new Map<string, BatchOutcome[]>();
  #flushing: Promise<void> | undefined;

  constructor(send: (payload: Uint8Array) => Promise<void>) {
    this.#send = send;
  }

  add(epoch: string, outcome: BatchOutcome): Promise<void> {
    const outcomes = this.#pending.get(epoch);
    if (outcomes === undefined) this.#pending.set(epoch, [outcome]);
    else outcomes.push(outcome);
    this.#flushing ??= this.#flush();
    return this.#flushing;
  }

  async #flush(): Promise<void> {
    // Every outcome of this commit resolves before the next turn of the event loop.
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    const pending = this.#pending;
    this.#pending = new Map();
    this.#flushing = undefined;
    for (const [epoch, outcomes] of pending) {
      for (let start = 0; start < outcomes.length; start += contractLimits.ackOutcomes) {
        const part = outcomes.slice(start, start + contractLimits.ackOutcomes);
        await this.#send(encodeAck({ epoch, outcomes: part }));
      }
    }
  }
}
