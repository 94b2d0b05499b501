const generationMs = 60_000;
const maxInGeneration = 10_000;

/** What is known of a delivery that may be a repeat. `writing`: wait for the first of it. */
export type Repeat<D> =
  | { readonly kind: "new" }
  | { readonly kind: "recorded" }
  | { readonly kind: "writing"; readonly first: D };

const isNew = { kind: "new" } as const;
const isRecorded = { kind: "recorded" } as const;

interface Writing {
  readonly messageId: number;
  readonly receipt: number;
}

/**
 * Tells a repeat from a new message that looks the same, for one client. A sensor that begins its packet ids anew at every
 * wake-up and measures the same again makes the same receipt again, so the journal's memory alone would swallow readings:
 * it is asked only on the client's first connection since the gateway started, when nothing else can know. Later, a repeat
 * is what came on this connection already, or on the one before if that broke off.
 */
export class RepeatDeliveries<D extends Writing> {
  readonly #wasRecorded: (receipt: number) => boolean;
  readonly #writing = new Map<number, D>();
  /** Receipts by packet id. The older of the two holds what may be forgotten at the next change. */
  #recorded = new Map<number, number>();
  #recordedBefore = new Map<number, number>();
  #changedMs = -Infinity;
  #asksJournal = true;

  constructor(wasRecorded: (receipt: number) => boolean) {
    this.#wasRecorded = wasRecorded;
  }

  /** Of a message marked DUP. */
  find(messageId: number, receipt: number): Repeat<D> {
    const first = this.#writing.get(messageId);
    if (first !== undefined) return first.receipt === receipt ? { kind: "writing", first } : isNew;
    const known = this.#recorded.get(messageId) ?? this.#recordedBefore.get(messageId);
    if (known === receipt) return isRecorded;
    return this.#asksJournal && this.#wasRecorded(receipt) ? isRecorded : isNew;
  }

  begin(delivery: D): void {
    this.#writing.set(delivery.messageId, delivery);
  }

  /** It is durable. @param monotonicMs now */
  recorded({ messageId, receipt }: Writing, monotonicMs: number): void {
    this.#writing.delete(messageId);
    if (monotonicMs - this.#changedMs > generationMs || this.#recorded.size >= maxInGeneration) {
      this.#recordedBefore = this.#recorded;
      this.#recorded = new Map();
      this.#changedMs = monotonicMs;
    }
    this.#recorded.set(messageId, receipt);
  }

  /** It could not be written: an older one with the same receipt is not this one. */
  failed({ messageId }: Writing): void {
    this.#writing.delete(messageId);
    this.#recorded.delete(messageId);
    this.#recordedBefore.delete(messageId);
    this.#asksJournal = false;
  }

  /** @param isInOrder with DISCONNECT: nothing from before is repeated */
  connectionEnded(isInOrder: boolean): void {
    this.#asksJournal = false;
    if (!isInOrder) return;
    this.#recorded.clear();
    this.#recordedBefore.clear();
  }
}
