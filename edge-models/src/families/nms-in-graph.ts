import { Candidates } from "./candidates.ts";
import { isTable, type ModelFamily, rowsOf } from "./family.ts";

/**
 * Exports that suppress repetitions themselves (YOLOv10, YOLO26, `nms=True`, YOLOv7 `--end2end`): one row a box, [1, boxes, 6]
 * or [boxes, 6]: left, top, right, bottom in input pixels, score, class; or 7 columns with the picture's number first. Rows
 * that only fill up have a score of 0 or a class below 0.
 */
export const nmsInGraph: ModelFamily<"nms-in-graph", { detections: string }> = {
  kind: "nms-in-graph",
  roles: ["detections"],
  decoding: ["boxes", "units", "columns", "firstClass"],
  check({ detections }, _classCount, { columns } = {}) {
    const count = columns === "batch-box-class-score" ? 7 : 6;
    if (isTable(detections, count)) return undefined;
    const hint = detections.at(-1) === 7 ? "; for 7 columns set decoding.columns to batch-box-class-score" : "";
    return `output detections must be [1, boxes, ${count}], found [${detections.join(", ")}]${hint}`;
  },
  decode({ detections }, settings) {
    const { columns = "box-score-class", firstClass = 0 } = settings;
    const count = columns === "batch-box-class-score" ? 7 : 6;
    const rows = rowsOf(detections, count, "detections");
    const start = count - 6;
    const [scoreAt, classAt] = columns === "box-score-class" ? [4, 5] : [start + 5, start + 4];
    const { data } = detections;
    const found = new Candidates(settings, "xyxy");
    for (let row = 0; row < rows; row += 1) {
      const at = row * count;
      const edge = (index: number): number => data[at + index] ?? 0;
      if (start === 1 && edge(0) !== 0) continue;
      const classIndex = Math.round(edge(classAt)) - firstClass;
      found.add(edge(start), edge(start + 1), edge(start + 2), edge(start + 3), classIndex, edge(scoreAt));
    }
    return found.all();
  },
};
