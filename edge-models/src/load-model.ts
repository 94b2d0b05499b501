import { dirname, resolve, sep } from "node:path";

import { type Clock, type Logger, silentLogger, systemClock } from "@frostlight/kernel";

import { defaultModelFolder } from "./default-model.ts";
import type { DetectOptions, DetectResult, SceneOpened, SceneSetup } from "./engine.ts";
import type { DescriptorSetup, Region } from "./heads/descriptor.ts";
import { InferenceThread } from "./inference-thread.ts";
import { licenceWarning, type ModelManifest, readManifest } from "./manifest.ts";
import { tryModel, type TrialLimits } from "./model-trial.ts";
import { drawInput, placePicture } from "./network-input.ts";
import type { RgbImage } from "./picture.ts";

/** A model that is ready, in a thread of its own. Calls are answered in order; callers may overlap. */
export interface LoadedModel {
  readonly manifest: ModelManifest;
  readonly id: string;
  readonly sha256: string;
  readonly loadMs: number;
  /** Median of a few passes over a grey picture at the manifest's size. */
  readonly warmMs: number;
  /** False: denormal numbers may make this model several times slower. */
  readonly flushesDenormals: boolean;
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
  /**
   * How much the computing threads stand back behind the rest of the machine, 0 (by default) to 19 as of nice(2). Where sensors
   * are served beside, they must not wait for a picture. Linux only.
   */
  readonly niceness?: number;
  readonly clock?: Clock;
  readonly logger?: Logger;
  /** Of the trial that a model gets which is not shipped. */
  readonly trial?: TrialLimits;
}

const warmPasses = 5;
const shippedFolder = dirname(defaultModelFolder) + sep;

/**
 * Loads a model: manifest, SHA-256, opset, shapes of inputs and outputs, one pass to warm up, a few to measure. What is not
 * shipped runs in a process of its own first: native code that hangs, crashes or eats memory cannot be stopped in a thread.
 * @param path folder with `manifest.json`, or the manifest
 * @throws `model/missing`, `model/manifest-invalid`, `model/hash-mismatch`, `model/too-large`, `model/broken`,
 *   `model/unsupported`, `model/wrong-shape`, `model/hangs`, `model/too-hungry`, `model/crashed`
 */
export async function loadModel(path: string, options: LoadOptions = {}): Promise<LoadedModel> {
  const { threads = 1, niceness = 0, clock = systemClock, logger = silentLogger } = options;
  const startMs = clock.monotonicMs();
  const { manifest, modelPath } = await readManifest(path);
  const warning = licenceWarning(manifest.licence);
  if (warning !== undefined) logger.warn("model-licence", { model: manifest.id, warning });
  const setup = { modelPath, manifest, threads, niceness };
  if (!resolve(modelPath).startsWith(shippedFolder)) await tryModel(setup, options.trial);
  const thread = new InferenceThread(setup);
  try {
    const { flushesDenormals } = await thread.ready;
    if (!flushesDenormals) logger.warn("denormals-not-flushed", { model: manifest.id });
    const warmMs = await measure(thread, manifest);
    const loadMs = clock.monotonicMs() - startMs;
    logger.info("model-loaded", { model: manifest.id, sha256: manifest.sha256, loadMs, warmMs, threads });
    return {
      manifest,
      id: manifest.id,
      sha256: manifest.sha256,
      loadMs,
      warmMs,
      flushesDenormals,
      detect: (image, detectOptions = {}) => detect(thread, manifest, image, detectOptions),
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

/**
 * The picture is brought to the network's size here, so that the network's thread does nothing but compute. A scene memory
 * that is learning wants the picture itself.
 */
async function detect(
  thread: InferenceThread,
  manifest: ModelManifest,
  image: RgbImage,
  options: DetectOptions,
): Promise<DetectResult> {
  if (options.scene !== undefined) return thread.call({ kind: "detect", image, options });
  const startMs = performance.now();
  const input = drawInput(manifest.input, image, placePicture(manifest.input, image), thread.spare());
  const drawnMs = performance.now() - startMs;
  const result = await thread.call({ kind: "detect-input", input, options }, [input.pixels.buffer]);
  return { ...result, durationMs: result.durationMs + drawnMs };
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
