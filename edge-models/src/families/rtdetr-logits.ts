import { Candidates, toProbabilities } from "./candidates.ts";
import { isTable, type ModelFamily, rowsOf, wrongShape } from "./family.ts";

/**
 * RT-DETR, D-FINE, DEIM and DETR exported without their post-processor: logits [1, boxes, classes] and boxes [1, boxes, 4],
 * centre and size in fractions of the input. Scores are sigmoids; DETR's own are a softmax whose last column is "nothing"
 * (`scores: softmax`, `background: last`).
 */
export const rtdetrLogits: ModelFamily<"rtdetr-logits", { logits: string; boxes: string }> = {
  kind: "rtdetr-logits",
  roles: ["logits", "boxes"],
  aliases: { logits: ["pred_logits", "scores"], boxes: ["pred_boxes"] },
  decoding: ["boxes", "units", "scores", "background"],
  check({ logits, boxes }, classCount, { background = "none" } = {}) {
    const columns = classCount + (background === "none" ? 0 : 1);
    if (!isTable(logits, columns)) {
      const hint = logits.at(-1) === columns + 1 ? "; one more column: set decoding.background" : "";
      return `output logits must be [1, boxes, ${columns}], found [${logits.join(", ")}]${hint}`;
    }
    return isTable(boxes, 4) ? undefined : `output boxes must be [1, boxes, 4], found [${boxes.join(", ")}]`;
  },
  decode({ logits, boxes }, settings) {
    const { classCount, background = "none", scores = "logit" } = settings;
    const columns = classCount + (background === "none" ? 0 : 1);
    const rows = rowsOf(boxes, 4, "boxes");
    if (rowsOf(logits, columns, "logits") !== rows) {
      throw wrongShape(
        `outputs came as [${logits.shape.join(", ")}] and [${boxes.shape.join(", ")}], expected as many rows`,
      );
    }
    const first = background === "first" ? 1 : 0;
    const row = new Float32Array(columns);
    const found = new Candidates(settings, "cxcywh", "fraction");
    for (let box = 0; box < rows; box += 1) {
      const edge = (index: number): number => boxes.data[box * 4 + index] ?? 0;
      toProbabilities(logits.data, box * columns, columns, scores, row);
      for (let classIndex = 0; classIndex < classCount; classIndex += 1) {
        found.add(edge(0), edge(1), edge(2), edge(3), classIndex, row[classIndex + first] ?? 0);
      }
    }
    return found.all();
  },
};
