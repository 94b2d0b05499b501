/** Inclusive range of sequences. */
export type SequenceRange = readonly [from: number, to: number];

/**
 * A set of positive integers kept as ascending ranges that do not touch. Acks come nearly in order, so there are few
 * ranges however many sequences there are.
 */
export class SequenceSet {
  readonly #ranges: [number, number][] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  has(sequence: number): boolean {
    const range = this.#ranges[this.#indexAtOrAfter(sequence)];
    return range !== undefined && range[0] <= sequence;
  }

  add(sequence: number): void {
    this.addRange(sequence, sequence);
  }

  /** Adds from…to, both inclusive; nothing when to < from. */
  addRange(from: number, to: number): void {
    if (to < from) return;
    const first = this.#indexAtOrAfter(from - 1);
    let last = first;
    let low = from;
    let high = to;
    for (let range = this.#ranges[last]; range !== undefined && range[0] <= to + 1; range = this.#ranges[last]) {
      low = Math.min(low, range[0]);
      high = Math.max(high, range[1]);
      this.#size -= range[1] - range[0] + 1;
      last += 1;
    }
    this.#ranges.splice(first, last - first, [low, high]);
    this.#size += high - low + 1;
  }

  delete(sequence: number): void {
    const index = this.#indexAtOrAfter(sequence);
    const range = this.#ranges[index];
    if (range === undefined || range[0] > sequence) return;
    const [from, to] = range;
    const rest: [number, number][] = [];
    if (from < sequence) rest.push([from, sequence - 1]);
    if (sequence < to) rest.push([sequence + 1, to]);
    this.#ranges.splice(index, 1, ...rest);
    this.#size -= 1;
  }

  /** The smallest number >= `from` that is not in the set. */
  nextMissing(from: number): number {
    const range = this.#ranges[this.#indexAtOrAfter(from)];
    return range !== undefined && range[0] <= from ? range[1] + 1 : from;
  }

  ranges(): readonly SequenceRange[] {
    return this.#ranges.map(([from, to]) => [from, to]);
  }

  /** Index of the first range that ends at or after `sequence`. */
  #indexAtOrAfter(sequence: number): number {
    let low = 0;
    let high = this.#ranges.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#ranges[middle]?.[1] ?? 0) < sequence) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
