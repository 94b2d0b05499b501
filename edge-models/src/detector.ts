import { FrostlightError } from "@frostlight/kernel/errors";
import type { Tensor } from "onnxruntime-node";

import type { OutputTensor } from "./families/family.ts";
import { modelFamilies } from "./families/index.ts";
import { fitToArea, letterbox, type Placement, toPicture } from "./letterbox.ts";
import type { ModelManifest } from "./manifest.ts";
import type { DetectedBox, FeatureMap, RgbImage } from "./picture.ts";
import { drawLetterboxed } from "./resize.ts";
import { type OpenedModel, openModel } from "./runtime.ts";

export interface Detection {
  readonly boxes: readonly DetectedBox[];
  /** Only when asked for. */
  readonly features: readonly FeatureMap[];
  readonly placement: Placement;
}

/**
 * A model in this thread: picture in, boxes and features out. One call at a time: the input's buffer is kept between calls.
 */
export class Detector {
  readonly #model: OpenedModel;
  readonly #manifest: ModelManifest;
  #pixels = new Uint8Array(0);
  #floats = new Float32Array(0);

  constructor(model: OpenedModel, manifest: ModelManifest) {
    this.#model = model;
    this.#manifest = manifest;
  }

  /** @param minScore boxes below are left out; the manifest's threshold by default */
  async detect(image: RgbImage, wantFeatures: boolean, minScore = this.#manifest.thresholds.score): Promise<Detection> {
    if (image.width < 1 || image.height < 1 || image.rgb.length !== image.width * image.height * 3) {
      const message = `picture of ${image.width} × ${image.height} has ${image.rgb.length} bytes, expected 3 per pixel`;
      throw new FrostlightError("model/bad-picture", "data", message);
    }
    const placement = this.place(image);
    const outputs = await this.#run(this.#prepare(image, placement), wantFeatures);
    const read = (name: string): OutputTensor => readTensor(outputs[name], name);
    const roles = Object.entries(this.#manifest.outputs).map(([role, name]) => [role, read(name)] as const);
    const candidates = modelFamilies.get(this.#manifest.family).decode(Object.fromEntries(roles), {
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
    const features = wantFeatures
      ? this.#manifest.features.map(({ output, stride, channels }): FeatureMap => {
          const { shape, data } = read(output);
          if (!(data instanceof Float32Array)) {
            throw new FrostlightError("model/wrong-shape", "config", `output ${output} must be float32`);
          }
          return { stride, channels, width: shape[3] ?? 0, height: shape[2] ?? 0, data };
        })
      : [];
    return { boxes, features, placement };
  }

  /** Where a picture of this size goes. */
  place(image: Pick<RgbImage, "width" | "height">): Placement {
    const { input } = this.#manifest;
    const size =
      input.sizing === "area"
        ? fitToArea(image.width, image.height, input.width * input.height, input.multipleOf)
        : { width: input.width, height: input.height };
    return letterbox(image.width, image.height, size.width, size.height, input.letterbox.anchor);
  }

  async close(): Promise<void> {
    await this.#model.session.release();
  }

  #prepare(image: RgbImage, placement: Placement): Tensor {
    const { input } = this.#manifest;
    const { inputWidth, inputHeight } = placement;
    const count = inputWidth * inputHeight * 3;
    if (this.#pixels.length !== count) this.#pixels = new Uint8Array(count);
    drawLetterboxed(image, placement, input.letterbox.fill, this.#pixels);
    if (input.layout === "nhwc-uint8") {
      return new this.#model.onnx.Tensor("uint8", this.#pixels, [1, inputHeight, inputWidth, 3]);
    }
    if (this.#floats.length !== count) this.#floats = new Float32Array(count);
    toPlanes(this.#pixels, this.#floats, input);
    return new this.#model.onnx.Tensor("float32", this.#floats, [1, 3, inputHeight, inputWidth]);
  }

  async #run(input: Tensor, wantFeatures: boolean): Promise<Readonly<Record<string, Tensor>>> {
    const { manifest, session } = { manifest: this.#manifest, session: this.#model.session };
    const features = wantFeatures ? manifest.features.map((feature) => feature.output) : [];
    return session.run({ [manifest.input.name]: input }, [...Object.values(manifest.outputs), ...features]);
  }
}

function readTensor(tensor: Tensor | undefined, name: string): OutputTensor {
  const data = tensor?.data;
  if (tensor === undefined || !(data instanceof Float32Array || data instanceof Int32Array)) {
    const message = `output ${name} is ${tensor?.type}, expected float32 or int32`;
    throw new FrostlightError("model/wrong-shape", "config", message);
  }
  return { shape: tensor.dims, data };
}

/** Interleaved RGB bytes → planes of floats, channel order, mean and deviation as the network wants them. */
function toPlanes(
  pixels: Uint8Array,
  planes: Float32Array,
  input: Pick<ModelManifest["input"], "colour" | "mean" | "std">,
): void {
  const count = pixels.length / 3;
  for (let plane = 0; plane < 3; plane += 1) {
    const channel = input.colour === "rgb" ? plane : 2 - plane;
    const mean = input.mean[plane] ?? 0;
    const factor = 1 / (input.std[plane] ?? 1);
    const start = plane * count;
    for (let at = 0; at < count; at += 1) {
      planes[start + at] = ((pixels[at * 3 + channel] ?? 0) - mean) * factor;
    }
  }
}

/** Opens a model and runs it once, so that the first picture is not slower than the others. */
export async function openDetector(path: string, manifest: ModelManifest, threads: number): Promise<Detector> {
  const detector = new Detector(await openModel(path, manifest, threads), manifest);
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
