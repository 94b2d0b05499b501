import { createRegistry, type Registry } from "@frostlight/kernel";

import type { TransportDefinition } from "../transport.ts";
import { autoTransport } from "./auto.ts";
import { httpsTransport } from "./https.ts";
import { mqttTransport } from "./mqtt.ts";

/** Every way to the server. */
export const transportRegistry: Registry<TransportDefinition> = createRegistry<TransportDefinition>(
  "uplink transports",
  [mqttTransport, httpsTransport, autoTransport],
);
