const hole = 0xff_ff_ff_ff;

/**
 * One file of the journal and where its records begin. Sequences rise by one, except over holes left by damage. The index
 * costs four bytes per batch; a segment the server has whole is not indexed until somebody reads it.
 */
export class Segment {
  readonly path: string;
  readonly firstSequence: number;
  sizeBytes = 0;
  #lastSequence: number;
  #offsets: Uint32Array | undefined;
  #count = 0;

  constructor(path: string, firstSequence: number) {
    this.path = path;
    this.firstSequence = firstSequence;
    this.#lastSequence = firstSequence - 1;
  }

  /** Highest sequence in it; `firstSequence - 1` when empty. */
  get lastSequence(): number {
    return this.#lastSequence;
  }

  get isIndexed(): boolean {
    return this.#offsets !== undefined;
  }

  get isEmpty(): boolean {
    return this.#lastSequence < this.firstSequence;
  }

  /** For a segment that is not indexed: what it must hold, judging by its neighbours. */
  assumeLast(lastSequence: number): void {
    this.#lastSequence = lastSequence;
  }

  /** Notes a record. Sequences come in rising order. */
  add(sequence: number, offset: number): void {
    const index = sequence - this.firstSequence;
    let offsets = this.#offsets ?? new Uint32Array(64).fill(hole);
    if (index >= offsets.length) {
      const grown = new Uint32Array(Math.max(index + 1, offsets.length * 2)).fill(hole);
      grown.set(offsets);
      offsets = grown;
    }
    offsets[index] = offset;
    this.#offsets = offsets;
    this.#count = index + 1;
    this.#lastSequence = Math.max(this.#lastSequence, sequence);
  }

  /** Forgets a record that turned out damaged. */
  drop(sequence: number): void {
    const index = sequence - this.firstSequence;
    if (this.#offsets !== undefined && index < this.#count) this.#offsets[index] = hole;
  }

  /** Where a record lies and the most bytes it can have. */
  locate(sequence: number): { readonly offset: number; readonly maxBytes: number } | undefined {
    const offset = this.#offsets?.[sequence - this.firstSequence];
    if (offset === undefined || offset === hole) return undefined;
    for (let index = sequence - this.firstSequence + 1; index < this.#count; index += 1) {
      const next = this.#offsets?.[index];
      if (next !== undefined && next !== hole) return { offset, maxBytes: next - offset };
    }
    return { offset, maxBytes: this.sizeBytes - offset };
  }

  /** Makes the index as small as it can be: nothing will be added any more. */
  seal(): void {
    this.#offsets = this.#offsets?.slice(0, this.#count);
  }
}

/** File name of the segment that begins with `sequence`. */
export function segmentName(sequence: number): string {
  return `${String(sequence).padStart(16, "0")}.seg`;
}

/** The first sequence of a segment file, if it is one. */
export function sequenceOfName(name: string): number | undefined {
  const digits = /^(\d{16})\.seg$/.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}
