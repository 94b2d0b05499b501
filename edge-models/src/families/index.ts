import { createRegistry, type Registry } from "@frostlight/kernel/registry";

import { centernet } from "./centernet.ts";
import type { ModelFamily } from "./family.ts";
import { yolox } from "./yolox.ts";

/** Every kind of network whose outputs are understood. */
export const modelFamilies: Registry<ModelFamily> = createRegistry<ModelFamily>("model families", [centernet, yolox]);
