import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";

import {
  defaultFaceModelFolder,
  defaultModelFolder,
  loadHead,
  type LoadedModel,
  loadModel,
} from "@frostlight/edge-models";
import { type Clock, describeError, type Logger, type Part } from "@frostlight/kernel";

import type { HeldHead } from "./eyes.ts";

/** What cameras look with. All three reject with `model/…` or `head/…` errors. */
export interface CameraModels {
  /** @param folder undefined: the shipped detector */
  get(folder: string | undefined): Promise<LoadedModel>;
  /** The face detector; loaded when it is first wanted. */
  faces(): Promise<LoadedModel>;
  /** A shipped head by its id. */
  head(headId: string): Promise<HeldHead>;
}

const headsFolder = join(dirname(defaultModelFolder), "heads");

/** Models by folder, each loaded once and shared by all cameras that use it. */
export class ModelPool implements Part, CameraModels {
  readonly name = "models";
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #niceness: number;
  readonly #loaded = new Map<string, Promise<LoadedModel>>();

  /** @param niceness of the computing threads, 0 to 19: how far they stand back behind what serves the sensors */
  constructor(clock: Clock, logger: Logger, niceness = 0) {
    this.#clock = clock;
    this.#logger = logger;
    this.#niceness = niceness;
  }

  start(): Promise<void> {
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    const models = await Promise.allSettled(this.#loaded.values());
    this.#loaded.clear();
    for (const model of models) if (model.status === "fulfilled") await model.value.close();
  }

  /**
   * @param folder undefined: the shipped detector
   * @throws the loader's `model/…` errors; they are final until the configuration or the files change
   */
  get(folder: string | undefined): Promise<LoadedModel> {
    const path = folder ?? defaultModelFolder;
    const known = this.#loaded.get(path);
    if (known !== undefined) return known;
    const loading = loadModel(path, { clock: this.#clock, logger: this.#logger, niceness: this.#niceness });
    this.#loaded.set(path, loading);
    loading.catch((error: unknown) => {
      this.#logger.error("model-not-loaded", { model: path, error: describeError(error) });
    });
    return loading;
  }

  faces(): Promise<LoadedModel> {
    return this.get(defaultFaceModelFolder);
  }

  async head(headId: string): Promise<HeldHead> {
    const path = join(headsFolder, headId, "head.json");
    const head = await loadHead(path);
    return {
      head,
      sha256: createHash("sha256")
        .update(await readFile(path))
        .digest("hex"),
    };
  }
}
