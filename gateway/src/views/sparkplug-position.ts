import { readState, writeFileAtomic } from "@frostlight/kernel";
import { z } from "zod";

const content = z.strictObject({ epoch: z.string().regex(/^[0-9a-f]{16}$/), sequence: z.int().min(0) });
type Position = z.infer<typeof content>;

/** Which part of the journal was handed over for good. Losing the newest seconds of it costs repeats, never data. */
export class PositionFile {
  readonly #file: string;
  #saved: Position | undefined;

  constructor(file: string) {
    this.#file = file;
  }

  /**
   * Where to go on: at the newest batch when this view is new (history begins when it does), at the beginning when the
   * journal is another than before. Throws `state/corrupt`.
   */
  async open(epoch: string, lastSequence: number): Promise<number> {
    const known = await readState(this.#file, (text) => content.parse(JSON.parse(text)));
    const sequence = known === undefined ? lastSequence : known.epoch === epoch ? known.sequence : 0;
    await this.save({ epoch, sequence: Math.min(sequence, lastSequence) });
    return Math.min(sequence, lastSequence);
  }

  async save(position: Position): Promise<void> {
    if (this.#saved?.epoch === position.epoch && this.#saved.sequence === position.sequence) return;
    await writeFileAtomic(this.#file, `${JSON.stringify(position)}\n`);
    this.#saved = position;
  }
}
