import { basename, join } from "node:path";

import { describeError, type Logger } from "@frostlight/kernel";

import { type JournalFiles, writeAtomic } from "./files.ts";

/** Damaged bytes, kept for whoever wants to look. A file's name says where they were, so the same damage is kept once. */
export class Quarantine {
  readonly #files: JournalFiles;
  readonly #folder: string;
  readonly #logger: Logger;
  readonly #maxBytes: number;
  /** Sizes by name, oldest first. */
  readonly #sizes: Map<string, number>;
  #bytes = 0;
  #kept = 0;
  #replaced = 0;

  private constructor(
    files: JournalFiles,
    folder: string,
    logger: Logger,
    maxBytes: number,
    sizes: Map<string, number>,
  ) {
    this.#files = files;
    this.#folder = folder;
    this.#logger = logger;
    this.#maxBytes = maxBytes;
    this.#sizes = sizes;
    for (const size of sizes.values()) this.#bytes += size;
    this.#kept = sizes.size;
  }

  static async open(files: JournalFiles, folder: string, logger: Logger, maxBytes: number): Promise<Quarantine> {
    await files.mkdir(folder);
    const found: { readonly name: string; readonly size: number; readonly mtimeMs: number }[] = [];
    for (const name of (await files.readdir(folder)).filter((one) => one.endsWith(".bytes"))) {
      found.push({ name, ...(await files.stat(join(folder, name))) });
    }
    found.sort((a, b) => a.mtimeMs - b.mtimeMs);
    return new Quarantine(files, folder, logger, maxBytes, new Map(found.map(({ name, size }) => [name, size])));
  }

  /** Pieces of damage kept so far. */
  get count(): number {
    return this.#kept;
  }

  /** Copies that made room for newer ones since the last call. */
  takeReplaced(): number {
    const replaced = this.#replaced;
    this.#replaced = 0;
    return replaced;
  }

  /** Keeps a copy. A copy that cannot be written does not stop the journal: the bytes stay in their segment. */
  async keep(epoch: string, segmentPath: string, offset: number, bytes: Uint8Array): Promise<void> {
    const name = `${epoch}-${basename(segmentPath, ".seg")}-${offset}.bytes`;
    if (this.#sizes.has(name)) return;
    this.#sizes.set(name, bytes.length);
    this.#bytes += bytes.length;
    this.#kept += 1;
    this.#logger.warn("journal-bytes-quarantined", { segment: segmentPath, offset, bytes: bytes.length });
    try {
      await this.#makeRoom();
      await writeAtomic(this.#files, join(this.#folder, name), bytes);
    } catch (error) {
      this.#logger.error("quarantine-failed", { name, error: describeError(error) });
    }
  }

  /** The oldest copies go; the newest stays, however large. */
  async #makeRoom(): Promise<void> {
    for (const [name, size] of this.#sizes) {
      if (this.#bytes <= this.#maxBytes || this.#sizes.size === 1) return;
      this.#sizes.delete(name);
      this.#bytes -= size;
      this.#replaced += 1;
      await this.#files.unlink(join(this.#folder, name));
    }
  }
}
