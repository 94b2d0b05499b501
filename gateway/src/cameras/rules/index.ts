import { createRegistry, type Registry } from "@frostlight/kernel";

import type { CameraRuleDefinition } from "./camera-rule.ts";
import { closedZone } from "./closed-zone.ts";
import { unusualScene } from "./unusual-scene.ts";

/** What cameras are asked to find; a new kind is one new file and one line here. */
export const cameraRuleRegistry: Registry<CameraRuleDefinition> = createRegistry<CameraRuleDefinition>("camera rules", [
  closedZone,
  unusualScene,
]);
