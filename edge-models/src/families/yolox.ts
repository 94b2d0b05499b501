import type { ModelFamily } from "./family.ts";
import { checkRowsWithObjectness, decodeRowsWithObjectness } from "./yolo-rows.ts";

/** YOLOX (arXiv 2107.08430) exported with its decoder: [1, cells, 5 + classes], centre and size in input pixels. */
export const yolox: ModelFamily<"yolox", { grid: string }> = {
  kind: "yolox",
  roles: ["grid"],
  decoding: ["boxes", "units"],
  check: ({ grid }, classCount) => checkRowsWithObjectness(grid, classCount),
  decode: ({ grid }, settings) => decodeRowsWithObjectness(grid, settings),
};
