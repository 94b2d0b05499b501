import { Candidates } from "./candidates.ts";
import { isTable, type KnownShape, type ModelFamily, wrongShape } from "./family.ts";

/**
 * YOLOv8, YOLOv9 and YOLO11: [1, 4 + classes, boxes], row by row centre x, centre y, width, height in input pixels, then one
 * probability a class; no objectness. Exports with the last two axes swapped are understood too.
 */
export const yolov8: ModelFamily<"yolov8", { grid: string }> = {
  kind: "yolov8",
  roles: ["grid"],
  decoding: ["boxes", "units"],
  check({ grid }, classCount) {
    if (axisOf(grid, 4 + classCount) !== undefined) return undefined;
    const hint =
      isTable(grid, 5 + classCount) && grid[1] !== 4 + classCount ? "; this looks like family yolov5 or yolox" : "";
    return `output grid must be [1, ${4 + classCount}, boxes] for ${classCount} classes, found [${grid.join(", ")}]${hint}`;
  },
  decode({ grid }, settings) {
    const rows = 4 + settings.classCount;
    const axis = axisOf(grid.shape, rows);
    if (axis === undefined)
      throw wrongShape(`output grid came as [${grid.shape.join(", ")}], expected [1, ${rows}, boxes]`);
    const boxes = grid.shape[3 - axis] ?? 0;
    // steps to the next number of a box, and to the next box
    const [inner, outer] = axis === 1 ? [boxes, 1] : [1, rows];
    const { data } = grid;
    const found = new Candidates(settings, "cxcywh");
    for (let classIndex = 0; classIndex < settings.classCount; classIndex += 1) {
      for (let box = 0; box < boxes; box += 1) {
        const at = box * outer;
        const score = data[at + (4 + classIndex) * inner] ?? 0;
        if (!(score >= settings.minScore)) continue;
        const edge = (index: number): number => data[at + index * inner] ?? 0;
        found.add(edge(0), edge(1), edge(2), edge(3), classIndex, score);
      }
    }
    return found.suppressed();
  },
};

/** Which axis holds the numbers of a box. When both could, the first, as it is exported. */
function axisOf(shape: KnownShape, rows: number): 1 | 2 | undefined {
  if (shape.length !== 3 || (typeof shape[0] === "number" && shape[0] !== 1)) return undefined;
  if (shape[1] === rows) return 1;
  if (shape[2] === rows) return 2;
  // a free axis: known after the first run
  return typeof shape[1] === "string" ? 1 : undefined;
}
