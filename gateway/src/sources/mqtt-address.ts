import { FrostlightError } from "@frostlight/kernel";
import { z } from "zod";

import type { DecoderDefinition } from "../core/decoder.ts";
import { decoderRegistry } from "../decoders/index.ts";
import { sparkplugB } from "../decoders/sparkplug-b.ts";
import { sparkplugFilter, sparkplugPlace } from "./sparkplug-address.ts";
import { topicFilter } from "./topic-routes.ts";

/** How to read a payload: a dialect's `kind` with its own options, already parsed. */
type DecodeChoice = { readonly kind: string } & Readonly<Record<string, unknown>>;

/** Where a point is found on a broker. */
export interface MqttAddress {
  /** Topic, with `+` and `#` allowed. */
  readonly topic: string;
  /** Topic on which the device, or the broker for it, says "online" or "offline": offline makes the point bad. */
  readonly availability?: string | undefined;
  readonly decode: DecodeChoice;
}

function withKind(definition: DecoderDefinition): z.ZodObject {
  if (definition.options instanceof z.ZodObject) {
    return definition.options.extend({ kind: z.literal(definition.kind) });
  }
  throw new FrostlightError("decoder/options-not-object", "bug", `dialect "${definition.kind}": options are no object`);
}

const [firstDecoder, ...otherDecoders] = decoderRegistry.all.map(withKind);
if (firstDecoder === undefined) throw new FrostlightError("decoder/none", "bug", "no dialect is registered");

const decodeChoice: z.ZodType<DecodeChoice> = z
  .discriminatedUnion("kind", [firstDecoder, ...otherDecoders])
  .transform((choice): DecodeChoice => ({ ...choice, kind: String(choice["kind"]) }));

/** Schema of a point's address on any MQTT source. */
export const mqttAddress: z.ZodType<MqttAddress> = z
  .strictObject({ topic: topicFilter, availability: topicFilter.optional(), decode: decodeChoice })
  .refine(({ topic, decode }) => decode.kind !== sparkplugB.kind || sparkplugPlace(topic) !== undefined, {
    error: "expected spBv1.0/<group>/+/<edge node> or spBv1.0/<group>/+/<edge node>/<device>",
    path: ["topic"],
  });

/** The topics that carry a point's values. Of Sparkplug B, all of its edge node: births and deaths concern devices too. */
export function valueFilter({ topic, decode }: MqttAddress): string {
  const place = decode.kind === sparkplugB.kind ? sparkplugPlace(topic) : undefined;
  return place === undefined ? topic : sparkplugFilter(place);
}

/** What a client must subscribe to for a point. */
export function filtersOf(address: MqttAddress): readonly string[] {
  const filter = valueFilter(address);
  return address.availability === undefined ? [filter] : [filter, address.availability];
}

export const mqttAddressExample = {
  topic: "zigbee2mqtt/cold-room-1",
  decode: { kind: "zigbee2mqtt", property: "temperature" },
} as const;
