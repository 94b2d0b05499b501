import { createRegistry, type Registry } from "@frostlight/kernel";

import type { DecoderDefinition, DeviceMessage } from "../core/decoder.ts";
import { chirpstackV4 } from "./chirpstack-v4.ts";
import { jsonPathDecoder } from "./json-path.ts";
import { plain } from "./plain.ts";
import { tasmota } from "./tasmota.ts";
import { theThingsStack } from "./the-things-stack.ts";
import { zigbee2mqtt } from "./zigbee2mqtt.ts";

/** Every payload dialect, the more particular first: discovery takes the first that recognises a message. */
export const decoderRegistry: Registry<DecoderDefinition> = createRegistry<DecoderDefinition>("decoders", [
  chirpstackV4,
  theThingsStack,
  tasmota,
  zigbee2mqtt,
  plain,
  jsonPathDecoder,
]);

/** The dialect a message looks like; undefined when it looks like none. Never throws. */
export function recogniseDialect(message: DeviceMessage): string | undefined {
  return decoderRegistry.all.find((definition) => definition.recognises(message))?.kind;
}
