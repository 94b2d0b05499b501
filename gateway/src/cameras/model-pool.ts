import { defaultModelFolder, type LoadedModel, loadModel } from "@frostlight/edge-models";
import { type Clock, describeError, type Logger, type Part } from "@frostlight/kernel";

/** Detectors by folder, each loaded once and shared by all cameras that use it. */
export class ModelPool implements Part {
  readonly name = "models";
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #loaded = new Map<string, Promise<LoadedModel>>();

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock;
    this.#logger = logger;
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
    const loading = loadModel(path, { clock: this.#clock, logger: this.#logger });
    this.#loaded.set(path, loading);
    loading.catch((error: unknown) => {
      this.#logger.error("model-not-loaded", { model: path, error: describeError(error) });
    });
    return loading;
  }
}
