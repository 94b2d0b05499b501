import { Candidates } from "./candidates.ts";
import { type ModelFamily, rowsOf, wrongShape } from "./family.ts";
import { checkRowsWithObjectness } from "./yolo-rows.ts";

const strides = [8, 16, 32] as const;

/**
 * YOLOX (arXiv 2107.08430) as exported without its decoder: [1, cells, 5 + classes], cells of strides 8, 16 and 32 row by
 * row; x and y are offsets in cells, width and height logarithms in cells, objectness and classes probabilities.
 */
export const yoloxRaw: ModelFamily<"yolox-raw", { grid: string }> = {
  kind: "yolox-raw",
  roles: ["grid"],
  check: ({ grid }, classCount) => checkRowsWithObjectness(grid, classCount),
  decode({ grid }, settings) {
    const { inputWidth, inputHeight, classCount, minScore } = settings;
    const columns = 5 + classCount;
    const cells = strides.reduce(
      (sum, stride) => sum + Math.floor(inputWidth / stride) * Math.floor(inputHeight / stride),
      0,
    );
    if (rowsOf(grid, columns, "grid") !== cells) {
      const size = `${inputWidth} × ${inputHeight}`;
      throw wrongShape(
        `output grid came as [${grid.shape.join(", ")}], expected ${cells} cells for an input of ${size}`,
      );
    }
    const { data } = grid;
    const found = new Candidates(settings, "cxcywh");
    let at = 0;
    for (const stride of strides) {
      const across = Math.floor(inputWidth / stride);
      const down = Math.floor(inputHeight / stride);
      for (let y = 0; y < down; y += 1) {
        for (let x = 0; x < across; x += 1, at += columns) {
          const objectness = data[at + 4] ?? 0;
          if (!(objectness >= minScore)) continue;
          const centreX = ((data[at] ?? 0) + x) * stride;
          const centreY = ((data[at + 1] ?? 0) + y) * stride;
          const width = Math.exp(data[at + 2] ?? 0) * stride;
          const height = Math.exp(data[at + 3] ?? 0) * stride;
          for (let classIndex = 0; classIndex < classCount; classIndex += 1) {
            const score = objectness * (data[at + 5 + classIndex] ?? 0);
            if (score >= minScore) found.add(centreX, centreY, width, height, classIndex, score);
          }
        }
      }
    }
    return found.suppressed();
  },
};
