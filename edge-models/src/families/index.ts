import { createRegistry, type Registry } from "@frostlight/kernel/registry";

import { centerface } from "./centerface.ts";
import { centernet } from "./centernet.ts";
import type { ModelFamily } from "./family.ts";
import { nanodet } from "./nanodet.ts";
import { nmsInGraph } from "./nms-in-graph.ts";
import { rtdetrLogits } from "./rtdetr-logits.ts";
import { rtdetr } from "./rtdetr.ts";
import { ssd } from "./ssd.ts";
import { yolov5 } from "./yolov5.ts";
import { yolov8 } from "./yolov8.ts";
import { yoloxRaw } from "./yolox-raw.ts";
import { yolox } from "./yolox.ts";
import { yunet } from "./yunet.ts";

/** Every kind of network whose outputs are understood. */
export const modelFamilies: Registry<ModelFamily> = createRegistry<ModelFamily>("model families", [
  centerface,
  centernet,
  nanodet,
  nmsInGraph,
  rtdetr,
  rtdetrLogits,
  ssd,
  yolov5,
  yolov8,
  yolox,
  yoloxRaw,
  yunet,
]);
