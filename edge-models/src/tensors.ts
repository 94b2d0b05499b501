import type { Tensor } from "onnxruntime-node";

import { type OutputTensor, wrongShape } from "./families/family.ts";
import type { ModelManifest } from "./manifest.ts";
import type { ExtraInput, ModelOutline } from "./model-outline.ts";
import type { Onnx } from "./runtime.ts";

type Input = ModelManifest["input"];

/** Pictures as a network takes them. The buffers are kept between calls: one call at a time. */
export class InputTensors {
  readonly #onnx: Onnx;
  readonly #input: Input;
  readonly #outline: ModelOutline;
  #planes = new Uint8Array(0);
  #floats = new Float32Array(0);

  constructor(onnx: Onnx, input: Input, outline: ModelOutline) {
    this.#onnx = onnx;
    this.#input = input;
    this.#outline = outline;
  }

  /** @param pixels interleaved RGB of the whole input */
  feeds(pixels: Uint8Array, width: number, height: number): Record<string, Tensor> {
    const feeds: Record<string, Tensor> = { [this.#outline.inputName]: this.#picture(pixels, width, height) };
    for (const extra of this.#outline.extra) feeds[extra.name] = this.#extra(extra, width, height);
    return feeds;
  }

  #picture(pixels: Uint8Array, width: number, height: number): Tensor {
    const { layout, colour } = this.#input;
    const isPlanar = layout.startsWith("nchw");
    const dims = isPlanar ? [1, 3, height, width] : [1, height, width, 3];
    if (layout === "nhwc-uint8" && colour === "rgb") return new this.#onnx.Tensor("uint8", pixels, dims);
    if (layout === "nhwc-uint8" || layout === "nchw-uint8") {
      if (this.#planes.length !== pixels.length) this.#planes = new Uint8Array(pixels.length);
      reorder(pixels, this.#planes, isPlanar, { colour, mean: [0, 0, 0], std: [1, 1, 1] });
      return new this.#onnx.Tensor("uint8", this.#planes, dims);
    }
    if (this.#floats.length !== pixels.length) this.#floats = new Float32Array(pixels.length);
    reorder(pixels, this.#floats, isPlanar, this.#input);
    return layout === "nchw-float16"
      ? halfTensor(this.#onnx, this.#floats, dims)
      : new this.#onnx.Tensor("float32", this.#floats, dims);
  }

  #extra({ type, dims, holds }: ExtraInput, width: number, height: number): Tensor {
    const count = dims.reduce((product, size) => product * size, 1);
    const values =
      holds === "ones"
        ? Array.from({ length: count }, () => 1)
        : holds === "width-height"
          ? [width, height]
          : [height, width];
    if (type === "int64") return new this.#onnx.Tensor("int64", BigInt64Array.from(values, BigInt), dims);
    if (type === "int32") return new this.#onnx.Tensor("int32", Int32Array.from(values), dims);
    if (type === "float16") return halfTensor(this.#onnx, Float32Array.from(values), dims);
    if (type === "float64") return new this.#onnx.Tensor("float64", Float64Array.from(values), dims);
    return new this.#onnx.Tensor("float32", Float32Array.from(values), dims);
  }
}

/** Interleaved RGB bytes → channel order, planes, mean and deviation as the network wants them. */
function reorder(
  pixels: Uint8Array,
  target: Float32Array | Uint8Array,
  isPlanar: boolean,
  { colour, mean, std }: Pick<Input, "colour" | "mean" | "std">,
): void {
  const count = pixels.length / 3;
  for (let plane = 0; plane < 3; plane += 1) {
    const channel = colour === "rgb" ? plane : 2 - plane;
    const shift = mean[plane] ?? 0;
    const factor = 1 / (std[plane] ?? 1);
    const [start, step] = isPlanar ? [plane * count, 1] : [plane, 3];
    for (let at = 0; at < count; at += 1) {
      target[start + at * step] = ((pixels[at * 3 + channel] ?? 0) - shift) * factor;
    }
  }
}

/**
 * onnxruntime-node 1.30 counts the bytes of a Float16Array as 0, and makes one of whatever it is given for a half tensor (its
 * pull request 32323). So the bits go in as whole numbers, and are called half floats afterwards.
 */
function halfTensor(onnx: Onnx, values: Float32Array, dims: readonly number[]): Tensor {
  const bits = new Uint16Array(new Float16Array(values).buffer);
  return Object.defineProperty(new onnx.Tensor("uint16", bits, dims), "type", { value: "float16" });
}

/** An output as the families take it. Labels are far from the end of int32; anything beyond is taken to it. */
export function readTensor(tensor: Tensor | undefined, name: string): OutputTensor {
  const data: unknown = tensor?.data;
  const shape = tensor?.dims ?? [];
  if (data instanceof Float32Array || data instanceof Int32Array) return { shape, data };
  if (data instanceof BigInt64Array) return { shape, data: Int32Array.from(data, toInt32) };
  if (data instanceof Float64Array || data instanceof Float16Array) return { shape, data: Float32Array.from(data) };
  if (data instanceof Uint16Array && tensor?.type === "float16") {
    return { shape, data: Float32Array.from(new Float16Array(data.buffer, data.byteOffset, data.length)) };
  }
  if (data instanceof Uint8Array) return { shape, data: Int32Array.from(data) };
  throw wrongShape(`output ${name} is ${tensor?.type ?? "missing"}, expected numbers`);
}

function toInt32(value: bigint): number {
  return Number(value > 2_147_483_647n ? 2_147_483_647n : value < -2_147_483_648n ? -2_147_483_648n : value);
}
