import { Worker } from "node:worker_threads";

import { type Clock, describeError, FrostlightError, type Logger, silentLogger, systemClock } from "@frostlight/kernel";

import type { DetectOptions, DetectResult, SceneOpened, SceneSetup } from "./engine.ts";
import type { DescriptorSetup, Region } from "./heads/descriptor.ts";
import { type ModelManifest, readManifest } from "./manifest.ts";
import type { RgbImage } from "./picture.ts";
import type { PlainError, WorkerAnswers, WorkerCall, WorkerReply, WorkerSetup } from "./worker-protocol.ts";

/** A model that is ready, in a thread of its own. Calls are answered in order; callers may overlap. */
export interface LoadedModel {
  readonly manifest: ModelManifest;
  readonly id: string;
  readonly sha256: string;
  readonly loadMs: number;
  /** Median of a few passes over a grey picture at the manifest's size. */
  readonly warmMs: number;
  detect(image: RgbImage, options?: DetectOptions): Promise<DetectResult>;
  /**
   * What the network sees in each region, as one vector each: what heads are fitted on and judge by.
   * @throws `model/no-features` when the model hands out no inner layers
   */
  describe(image: RgbImage, regions: readonly Region[], setup: DescriptorSetup): Promise<readonly Float32Array[]>;
  /** @param saved what `saveScene` gave before, or null to learn from nothing */
  openScene(key: string, setup: SceneSetup, saved: Uint8Array | null): Promise<SceneOpened>;
  /** Null until the scene is learnt. */
  saveScene(key: string): Promise<Uint8Array | null>;
  closeScene(key: string): Promise<void>;
  /** Idempotent; open calls fail with `model/closed`. */
  close(): Promise<void>;
}

export interface LoadOptions {
  /** Computing threads of ONNX Runtime; one by default: two were slower beside a busy neighbour. */
  readonly threads?: number;
  readonly clock?: Clock;
  readonly logger?: Logger;
}

const loadTimeoutMs = 60_000;
const warmPasses = 5;

/**
 * Loads a model: manifest, SHA-256, opset, shapes of inputs and outputs, one pass to warm up, a few to measure.
 * @param path folder with `manifest.json`, or the manifest
 * @throws `model/missing`, `model/manifest-invalid`, `model/hash-mismatch`, `model/broken`, `model/wrong-shape`
 */
export async function loadModel(path: string, options: LoadOptions = {}): Promise<LoadedModel> {
  const { threads = 1, clock = systemClock, logger = silentLogger } = options;
  const startMs = clock.monotonicMs();
  const { manifest, modelPath } = await readManifest(path);
  const thread = new InferenceThread({ modelPath, manifest, threads }, clock);
  try {
    await thread.ready;
    const warmMs = await measure(thread, manifest);
    const loadMs = clock.monotonicMs() - startMs;
    logger.info("model-loaded", { model: manifest.id, sha256: manifest.sha256, loadMs, warmMs, threads });
    return {
      manifest,
      id: manifest.id,
      sha256: manifest.sha256,
      loadMs,
      warmMs,
      detect: (image, detectOptions = {}) => thread.call({ kind: "detect", image, options: detectOptions }),
      describe: (image, regions, setup) => thread.call({ kind: "describe", image, regions, setup }),
      openScene: (key, setup, saved) => thread.call({ kind: "open-scene", key, setup, saved }),
      saveScene: (key) => thread.call({ kind: "save-scene", key }),
      closeScene: async (key) => {
        await thread.call({ kind: "close-scene", key });
      },
      close: () => thread.close(),
    };
  } catch (error) {
    await thread.close();
    throw error;
  }
}

async function measure(thread: InferenceThread, manifest: ModelManifest): Promise<number> {
  const { width, height } = manifest.input;
  const image = { width, height, rgb: new Uint8Array(width * height * 3).fill(114) };
  const times: number[] = [];
  for (let pass = 0; pass < warmPasses; pass += 1) {
    times.push((await thread.call({ kind: "detect", image, options: {} })).durationMs);
  }
  return times.toSorted((a, b) => a - b)[Math.floor(warmPasses / 2)] ?? 0;
}

interface Pending {
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
}

class InferenceThread {
  readonly ready: Promise<void>;
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  #nextId = 0;
  #ended: FrostlightError | undefined;

  constructor(setup: WorkerSetup, clock: Clock) {
    this.#worker = new Worker(new URL("./inference-worker.ts", import.meta.url), {
      workerData: setup,
      name: `model ${setup.manifest.id}`,
      resourceLimits: { maxOldGenerationSizeMb: 96, maxYoungGenerationSizeMb: 16 },
    });
    this.ready = new Promise((resolve, reject) => {
      const cancel = clock.after(loadTimeoutMs, () => {
        this.#end(new FrostlightError("model/broken", "config", `model ${setup.manifest.id} did not load in a minute`));
      });
      this.#worker.on("message", (message: WorkerReply) => {
        if (message.kind === "ready") {
          cancel();
          resolve();
        } else if (message.kind === "failed") {
          this.#end(restore(message.error));
        } else {
          this.#settle(message);
        }
      });
      this.#worker.once("error", (error) => {
        this.#end(new FrostlightError("model/failed", "bug", `inference thread: ${describeError(error)}`));
      });
      this.#worker.once("exit", () => {
        cancel();
        this.#end(new FrostlightError("model/closed", "bug", `model ${setup.manifest.id} is closed`));
        reject(this.#ended ?? new Error("ended"));
      });
    });
    this.ready.catch(() => undefined); // reported by whoever awaits it
  }

  call<C extends WorkerCall>(call: C): Promise<WorkerAnswers[C["kind"]]> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    const id = this.#nextId;
    this.#nextId += 1;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread, not a window
      this.#worker.postMessage({ id, call });
    });
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  #settle(message: Extract<WorkerReply, { id: number }>): void {
    const pending = this.#pending.get(message.id);
    this.#pending.delete(message.id);
    if (message.kind === "error") pending?.reject(restore(message.error));
    else pending?.resolve(message.value as never); // the protocol pairs each call with its answer
  }

  #end(reason: FrostlightError): void {
    if (this.#ended !== undefined) return;
    this.#ended = reason;
    for (const { reject } of this.#pending.values()) reject(reason);
    this.#pending.clear();
    void this.#worker.terminate();
  }
}

function restore(error: PlainError): FrostlightError {
  return new FrostlightError(error.code, error.fault, error.message);
}
