import { dirname } from "node:path";

import { describeError, type Logger } from "@frostlight/kernel";
import { z } from "zod";

import { type JournalFiles, readSmallState, writeAtomic } from "./files.ts";
import { positionsInterval } from "./positions.ts";

const schema = z.object({
  version: z.literal(1),
  epoch: z.string().regex(/^[0-9a-f]{16}$/),
  generation: z.number().int().min(1),
  highestSequence: z.number().int().min(0),
});

/** What somebody outside the journal's folder remembers of it. */
export type Witness = Omit<z.output<typeof schema>, "version">;

/** Absent or damaged is undefined: then nobody can tell, and the server has to. */
export async function readWitness(files: JournalFiles, path: string, logger: Logger): Promise<Witness | undefined> {
  try {
    return await readSmallState(files, path, (text) => schema.parse(JSON.parse(text)));
  } catch (error) {
    logger.warn("journal-witness-damaged", { error: describeError(error) });
    return undefined;
  }
}

/** What an opened folder says of itself. */
export interface JournalAge {
  readonly epoch: string;
  /** Starts counted in the folder; the witness is told after the folder. */
  readonly generation: number;
  /** Highest sequence that was used, as far as the folder knows. */
  readonly highestSequence: number;
}

/**
 * Why the journal must be an old copy put back, if it must. The witness never knows more than the journal itself, unless
 * that went back in time: numbers would be used a second time.
 */
export function oldCopy(journal: JournalAge, witness: Witness | undefined): string | undefined {
  if (witness === undefined) return undefined;
  if (witness.generation > journal.generation) {
    return `it was opened ${journal.generation} times, but ${witness.generation} are known`;
  }
  if (witness.epoch === journal.epoch && witness.highestSequence > journal.highestSequence) {
    return `it ends with batch ${journal.highestSequence}, but batch ${witness.highestSequence} is known`;
  }
  return undefined;
}

/** Keeps the witness: at the start, every {@link positionsInterval} batches, and at the end. */
export class WitnessWriter {
  readonly #files: JournalFiles;
  readonly #path: string;
  readonly #logger: Logger;
  #writing: Promise<void> = Promise.resolve();
  #written = 0;

  constructor(files: JournalFiles, path: string, logger: Logger) {
    this.#files = files;
    this.#path = path;
    this.#logger = logger;
  }

  /** @param always also when little has changed */
  note(witness: Witness, always: boolean): Promise<void> {
    if (!always && witness.highestSequence < this.#written + positionsInterval) return this.#writing;
    this.#written = witness.highestSequence;
    this.#writing = this.#writing.then(async () => {
      try {
        await this.#files.mkdir(dirname(this.#path));
        await writeAtomic(this.#files, this.#path, JSON.stringify({ version: 1, ...witness }));
      } catch (error) {
        this.#logger.warn("journal-witness-not-written", { error: describeError(error) });
      }
    });
    return this.#writing;
  }
}
