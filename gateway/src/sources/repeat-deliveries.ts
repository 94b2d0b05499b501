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

/** A delivery stays known for so long at least, and until as many have come after it as fit. */
const knownMs = 60_000;
const firstRoom = 16;
const maxRoom = 8_192;

/**
 * Tells a repeat from a new message that looks the same, for one client. A sensor that begins its packet ids anew at every
 * wake-up and measures the same again makes the same receipt again, so the journal's memory alone would swallow readings:
 * it is asked only since the gateway's start until a connection ends on which the client has sent something new: on
 * reconnecting it repeats what was not acknowledged before it goes on [MQTT-4.4.0-1], and a connection may break off before
 * that. Later, a repeat is what came on this connection already, or on the one before if that broke off.
 */
export class RepeatDeliveries<D extends Writing> {
  readonly #wasRecorded: (receipt: number) => boolean;
  readonly #writing = new Set<D>();
  /** Newest recorded deliveries, in rings that grow with the client's pace; asked only when something comes marked DUP. */
  #messageIds = new Uint16Array(firstRoom);
  #receipts = new Float64Array(firstRoom);
  #recordedMs = new Float64Array(firstRoom).fill(-Infinity);
  #next = 0;
  #asksJournal = true;
  #sawNew = false;
  #latestMs = 0;

  constructor(wasRecorded: (receipt: number) => boolean) {
    this.#wasRecorded = wasRecorded;
  }

  /** Of a message marked DUP. */
  find(messageId: number, receipt: number): Repeat<D> {
    for (const first of this.#writing) {
      if (first.messageId === messageId) return first.receipt === receipt ? { kind: "writing", first } : isNew;
    }
    if (this.#indexOf(messageId, receipt) >= 0) return isRecorded;
    if (!this.#asksJournal || !this.#wasRecorded(receipt)) return isNew;
    // Its acknowledgement may be lost once more.
    this.#remember(messageId, receipt, this.#latestMs);
    return isRecorded;
  }

  /** @param isRepeat it was marked DUP, and nothing was known of it */
  begin(delivery: D, isRepeat: boolean): void {
    this.#writing.add(delivery);
    if (!isRepeat) this.#sawNew = true;
  }

  /** It is durable. @param monotonicMs now */
  recorded(delivery: D, monotonicMs: number): void {
    this.#writing.delete(delivery);
    this.#latestMs = monotonicMs;
    this.#remember(delivery.messageId, delivery.receipt, monotonicMs);
  }

  #remember(messageId: number, receipt: number, monotonicMs: number): void {
    if (monotonicMs - (this.#recordedMs[this.#next] ?? 0) < knownMs) this.#grow();
    const at = this.#next;
    this.#messageIds[at] = messageId;
    this.#receipts[at] = receipt;
    this.#recordedMs[at] = monotonicMs;
    this.#next = at + 1 === this.#receipts.length ? 0 : at + 1;
  }

  /** It could not be written: an older one with the same receipt is not this one. */
  failed(delivery: D): void {
    this.#writing.delete(delivery);
    for (;;) {
      const older = this.#indexOf(delivery.messageId, delivery.receipt);
      if (older < 0) break;
      this.#messageIds[older] = 0;
    }
    this.#asksJournal = false;
  }

  /** @param isInOrder with DISCONNECT: nothing from before is repeated */
  connectionEnded(isInOrder: boolean): void {
    if (isInOrder || this.#sawNew) this.#asksJournal = false;
    if (isInOrder) this.#messageIds.fill(0);
  }

  #indexOf(messageId: number, receipt: number): number {
    let at = this.#messageIds.indexOf(messageId);
    while (at >= 0 && this.#receipts[at] !== receipt) at = this.#messageIds.indexOf(messageId, at + 1);
    return at;
  }

  /** The oldest is still young: makes room for as many again, the oldest first. */
  #grow(): void {
    const room = this.#receipts.length;
    if (room >= maxRoom) return;
    const from = this.#next;
    const enlarge = <A extends Uint16Array | Float64Array>(old: A, large: A): A => {
      large.set(old.subarray(from));
      large.set(old.subarray(0, from), room - from);
      return large;
    };
    this.#messageIds = enlarge(this.#messageIds, new Uint16Array(2 * room));
    this.#receipts = enlarge(this.#receipts, new Float64Array(2 * room));
    this.#recordedMs = enlarge(this.#recordedMs, new Float64Array(2 * room).fill(-Infinity));
    this.#next = room;
  }
}
