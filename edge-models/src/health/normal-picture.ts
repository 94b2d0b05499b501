import { z } from "zod";

import type { PictureMeasures } from "./measures.ts";
import type { GridMap } from "./shift.ts";

/** What is usual in one kind of light: by colour, or without (infra-red at night). */
export class NormalPicture {
  readonly monochrome: boolean;
  /** Frames it was learnt from. */
  learnt = 0;
  sharpness = 0;
  mean = 0;
  deviation = 0;
  clipped = 0;
  /** Null until two frames in a row were seen. */
  noise: number | null = null;
  /** How like the edges of a normal frame are to those learnt. */
  likeness: number | null = null;
  cells: Float32Array | undefined;
  shape: Float32Array | undefined;
  edges: GridMap | undefined;

  constructor(monochrome: boolean) {
    this.monochrome = monochrome;
  }

  /** @param weight of this frame against what was learnt, 0..1 */
  learn(seen: PictureMeasures, noise: number | null, likeness: number | null, weight: number): void {
    this.learnt += 1;
    this.sharpness += (seen.sharpness - this.sharpness) * weight;
    this.mean += (seen.mean - this.mean) * weight;
    this.deviation += (seen.deviation - this.deviation) * weight;
    this.clipped += (seen.clipped - this.clipped) * weight;
    if (noise !== null) this.noise = this.noise === null ? noise : this.noise + (noise - this.noise) * weight;
    if (likeness !== null) {
      this.likeness = this.likeness === null ? likeness : this.likeness + (likeness - this.likeness) * weight;
    }
    this.cells = blend(this.cells, seen.cells, weight);
    this.shape = blend(this.shape, seen.shape, weight);
    this.edges = { ...seen.edges, values: blend(this.edges?.values, seen.edges.values, weight) };
  }

  save(): SavedNormalPicture | null {
    if (this.cells === undefined || this.shape === undefined || this.edges === undefined) return null;
    const { monochrome, learnt, sharpness, mean, deviation, clipped, noise, likeness, edges } = this;
    return {
      monochrome,
      learnt,
      sharpness,
      mean,
      deviation,
      clipped,
      noise,
      likeness,
      cells: encode(this.cells),
      shape: encode(this.shape),
      edges: { width: edges.width, height: edges.height, values: encode(edges.values) },
    };
  }

  static restore(saved: SavedNormalPicture): NormalPicture {
    const picture = new NormalPicture(saved.monochrome);
    const { learnt, sharpness, mean, deviation, clipped, noise, likeness, edges } = saved;
    Object.assign(picture, { learnt, sharpness, mean, deviation, clipped, noise, likeness });
    picture.cells = decode(saved.cells);
    picture.shape = decode(saved.shape);
    picture.edges = { width: edges.width, height: edges.height, values: decode(edges.values) };
    return picture;
  }
}

const floats = z.base64();
export const savedNormalPicture = z.object({
  monochrome: z.boolean(),
  learnt: z.int().min(1),
  sharpness: z.number(),
  mean: z.number(),
  deviation: z.number(),
  clipped: z.number(),
  noise: z.number().nullable(),
  likeness: z.number().nullable(),
  cells: floats,
  shape: floats,
  edges: z.object({ width: z.int().positive(), height: z.int().positive(), values: floats }),
});
export type SavedNormalPicture = z.output<typeof savedNormalPicture>;

function encode(values: Float32Array): string {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString("base64");
}

function decode(text: string): Float32Array {
  const bytes = Uint8Array.from(Buffer.from(text, "base64"));
  return new Float32Array(bytes.buffer, 0, Math.floor(bytes.length / 4));
}

/** In place. `as number`: both are as long. */
function blend(normal: Float32Array | undefined, now: Float32Array, weight: number): Float32Array {
  if (normal?.length !== now.length) return now.slice();
  for (let at = 0; at < normal.length; at += 1) {
    const value = normal[at] as number;
    normal[at] = value + ((now[at] as number) - value) * weight;
  }
  return normal;
}
