import { createHash } from "node:crypto";
import { join } from "node:path";

import { type Random, readState, writeFileAtomic } from "@frostlight/kernel";
import { z } from "zod";

const positionFile = z.strictObject({
  version: z.literal(1),
  file: z.string(),
  /** Names one replay of this file: after it is begun anew, its lines are other deliveries. */
  run: z.string().min(1),
  /** Last line that is durable in the journal. */
  line: z.int().min(0),
});

/** How far a recording has been replayed; kept beside the source. */
export class ReplayPosition {
  readonly #path: string;
  readonly #file: string;
  readonly #run: string;
  #line: number;

  private constructor(path: string, file: string, run: string, line: number) {
    this.#path = path;
    this.#file = file;
    this.#run = run;
    this.#line = line;
  }

  /** Throws `state/corrupt`: guessing would leave lines out or give them twice. */
  static async open(folder: string, file: string, random: Random): Promise<ReplayPosition> {
    const path = join(folder, `${createHash("sha256").update(file).digest("hex").slice(0, 16)}.position.json`);
    const known = await readState(path, (text) => positionFile.parse(JSON.parse(text)));
    if (known !== undefined) return new ReplayPosition(path, file, known.run, known.line);
    const position = new ReplayPosition(path, file, random.uuid(), 0);
    await position.advance(0); // the run's name must be on disk before the first line is
    return position;
  }

  get line(): number {
    return this.#line;
  }

  async advance(line: number): Promise<void> {
    const content = { version: 1, file: this.#file, run: this.#run, line };
    await writeFileAtomic(this.#path, JSON.stringify(content));
    this.#line = line;
  }

  /** Mark of a line's delivery, below 2^48: known again when a crash came between journal and position. */
  receiptOf(line: number): number {
    return createHash("sha256").update(`csv-replay\n${this.#run}\n${line}`).digest().readUIntBE(0, 6);
  }
}
