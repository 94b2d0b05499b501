import type { ModelFamily } from "./family.ts";
import { checkRowsWithObjectness, decodeRowsWithObjectness } from "./yolo-rows.ts";

/** YOLOv5 and YOLOv7 as exported with their detection layer: [1, boxes, 5 + classes], centre and size in input pixels. */
export const yolov5: ModelFamily<"yolov5", { grid: string }> = {
  kind: "yolov5",
  roles: ["grid"],
  decoding: ["boxes", "units"],
  check: ({ grid }, classCount) => checkRowsWithObjectness(grid, classCount),
  decode: ({ grid }, settings) => decodeRowsWithObjectness(grid, settings),
};
