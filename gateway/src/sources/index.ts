import { createRegistry, type Registry } from "@frostlight/kernel";

import type { SourceDefinition } from "../core/source.ts";
import { csvReplay } from "./csv-replay.ts";
import { modbus } from "./modbus.ts";
import { mqttBroker } from "./mqtt-broker.ts";
import { mqtt } from "./mqtt.ts";
import { opcua } from "./opcua.ts";

/** Every sensor protocol. */
export const sourceRegistry: Registry<SourceDefinition> = createRegistry<SourceDefinition>("sources", [
  mqttBroker,
  mqtt,
  opcua,
  modbus,
  csvReplay,
]);
