import { basename, join } from "node:path";

import { describeError, type Logger } from "@frostlight/kernel";

import { type JournalFiles, writeAtomic } from "./files.ts";

/** Damaged bytes, kept for whoever wants to look. A file's name says where they were, so the same damage is kept once. */
export class Quarantine {
  readonly #files: JournalFiles;
  readonly #folder: string;
  readonly #logger: Logger;
  readonly #names: Set<string>;

  private constructor(files: JournalFiles, folder: string, logger: Logger, names: Iterable<string>) {
    this.#files = files;
    this.#folder = folder;
    this.#logger = logger;
    this.#names = new Set(names);
  }

  static async open(files: JournalFiles, folder: string, logger: Logger): Promise<Quarantine> {
    await files.mkdir(folder);
    const names = (await files.readdir(folder)).filter((name) => name.endsWith(".bytes"));
    return new Quarantine(files, folder, logger, names);
  }

  /** Pieces of damage kept so far. */
  get count(): number {
    return this.#names.size;
  }

  /** Keeps a copy. A copy that cannot be written does not stop the journal: the bytes stay in their segment. */
  async keep(epoch: string, segmentPath: string, offset: number, bytes: Uint8Array): Promise<void> {
    const name = `${epoch}-${basename(segmentPath, ".seg")}-${offset}.bytes`;
    if (this.#names.has(name)) return;
    this.#names.add(name);
    this.#logger.warn("journal-bytes-quarantined", { segment: segmentPath, offset, bytes: bytes.length });
    try {
      await writeAtomic(this.#files, join(this.#folder, name), bytes);
    } catch (error) {
      this.#logger.error("quarantine-failed", { name, error: describeError(error) });
    }
  }
}
