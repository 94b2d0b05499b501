import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";

import { sha256Hex } from "@frostlight/contract";
import { errorCode, readState, syncFolder, writeFileAtomic } from "@frostlight/kernel";
import { z } from "zod";

/** Confirmed versions that are kept besides the one in force. */
const keptVersions = 10;
const maxAnswered = 100;
const maxOutbox = 50;

const parameter = z.union([z.number(), z.string(), z.object({ timeMs: z.number() })]);
const outboxItem = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("change"),
    change: z.object({
      subject: z.string(),
      what: z.literal("configuration"),
      before: z.string(),
      after: z.string(),
      author: z.string(),
      reason: z.string(),
      timeMs: z.number(),
      commandId: z.string().nullable(),
    }),
  }),
  z.object({
    kind: z.literal("health"),
    event: z.object({
      subject: z.string(),
      state: z.string(),
      timeMs: z.number(),
      explanation: z.object({ code: z.string(), parameters: z.record(z.string(), parameter) }),
    }),
  }),
]);
export type OutboxItem = z.infer<typeof outboxItem>;

const version = z.int().min(1);
const schema = z.strictObject({
  version: z.literal(1),
  /** The newest version ever taken or refused with a right signature: older ones are never taken again. */
  highest: z.int().min(0),
  /** In force; 0: the file at the gateway. */
  active: z.int().min(0),
  /** Confirmed before, newest last. */
  history: z.array(version),
  /** SHA-256 of the file at the gateway when a version was taken last; empty: never. */
  localSha256: z.string(),
  /** Not confirmed yet. */
  pending: z
    .strictObject({
      version,
      commandId: z.string(),
      author: z.string(),
      reason: z.string(),
      /** Starts with it so far. */
      attempts: z.int().min(0),
    })
    .nullable(),
  /** Commands that were answered, newest last: the server repeats them. */
  answered: z.array(z.string()),
  /** What happened and is perhaps not in the journal yet. */
  outbox: z.array(outboxItem),
});
export type ConfigurationState = Readonly<z.infer<typeof schema>>;

const nothing: ConfigurationState = {
  version: 1,
  highest: 0,
  active: 0,
  history: [],
  localSha256: "",
  pending: null,
  answered: [],
  outbox: [],
};

/** The folder with what was decided and the texts of the versions. */
export class VersionFiles {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  pathOf(number: number): string {
    return join(this.#folder, `version-${number}.yaml`);
  }

  /** Rejects with `state/corrupt`; a copy is kept then. */
  async read(): Promise<ConfigurationState> {
    return (await readState(join(this.#folder, "state.json"), (text) => schema.parse(JSON.parse(text)))) ?? nothing;
  }

  /** What remains when the state is lost: no version is in force, but none of those seen is taken again. */
  async salvage(): Promise<ConfigurationState> {
    return { ...nothing, highest: Math.max(0, ...(await this.#versions())) };
  }

  /** Durable when resolved; versions that nobody needs any more are removed. */
  async write(state: ConfigurationState): Promise<void> {
    const history = state.history.slice(-keptVersions);
    const bounded = {
      ...state,
      history,
      answered: state.answered.slice(-maxAnswered),
      outbox: state.outbox.slice(-maxOutbox),
    };
    await writeFileAtomic(join(this.#folder, "state.json"), JSON.stringify(bounded), 0o600);
    const needed = new Set([...history, state.active, state.pending?.version ?? 0, state.highest]);
    for (const number of await this.#versions()) {
      if (!needed.has(number)) await rm(this.pathOf(number), { force: true });
    }
  }

  async keepText(number: number, text: string): Promise<void> {
    await mkdir(this.#folder, { recursive: true });
    await writeFileAtomic(this.pathOf(number), text, 0o600);
    await syncFolder(this.#folder);
  }

  async textOf(number: number): Promise<string | undefined> {
    try {
      return await readFile(this.pathOf(number), "utf8");
    } catch (error) {
      if (errorCode(error) === "ENOENT") return undefined;
      throw error;
    }
  }

  async #versions(): Promise<readonly number[]> {
    try {
      const names = await readdir(this.#folder);
      return names.flatMap((name) => {
        const digits = /^version-([1-9][0-9]{0,14})\.yaml$/.exec(name)?.[1];
        return digits === undefined ? [] : [Number(digits)];
      });
    } catch (error) {
      if (errorCode(error) === "ENOENT") return [];
      throw error;
    }
  }
}

/** Name of a text in records. */
export function fingerprint(text: string): string {
  return sha256Hex(text);
}
