import { createRegistry, type Registry } from "@frostlight/kernel";

import type { ViewDefinition } from "../core/view.ts";
import { mqttPanel } from "./mqtt-panel.ts";
import { opcuaServer } from "./opcua-server.ts";
import { sparkplugB } from "./sparkplug-b.ts";

/** Every picture of the data for other systems. */
export const viewRegistry: Registry<ViewDefinition> = createRegistry<ViewDefinition>("views", [
  sparkplugB,
  mqttPanel,
  opcuaServer,
]);
