interface Mark {
  readonly sequence: number;
  readonly atMs: number;
}

/**
 * How far a connection without acknowledgements (QoS 0) has brought the journal. What was written before a PINGREQ has
 * reached the server when its PINGRESP comes: a connection keeps the order. Whether anybody listened behind the server shows
 * only later; so a position is settled when nothing has spoken against it for `overlapMs`. Pure; times are monotonic.
 */
export class DeliveryProgress {
  readonly #overlapMs: number;
  #settled: number;
  #sent: number;
  #pinged: number | undefined;
  #marks: Mark[] = [];

  constructor(settled: number, overlapMs: number) {
    this.#settled = settled;
    this.#sent = settled;
    this.#overlapMs = overlapMs;
  }

  /** Everything up to here was handed over and will not be again, unless the file that says so is lost. */
  get settled(): number {
    return this.#settled;
  }

  /** Everything up to `sequence` was written to the connection. */
  sent(sequence: number): void {
    this.#sent = sequence;
  }

  pinged(): void {
    this.#pinged ??= this.#sent;
  }

  ponged(nowMs: number): void {
    if (this.#pinged === undefined) return;
    this.#marks.push({ sequence: this.#pinged, atMs: nowMs });
    this.#pinged = undefined;
    this.settle(nowMs);
  }

  settle(nowMs: number): void {
    const ripe = this.#marks.filter((mark) => mark.atMs <= nowMs - this.#overlapMs).length;
    this.#settled = this.#marks.splice(0, ripe).at(-1)?.sequence ?? this.#settled;
  }

  /**
   * The connection is over; what is not settled is to be handed over again.
   * @param wasHeard the receiver said goodbye: what reached the server reached it too
   */
  ended(wasHeard: boolean): void {
    if (wasHeard) this.#settled = this.#marks.at(-1)?.sequence ?? this.#settled;
    this.#marks = [];
    this.#pinged = undefined;
    this.#sent = this.#settled;
  }
}
