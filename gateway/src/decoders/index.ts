import { createRegistry, type Registry } from "@frostlight/kernel";

import type { DecoderDefinition, DeviceMessage } from "../core/decoder.ts";
import { chirpstackV3 } from "./chirpstack-v3.ts";
import { chirpstackV4 } from "./chirpstack-v4.ts";
import { esphome } from "./esphome.ts";
import { homeAssistant } from "./home-assistant.ts";
import { jsonPathDecoder } from "./json-path.ts";
import { plain } from "./plain.ts";
import { ruuviGateway } from "./ruuvi-gateway.ts";
import { shellyGen1 } from "./shelly-gen1.ts";
import { shellyRpc } from "./shelly-rpc.ts";
import { sparkplugB } from "./sparkplug-b.ts";
import { tasmota } from "./tasmota.ts";
import { theThingsStack } from "./the-things-stack.ts";
import { theengs } from "./theengs.ts";
import { zigbee2mqtt } from "./zigbee2mqtt.ts";

/** Every payload dialect, the more particular first: discovery takes the first that recognises a message. */
export const decoderRegistry: Registry<DecoderDefinition> = createRegistry<DecoderDefinition>("decoders", [
  sparkplugB,
  homeAssistant,
  chirpstackV4,
  chirpstackV3,
  theThingsStack,
  ruuviGateway,
  theengs,
  shellyRpc,
  shellyGen1,
  tasmota,
  zigbee2mqtt,
  esphome,
  plain,
  jsonPathDecoder,
]);

/** The dialect a message looks like; undefined when it looks like none. Never throws. */
export function recogniseDialect(message: DeviceMessage): string | undefined {
  return decoderRegistry.all.find((definition) => definition.recognises(message))?.kind;
}
