import { createHash } from "node:crypto";

/** Places for a sequence, and inside one for samples of the same point and millisecond. */
const slots = 1_000;
const slotNs = 1_000;
const blockSize = 1_000;

/**
 * Gives each sample a fixed place (0 … 999 999 ns) inside its millisecond, so that samples of one point with equal
 * milliseconds are all kept, and the same batch written again overwrites itself.
 *
 * place = slot × 1000 + (start + n) mod 1000, with
 * slot = (sequence + hash(gateway, epoch) + ⌊n / 1000⌋) mod 1000,
 * start = hash(gateway, epoch, ⌊sequence / 1000⌋) in 0 … 499, and
 * n = how many samples of this point and millisecond came before in the batch.
 *
 * What follows, for two samples of a point with the same millisecond (and the same quality, which is a tag):
 * - same batch: never in one place (up to 1 000 000 of them); in order up to 500;
 * - batches of one epoch less than 1000 sequences apart: different slots, never in one place while a batch has at most
 *   1000 such samples;
 * - farther apart, or another epoch or gateway: in one place with a chance of 1 in 500 000 for single samples; for
 *   bursts of a and b samples at most (a + b) / 500 000. Exactly a multiple of 1000 sequences apart it is 1 in 500. Then the
 *   later write replaces the earlier one.
 */
export class SubMillisecond {
  readonly #slot: number;
  readonly #start: number;
  readonly #seen = new Map<string, Map<number, number>>();

  /** For the samples of one batch, in their order. */
  constructor(gatewayId: string, epoch: string, sequence: number) {
    const block = Math.floor(sequence / blockSize);
    this.#slot = (sequence + hash(gatewayId, epoch)) % slots;
    this.#start = hash(gatewayId, epoch, String(block)) % 500;
  }

  /** Nanoseconds to add to the millisecond of the next sample. */
  next(pointId: string, timeMs: number): number {
    const times = this.#seen.get(pointId) ?? new Map<number, number>();
    const n = times.get(timeMs) ?? 0;
    times.set(timeMs, n + 1);
    this.#seen.set(pointId, times);
    const slot = (this.#slot + Math.floor(n / slotNs)) % slots;
    return slot * slotNs + ((this.#start + n) % slotNs);
  }
}

function hash(...parts: readonly string[]): number {
  return createHash("sha256").update(JSON.stringify(parts)).digest().readUInt32BE(0);
}
