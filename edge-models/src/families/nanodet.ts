import { Candidates } from "./candidates.ts";
import { type KnownShape, type ModelFamily, rowsOf, wrongShape } from "./family.ts";

/** NanoDet looks from the middle of its cells at three strides, NanoDet-Plus from their corner at four. */
const heads = [
  { strides: [8, 16, 32], middle: 0.5 },
  { strides: [8, 16, 32, 64], middle: 0 },
] as const;
const mostBins = 64;

/**
 * NanoDet and NanoDet-Plus (RangiLyu/nanodet), one output [1, cells, classes + 4 × bins]: probabilities of the classes, then
 * for left, top, right and bottom the logits of a distribution over whole strides, whose mean is the distance of that edge
 * from the cell (Generalized Focal Loss, arXiv 2006.04388). Which of the two it is shows in the number of cells.
 */
export const nanodet: ModelFamily<"nanodet", { grid: string }> = {
  kind: "nanodet",
  roles: ["grid"],
  check({ grid }, classCount) {
    if (grid.length === 3 && (typeof grid[2] === "string" || binsOf(grid, classCount) !== undefined)) return undefined;
    return `output grid must be [1, cells, ${classCount} + 4 × bins], found [${grid.join(", ")}]`;
  },
  decode({ grid }, settings) {
    const { classCount, inputWidth, inputHeight } = settings;
    const bins = binsOf(grid.shape, classCount);
    if (bins === undefined) {
      throw wrongShape(`output grid came as [${grid.shape.join(", ")}], expected ${classCount} classes and 4 × bins`);
    }
    const columns = classCount + 4 * bins;
    const cells = rowsOf(grid, columns, "grid");
    const head = heads.find(({ strides }) => cells === sum(strides.map((stride) => cellsAt(stride, settings))));
    if (head === undefined) {
      throw wrongShape(`output grid has ${cells} cells, which is no NanoDet of ${inputWidth} × ${inputHeight} pixels`);
    }
    const found = new Candidates(settings, "xyxy");
    let row = 0;
    for (const stride of head.strides) {
      const across = Math.ceil(inputWidth / stride);
      const count = cellsAt(stride, settings);
      for (let cell = 0; cell < count; cell += 1, row += columns) {
        const at = row;
        for (let classIndex = 0; classIndex < classCount; classIndex += 1) {
          const score = grid.data[at + classIndex] ?? 0;
          if (!(score >= settings.minScore)) continue;
          const x = ((cell % across) + head.middle) * stride;
          const y = (Math.floor(cell / across) + head.middle) * stride;
          const edge = (index: number): number => meanOf(grid.data, at + classCount + index * bins, bins) * stride;
          found.add(x - edge(0), y - edge(1), x + edge(2), y + edge(3), classIndex, score);
        }
      }
    }
    return found.suppressed();
  },
};

/** Length of the distributions, or undefined when the columns cannot be that. */
function binsOf(shape: KnownShape, classCount: number): number | undefined {
  const bins = (Number(shape.at(-1)) - classCount) / 4;
  return Number.isInteger(bins) && bins >= 2 && bins <= mostBins ? bins : undefined;
}

function cellsAt(stride: number, input: { readonly inputWidth: number; readonly inputHeight: number }): number {
  return Math.ceil(input.inputWidth / stride) * Math.ceil(input.inputHeight / stride);
}

/** Mean of the distribution whose logits these are. */
function meanOf(data: Float32Array | Int32Array, from: number, count: number): number {
  let highest = -Infinity;
  for (let bin = 0; bin < count; bin += 1) highest = Math.max(highest, data[from + bin] ?? -Infinity);
  let total = 0;
  let weighted = 0;
  for (let bin = 0; bin < count; bin += 1) {
    const power = Math.exp((data[from + bin] ?? -Infinity) - highest);
    total += power;
    weighted += power * bin;
  }
  return weighted / total;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
