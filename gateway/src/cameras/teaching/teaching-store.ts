import { mkdir, readdir, readFile, unlink } from "node:fs/promises";
import { join } from "node:path";

import { sha256Hex } from "@frostlight/contract";
import { describeError, errorCode, type Logger, readState, writeFileAtomic } from "@frostlight/kernel";

import { emptyMemory, type TeachingMemory, teachingMemory } from "./teaching-memory.ts";

/** Folders of files named by their hash. */
const shelves = { crops: "jpg", heads: "json" } as const;
type Shelf = keyof typeof shelves;

/**
 * What was taught, in a folder: one small state file, and crops and heads named by their hash. A file is written before the
 * state that names it and removed after the state that does not, so that a crash at any moment leaves a state whose files are
 * all there; what nothing names is removed at the next start.
 */
export class TeachingStore {
  readonly #folder: string;
  readonly #logger: Logger;
  #memory: TeachingMemory;
  /** The state file was damaged; a copy was kept aside. */
  readonly isDamaged: boolean;

  private constructor(folder: string, logger: Logger, memory: TeachingMemory, isDamaged: boolean) {
    this.#folder = folder;
    this.#logger = logger;
    this.#memory = memory;
    this.isDamaged = isDamaged;
  }

  static async open(folder: string, logger: Logger): Promise<TeachingStore> {
    for (const shelf of Object.keys(shelves)) await mkdir(join(folder, shelf), { recursive: true, mode: 0o700 });
    let memory = emptyMemory;
    let isDamaged = false;
    try {
      const path = join(folder, "state.json");
      memory = (await readState(path, (text) => teachingMemory.parse(JSON.parse(text)))) ?? emptyMemory;
    } catch (error) {
      isDamaged = true;
      logger.error("teaching-damaged", { error: describeError(error) });
    }
    const store = new TeachingStore(folder, logger, memory, isDamaged);
    // With a damaged state nothing names the crops, yet a person may want them back.
    if (!isDamaged) await store.#sweep();
    return store;
  }

  get memory(): TeachingMemory {
    return this.#memory;
  }

  /** Durable when resolved; then files that nothing names any more are removed. */
  async save(memory: TeachingMemory): Promise<void> {
    await writeFileAtomic(join(this.#folder, "state.json"), JSON.stringify(memory), 0o600);
    const before = namesOf(this.#memory);
    this.#memory = memory;
    const now = namesOf(memory);
    for (const shelf of ["crops", "heads"] as const) {
      for (const name of before[shelf]) if (!now[shelf].has(name)) await this.#remove(shelf, name);
    }
  }

  /** The file's name; it lasts only if the next saved state names it. */
  async put(shelf: Shelf, data: Uint8Array | string): Promise<string> {
    const name = sha256Hex(typeof data === "string" ? Buffer.from(data) : data);
    await writeFileAtomic(this.#path(shelf, name), data, 0o600);
    return name;
  }

  /** undefined: not there, or its bytes changed. */
  async read(shelf: Shelf, name: string): Promise<Buffer | undefined> {
    try {
      const data = await readFile(this.#path(shelf, name));
      if (sha256Hex(data) === name) return data;
      this.#logger.error("taught-file-damaged", { shelf, name });
    } catch (error) {
      if (errorCode(error) !== "ENOENT") throw error;
    }
    return undefined;
  }

  /** Bytes of all crops. */
  usedBytes(): number {
    const sizes = new Map(
      this.#memory.things.flatMap(({ examples }) => examples.map(({ crop, bytes }) => [crop, bytes])),
    );
    return [...sizes.values()].reduce((sum, bytes) => sum + bytes, 0);
  }

  async #sweep(): Promise<void> {
    const named = namesOf(this.#memory);
    for (const shelf of ["crops", "heads"] as const) {
      for (const file of await readdir(join(this.#folder, shelf))) {
        const name = file.slice(0, 64);
        if (file === `${name}.${shelves[shelf]}` && named[shelf].has(name)) continue;
        await unlink(join(this.#folder, shelf, file));
      }
    }
  }

  async #remove(shelf: Shelf, name: string): Promise<void> {
    try {
      await unlink(this.#path(shelf, name));
    } catch (error) {
      if (errorCode(error) !== "ENOENT") this.#logger.warn("taught-file-stays", { name, error: describeError(error) });
    }
  }

  #path(shelf: Shelf, name: string): string {
    return join(this.#folder, shelf, `${name}.${shelves[shelf]}`);
  }
}

function namesOf({ things }: TeachingMemory): Record<Shelf, ReadonlySet<string>> {
  return {
    crops: new Set(things.flatMap(({ examples }) => examples.map(({ crop }) => crop))),
    heads: new Set(things.flatMap(({ versions }) => versions.flatMap(({ heads }) => heads.map(({ file }) => file)))),
  };
}
