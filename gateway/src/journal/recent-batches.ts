const maxBytes = 1_048_576;

/** The newest sealed batches, so that sending them does not read the disk. */
export class RecentBatches {
  readonly #bySequence = new Map<number, Uint8Array>();
  #bytes = 0;

  get(sequence: number): Uint8Array | undefined {
    return this.#bySequence.get(sequence);
  }

  add(sequence: number, sealed: Uint8Array): void {
    this.#bySequence.set(sequence, sealed);
    this.#bytes += sealed.length;
    for (const [oldest, bytes] of this.#bySequence) {
      if (this.#bytes <= maxBytes) return;
      this.#bySequence.delete(oldest);
      this.#bytes -= bytes.length;
    }
  }

  delete(sequence: number): void {
    this.#bytes -= this.#bySequence.get(sequence)?.length ?? 0;
    this.#bySequence.delete(sequence);
  }
}
