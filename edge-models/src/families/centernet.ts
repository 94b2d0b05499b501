import { z } from "zod";

import { type Candidate, suppress } from "../boxes.ts";
import type { DecodeSettings, ModelFamily, OutputTensor } from "./family.ts";

const stride = 4;
const limit = 100;

/**
 * CenterNet ("Objects as Points", arXiv 1904.07850) with four distances instead of width and height: `heat`
 * [1, classes, H/4, W/4] holds logits, an object's centre is a local maximum among its eight neighbours; `size`
 * [1, 4, H/4, W/4] holds the distances from there to the left, upper, right and lower edge in input pixels.
 */
export const centernet: ModelFamily<"centernet", { heat: string; size: string }> = {
  kind: "centernet",
  outputs: z.strictObject({ heat: z.string(), size: z.string() }),
  check({ heat, size }, classCount) {
    if (heat.length !== 4 || heat[1] !== classCount) {
      return `output heat must be [1, ${classCount}, height/4, width/4], found [${heat.join(", ")}]`;
    }
    if (size.length !== 4 || size[1] !== 4) {
      return `output size must be [1, 4, height/4, width/4], found [${size.join(", ")}]`;
    }
    return undefined;
  },
  decode({ heat, size }, settings) {
    return suppress(peaks(heat, size, settings), settings.maxOverlap, limit);
  },
};

function peaks(heat: OutputTensor, size: OutputTensor, settings: DecodeSettings): Candidate[] {
  const [, classes = 0, height = 0, width = 0] = heat.shape;
  const plane = height * width;
  const { data } = heat;
  const minLogit = Math.log(settings.minScore / (1 - settings.minScore));
  const found: Candidate[] = [];
  for (let classIndex = 0; classIndex < classes; classIndex += 1) {
    const start = classIndex * plane;
    for (let cell = 0; cell < plane; cell += 1) {
      const logit = data[start + cell] ?? 0;
      if (logit < minLogit) continue;
      const y = Math.floor(cell / width);
      const x = cell - y * width;
      if (!isPeak(data, start, x, y, width, height, logit)) continue;
      const edge = (index: number): number => size.data[index * plane + cell] ?? 0;
      found.push({
        left: x * stride - edge(0),
        top: y * stride - edge(1),
        right: x * stride + edge(2),
        bottom: y * stride + edge(3),
        classIndex,
        score: 1 / (1 + Math.exp(-logit)),
      });
    }
  }
  return found.filter((box) => box.right > box.left && box.bottom > box.top);
}

function isPeak(
  data: Float32Array,
  start: number,
  x: number,
  y: number,
  width: number,
  height: number,
  value: number,
): boolean {
  for (let ny = Math.max(0, y - 1); ny <= Math.min(height - 1, y + 1); ny += 1) {
    for (let nx = Math.max(0, x - 1); nx <= Math.min(width - 1, x + 1); nx += 1) {
      if ((data[start + ny * width + nx] ?? 0) > value) return false;
    }
  }
  return true;
}
