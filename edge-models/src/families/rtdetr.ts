import { Candidates } from "./candidates.ts";
import { fits, isTable, type KnownShape, type ModelFamily, rowsOf, wrongShape } from "./family.ts";

/**
 * RT-DETR, D-FINE and DEIM exported with their post-processor: labels [1, boxes], boxes [1, boxes, 4], scores [1, boxes];
 * nothing is found twice. Boxes are in pixels of the size handed in as `orig_target_sizes` (see `input.extra` of the
 * manifest), which is the input's. Detectors of the TensorFlow Object Detection API come in the same three outputs
 * (`yxyx`, fractions, `firstClass: 1`).
 */
export const rtdetr: ModelFamily<"rtdetr", { labels: string; boxes: string; scores: string }> = {
  kind: "rtdetr",
  roles: ["labels", "boxes", "scores"],
  aliases: { labels: ["detection_classes", "classes"], boxes: ["detection_boxes"], scores: ["detection_scores"] },
  decoding: ["boxes", "units", "firstClass"],
  check({ labels, boxes, scores }) {
    for (const [role, shape] of Object.entries({ labels, scores })) {
      if (!isList(shape)) return `output ${role} must be [1, boxes], found [${shape.join(", ")}]`;
    }
    return isTable(boxes, 4) ? undefined : `output boxes must be [1, boxes, 4], found [${boxes.join(", ")}]`;
  },
  decode({ labels, boxes, scores }, settings) {
    const rows = rowsOf(boxes, 4, "boxes");
    if (labels.data.length !== rows || scores.data.length !== rows) {
      const found = `${labels.data.length} labels, ${rows} boxes and ${scores.data.length} scores`;
      throw wrongShape(`outputs came with ${found}, expected as many of each`);
    }
    const { firstClass = 0 } = settings;
    const found = new Candidates(settings, "xyxy");
    for (let row = 0; row < rows; row += 1) {
      const edge = (index: number): number => boxes.data[row * 4 + index] ?? 0;
      const classIndex = Math.round(labels.data[row] ?? -1) - firstClass;
      found.add(edge(0), edge(1), edge(2), edge(3), classIndex, scores.data[row] ?? 0);
    }
    return found.all();
  },
};

function isList(shape: KnownShape): boolean {
  return shape.length === 1 || (shape.length === 2 && fits(shape[0], 1));
}
