import { createRegistry, type Registry } from "@frostlight/kernel";

import type { OutputDefinition } from "../core/output.ts";
import { commandOutput } from "./command.ts";
import { mqttOutput } from "./mqtt.ts";

/** Every way to reach a siren, beacon or relay. */
export const outputRegistry: Registry<OutputDefinition> = createRegistry<OutputDefinition>("outputs", [
  mqttOutput,
  commandOutput,
]);
export { OutputSwitch, outputSettings } from "./output-switch.ts";
