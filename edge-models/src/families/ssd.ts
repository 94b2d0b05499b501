import { Candidates, toProbabilities } from "./candidates.ts";
import {
  type Decoding,
  isTable,
  type KnownShape,
  type ModelFamily,
  type OutputTensor,
  rowsOf,
  wrongShape,
} from "./family.ts";

/**
 * SSD and what is exported like it (RFB and other face detectors): scores [1, boxes, background + classes] and decoded boxes
 * [1, boxes, 4]. By default corners in fractions of the input, probabilities, background in the first column. For one class
 * without background scores may be [1, boxes].
 */
export const ssd: ModelFamily<"ssd", { scores: string; boxes: string }> = {
  kind: "ssd",
  roles: ["scores", "boxes"],
  aliases: { scores: ["confidence", "cls_branch_concat"], boxes: ["locations", "loc_branch_concat"] },
  decoding: ["boxes", "units", "scores", "background"],
  check({ scores, boxes }, classCount, decoding = {}) {
    const columns = columnsOf(classCount, decoding);
    const isFlat = columns === 1 && isTable([...scores, 1], 1);
    if (!isTable(scores, columns) && !isFlat) {
      const column = decoding.background === "none" ? "no background" : "the background's column";
      return `output scores must be [1, boxes, ${columns}] (${classCount} classes, ${column}), found [${scores.join(", ")}]`;
    }
    return isTable(boxes, 4) ? undefined : `output boxes must be [1, boxes, 4], found [${boxes.join(", ")}]`;
  },
  decode({ scores, boxes }, settings) {
    const columns = columnsOf(settings.classCount, settings);
    const rows = rowsOf(boxes, 4, "boxes");
    if (rowsOf(asTable(scores, columns), columns, "scores") !== rows) {
      throw wrongShape(
        `outputs came as [${scores.shape.join(", ")}] and [${boxes.shape.join(", ")}], expected as many rows`,
      );
    }
    const first = (settings.background ?? "first") === "first" ? 1 : 0;
    const row = new Float32Array(columns);
    const found = new Candidates(settings, "xyxy", "fraction");
    for (let box = 0; box < rows; box += 1) {
      const edge = (index: number): number => boxes.data[box * 4 + index] ?? 0;
      toProbabilities(scores.data, box * columns, columns, settings.scores ?? "probability", row);
      for (let classIndex = 0; classIndex < settings.classCount; classIndex += 1) {
        found.add(edge(0), edge(1), edge(2), edge(3), classIndex, row[classIndex + first] ?? 0);
      }
    }
    return found.suppressed();
  },
};

function columnsOf(classCount: number, { background = "first" }: Decoding): number {
  return classCount + (background === "none" ? 0 : 1);
}

/** Scores of a single class may come without their last axis. */
function asTable(scores: OutputTensor, columns: number): OutputTensor {
  const isFlat: boolean = columns === 1 && !isTable(scores.shape satisfies KnownShape, 1);
  return isFlat ? { ...scores, shape: [...scores.shape, 1] } : scores;
}
