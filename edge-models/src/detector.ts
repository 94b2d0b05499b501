import { FrostlightError } from "@frostlight/kernel/errors";
import type { Tensor } from "onnxruntime-node";

import type { OutputTensor } from "./families/family.ts";
import { modelFamilies } from "./families/index.ts";
import { letterbox, type Placement, toPicture } from "./letterbox.ts";
import type { ModelManifest } from "./manifest.ts";
import { drawInput, type NetworkInput } from "./network-input.ts";
import type { DetectedBox, FeatureMap, RgbImage } from "./picture.ts";
import { type OpenedModel, openModel } from "./runtime.ts";
import { InputTensors, readTensor } from "./tensors.ts";

export interface Detection {
  readonly boxes: readonly DetectedBox[];
  /** Only when asked for. */
  readonly features: readonly FeatureMap[];
  readonly placement: Placement;
}

type Layer = ModelManifest["features"][number];

/**
 * A model in this thread: picture in, boxes and features out. One call at a time: the input's buffer is kept between calls.
 */
export class Detector {
  readonly #model: OpenedModel;
  readonly #manifest: ModelManifest;
  readonly #inputs: InputTensors;
  /** Those that are also of use for a whole frame. */
  readonly #frameLayers: readonly Layer[];
  #spare: ArrayBuffer | undefined;

  constructor(model: OpenedModel, manifest: ModelManifest) {
    this.#model = model;
    this.#manifest = manifest;
    this.#frameLayers = manifest.features.filter(({ use }) => use === "all");
    this.#inputs = new InputTensors(model.onnx, manifest.input, model.outline);
  }

  /** @param minScore boxes below are left out; the manifest's threshold by default */
  async detect(image: RgbImage, wantFeatures: boolean, minScore?: number): Promise<Detection> {
    return this.detectInput(this.#prepare(image), wantFeatures, minScore);
  }

  /** Of a picture that was drawn into the network's input elsewhere. */
  async detectInput(
    input: NetworkInput,
    wantFeatures: boolean,
    minScore = this.#manifest.thresholds.score,
  ): Promise<Detection> {
    const { placement } = input;
    const outputs = await this.#run(input, wantFeatures ? this.#frameLayers : []);
    const read = (name: string): OutputTensor => readTensor(outputs[name], name);
    const roles = Object.entries(this.#model.outline.outputs).map(([role, name]) => [role, read(name)] as const);
    const candidates = modelFamilies.get(this.#manifest.family).decode(Object.fromEntries(roles), {
      ...this.#manifest.decoding,
      classCount: this.#manifest.classes.length,
      inputWidth: placement.inputWidth,
      inputHeight: placement.inputHeight,
      minScore,
      maxOverlap: this.#manifest.thresholds.overlap,
    });
    const boxes = candidates.map((candidate) => ({
      ...toPicture(candidate, placement),
      label: this.#manifest.classes[candidate.classIndex] ?? "",
      score: candidate.score,
    }));
    return { boxes, features: wantFeatures ? readLayers(this.#frameLayers, read) : [], placement };
  }

  /**
   * The feature maps of a square picture, stretched to `size` pixels where the network takes any size, to its own
   * otherwise.
   * @param strides only the layers of these; all by default
   */
  async describe(square: RgbImage, size: number, strides?: readonly number[]): Promise<readonly FeatureMap[]> {
    const { input } = this.#manifest;
    const [width, height] = input.sizing === "area" ? [size, size] : [input.width, input.height];
    const placement = letterbox(square.width, square.height, width, height, "stretch");
    const layers = this.#manifest.features.filter(({ stride }) => strides?.includes(stride) ?? true);
    const outputs = await this.#run(this.#prepare(square, placement), layers);
    return readLayers(layers, (name) => readTensor(outputs[name], name));
  }

  async close(): Promise<void> {
    await this.#model.session.release();
  }

  #prepare(image: RgbImage, placement?: Placement): NetworkInput {
    const input = drawInput(this.#manifest.input, image, placement, this.#spare);
    this.#spare = input.pixels.buffer;
    return input;
  }

  async #run({ pixels, placement }: NetworkInput, layers: readonly Layer[]): Promise<Readonly<Record<string, Tensor>>> {
    const feeds = this.#inputs.feeds(pixels, placement.inputWidth, placement.inputHeight);
    const { session, outline } = this.#model;
    return session.run(feeds, [...Object.values(outline.outputs), ...layers.map(({ output }) => output)]);
  }
}

function readLayers(layers: readonly Layer[], read: (name: string) => OutputTensor): readonly FeatureMap[] {
  return layers.map(({ output, stride, channels }) => {
    const { shape, data } = read(output);
    if (!(data instanceof Float32Array)) {
      throw new FrostlightError("model/wrong-shape", "config", `output ${output} must be float32`);
    }
    return { stride, channels, width: shape[3] ?? 0, height: shape[2] ?? 0, data };
  });
}

/** Opens a model and runs it once, so that the first picture is not slower than the others. */
export async function openDetector(
  path: string,
  manifest: ModelManifest,
  threads: number,
  flushDenormals = true,
): Promise<Detector> {
  const detector = new Detector(await openModel(path, manifest, threads, flushDenormals), manifest);
  const { width, height } = manifest.input;
  const grey = { width, height, rgb: new Uint8Array(width * height * 3).fill(114) };
  try {
    await detector.detect(grey, true);
  } catch (error) {
    await detector.close();
    if (error instanceof FrostlightError) throw error;
    throw new FrostlightError("model/wrong-shape", "config", `model ${manifest.id} does not run`, { cause: error });
  }
  return detector;
}
