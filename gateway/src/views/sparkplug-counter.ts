import { readState, writeFileAtomic } from "@frostlight/kernel";
import { z } from "zod";

const content = z.strictObject({ bdSeq: z.int().min(0).max(255) });

/**
 * The birth and death number: 0 in the first CONNECT ever, one more in each that follows, 0 again after 255
 * [tck-id-topics-nbirth-bdseq-increment]. Durable before the CONNECT goes out, so that no two connections share one; a crash
 * in between leaves one out.
 */
export class BirthCounter {
  readonly #file: string;
  #last: number | undefined;

  private constructor(file: string, last: number | undefined) {
    this.#file = file;
    this.#last = last;
  }

  /** Throws `state/corrupt`: guessing the number could make a death of long ago end a session of today. */
  static async open(file: string): Promise<BirthCounter> {
    return new BirthCounter(file, await readState(file, (text) => content.parse(JSON.parse(text)).bdSeq));
  }

  async next(): Promise<number> {
    const bdSeq = this.#last === undefined ? 0 : (this.#last + 1) % 256;
    await writeFileAtomic(this.#file, `${JSON.stringify({ bdSeq })}\n`);
    this.#last = bdSeq;
    return bdSeq;
  }
}
