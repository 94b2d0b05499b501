import { createRegistry, type Registry } from "@frostlight/kernel";

import type { CameraRuleDefinition } from "./camera-rule.ts";
import { closedZone } from "./closed-zone.ts";
import { loitering } from "./loitering.ts";
import { mask } from "./mask.ts";
import { ownModel } from "./own-model.ts";
import { peopleCount } from "./people-count.ts";
import { rodent } from "./rodent.ts";
import { taught } from "./taught.ts";
import { unusualScene } from "./unusual-scene.ts";

/** What cameras are asked to find; a new kind is one new file and one line here. */
export const cameraRuleRegistry: Registry<CameraRuleDefinition> = createRegistry<CameraRuleDefinition>("camera rules", [
  closedZone,
  peopleCount,
  loitering,
  mask,
  taught,
  rodent,
  unusualScene,
  ownModel,
]);
