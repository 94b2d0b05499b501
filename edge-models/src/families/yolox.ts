import { type Candidate, suppress } from "../boxes.ts";
import type { DecodeSettings, ModelFamily, OutputTensor } from "./family.ts";

const strides = [8, 16, 32] as const;
const limit = 100;

/**
 * YOLOX (arXiv 2107.08430) as exported without its decoder: [1, cells, 5 + classes], cells of strides 8, 16 and 32 row by
 * row; x and y are offsets in cells, width and height logarithms in cells, objectness and classes probabilities.
 */
export const yolox: ModelFamily<"yolox-raw", { grid: string }> = {
  kind: "yolox-raw",
  roles: ["grid"],
  check({ grid }, classCount) {
    if (grid.length === 3 && grid[2] === 5 + classCount) return undefined;
    return `output grid must be [1, cells, ${5 + classCount}], found [${grid.join(", ")}]`;
  },
  decode({ grid }, settings) {
    return suppress(candidates(grid, settings), settings.maxOverlap, limit);
  },
};

function candidates(grid: OutputTensor, settings: DecodeSettings): Candidate[] {
  const columns = 5 + settings.classCount;
  const { data } = grid;
  const found: Candidate[] = [];
  let row = 0;
  for (const stride of strides) {
    const across = Math.floor(settings.inputWidth / stride);
    const down = Math.floor(settings.inputHeight / stride);
    for (let y = 0; y < down; y += 1) {
      for (let x = 0; x < across; x += 1, row += 1) {
        const at = row * columns;
        const objectness = data[at + 4] ?? 0;
        if (objectness < settings.minScore) continue;
        const centreX = ((data[at] ?? 0) + x) * stride;
        const centreY = ((data[at + 1] ?? 0) + y) * stride;
        const halfWidth = (Math.exp(data[at + 2] ?? 0) * stride) / 2;
        const halfHeight = (Math.exp(data[at + 3] ?? 0) * stride) / 2;
        for (let classIndex = 0; classIndex < settings.classCount; classIndex += 1) {
          const score = objectness * (data[at + 5 + classIndex] ?? 0);
          if (score < settings.minScore) continue;
          found.push({
            left: centreX - halfWidth,
            top: centreY - halfHeight,
            right: centreX + halfWidth,
            bottom: centreY + halfHeight,
            classIndex,
            score,
          });
        }
      }
    }
  }
  return found;
}
