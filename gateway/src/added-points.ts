import { readFile } from "node:fs/promises";
import { join } from "node:path";

import type { ChangeRecord } from "@frostlight/contract";
import {
  type Clock,
  ConfigError,
  describeError,
  errorCode,
  loadConfig,
  type Logger,
  readState,
  writeFileAtomic,
} from "@frostlight/kernel";
import { z } from "zod";

import { type GatewayConfig, gatewayConfig } from "./config/index.ts";
import type { DiscoveredPoint } from "./core/discovery.ts";
import type { PointAddition, PointAdditionOutcome } from "./core/point-addition.ts";
import { toConfiguration, toEntry } from "./core/point-configuration.ts";

const maxAdded = 500;
const maxOutbox = 200;

const memorySchema = z.strictObject({
  version: z.literal(1),
  /** Entries as they would stand under `points:`. */
  points: z.array(z.looseObject({ id: z.string() })),
  /** Additions that are perhaps not in the journal yet. */
  outbox: z.array(z.custom<ChangeRecord>((value) => typeof value === "object" && value !== null)),
});
type Memory = z.infer<typeof memorySchema>;
type Entry = Memory["points"][number];

const nothing: Memory = { version: 1, points: [], outbox: [] };
const fileOf = (stateFolder: string): string => join(stateFolder, "added-points.json");

async function readMemory(stateFolder: string): Promise<Memory> {
  return (await readState(fileOf(stateFolder), (text) => memorySchema.parse(JSON.parse(text)))) ?? nothing;
}

/** What people added, read without keeping a damaged file aside: for those who only look. */
export async function peekAddedPoints(stateFolder: string): Promise<Pick<Memory, "points">> {
  try {
    return memorySchema.parse(JSON.parse(await readFile(fileOf(stateFolder), "utf8")));
  } catch (error) {
    if (errorCode(error) === "ENOENT") return nothing;
    throw error;
  }
}

/** The schema of the configuration with more points; an id that the file itself has is the file's. */
function schemaWith(added: readonly Entry[]) {
  return z.preprocess((input) => {
    if (typeof input !== "object" || input === null) return input;
    const own: unknown = Reflect.get(input, "points") ?? [];
    if (!Array.isArray(own)) return input;
    const ids = new Set(own.map((point: unknown) => idOf(point)));
    return { ...input, points: [...own, ...added.filter(({ id }) => !ids.has(id))] };
  }, gatewayConfig);
}

function idOf(point: unknown): unknown {
  return typeof point === "object" && point !== null ? Reflect.get(point, "id") : undefined;
}

/** What the gateway runs with: its file, and the points that people added at the gateway. */
export interface LoadedConfig {
  readonly config: GatewayConfig;
  /** Added points that do not fit the file any more (their room or source is gone, say), with the reason. */
  readonly unusable: readonly { readonly id: string; readonly reason: string }[];
}

/** Reads the file and what was added. Throws a `ConfigError` for what is wrong in the file itself. */
export async function loadGatewayConfig(
  file: string,
  read: (stateFolder: string) => Promise<Pick<Memory, "points">> = readMemory,
): Promise<LoadedConfig> {
  const alone = await loadConfig(file, gatewayConfig);
  const unusable: { id: string; reason: string }[] = [];
  let points: readonly Entry[] = [];
  try {
    ({ points } = await read(alone.stateFolder));
  } catch (error) {
    // Kept aside by now; the file's own points go on.
    return { config: alone, unusable: [{ id: "*", reason: describeError(error) }] };
  }
  if (points.length === 0) return { config: alone, unusable };
  try {
    return { config: await loadConfig(file, schemaWith(points)), unusable };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
  }
  const usable: Entry[] = [];
  for (const point of points) {
    try {
      await loadConfig(file, schemaWith([...usable, point]));
      usable.push(point);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      unusable.push({ id: point.id, reason: problemsOf(error) });
    }
  }
  return { config: await loadConfig(file, schemaWith(usable)), unusable };
}

const problemsOf = (error: ConfigError): string =>
  error.problems
    .map(({ path, message }) => `${path}: ${message}`)
    .join("; ")
    .slice(0, 600);

interface AddedPointsParts {
  readonly configFile: string;
  readonly stateFolder: string;
  readonly isAllowed: boolean;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Begins anew with what is on disk now; called once the point is. */
  readonly restart: () => void;
}

/**
 * Points that people add at the gateway ("pick, name, assign to a room, done"). They lie beside the configuration file,
 * which stays what its owner wrote; the same schema checks both together before anything is stored.
 */
export class AddedPoints {
  readonly #parts: AddedPointsParts;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(parts: AddedPointsParts) {
    this.#parts = parts;
  }

  /** On disk when resolved with `done`; then the gateway begins anew with it. */
  add(addition: PointAddition, discovered: readonly DiscoveredPoint[]): Promise<PointAdditionOutcome> {
    return this.#inTurn(() => this.#add(addition, discovered));
  }

  async #add(addition: PointAddition, discovered: readonly DiscoveredPoint[]): Promise<PointAdditionOutcome> {
    const { configFile, stateFolder, isAllowed, clock, logger } = this.#parts;
    if (!isAllowed) return { kind: "not-allowed", message: "local.addPoints is false" };
    const { sourceId, label, choice, actor, reason } = addition;
    const found = discovered.find((one) => one.sourceId === sourceId && one.label === label);
    if (found === undefined) return { kind: "not-discovered" };
    const memory = await readMemory(stateFolder);
    if (memory.points.length >= maxAdded) {
      return { kind: "not-allowed", message: `${maxAdded} points were added already: move them into the file` };
    }
    const entry: Entry = { ...toEntry(found, choice) };
    try {
      const { config } = await loadGatewayConfig(configFile);
      if (config.points.some(({ id }) => id === entry.id)) {
        return { kind: "invalid", message: `id "${entry.id}" is used already` };
      }
      await loadConfig(configFile, schemaWith([...memory.points, entry]));
    } catch (error) {
      if (error instanceof ConfigError) return { kind: "invalid", message: problemsOf(error) };
      throw error;
    }
    const change: ChangeRecord = {
      subject: `point:${entry.id}`,
      what: "configuration",
      before: "",
      after: toConfiguration(found, choice).join("\n").slice(0, 1_000),
      author: actor,
      reason,
      timeMs: clock.nowMs(),
      commandId: null,
    };
    const points = [...memory.points, entry];
    await this.#save({ version: 1, points, outbox: [...memory.outbox, change].slice(-maxOutbox) });
    logger.info("point-added", { point: entry.id, source: sourceId, author: actor });
    this.#parts.restart();
    return { kind: "done" };
  }

  /** Journals additions that are not in the journal yet; a crash in between repeats one, never loses it. */
  journal(append: (change: ChangeRecord) => Promise<void>): Promise<void> {
    return this.#inTurn(async () => {
      try {
        const memory = await readMemory(this.#parts.stateFolder);
        if (memory.outbox.length === 0) return;
        for (const change of memory.outbox) await append(change);
        await this.#save({ ...memory, outbox: [] });
      } catch (error) {
        this.#parts.logger.warn("point-addition-waits-for-journal", { error: describeError(error) });
      }
    });
  }

  #save(memory: Memory): Promise<void> {
    return writeFileAtomic(fileOf(this.#parts.stateFolder), JSON.stringify(memory));
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work, work);
    this.#turn = done.catch(() => undefined);
    return done;
  }
}
