import type { Quantity } from "@frostlight/contract";

import type { Candidate, DecoderDefinition, DeviceMessage } from "../core/decoder.ts";
import type { Unit } from "../core/units.ts";
import { decoderRegistry, recogniseDialect } from "./index.ts";

/** A measured value in a message, with the address that a point needs to get it. */
export interface DiscoveredReading {
  /** Topic and field. */
  readonly label: string;
  readonly dialect: string;
  /** Valid input of a point's `address.decode`. */
  readonly decode: { readonly kind: string } & Readonly<Record<string, unknown>>;
  /** Valid input of a point's `address` on an MQTT source; `topic` may differ from the message's (announcements). */
  readonly address: {
    readonly topic: string;
    readonly availability?: string;
    readonly decode: DiscoveredReading["decode"];
  };
  readonly quantity: Quantity;
  /** The unit the payload or the device's announcement says; null: not said. */
  readonly unit: Unit | null;
  /** null: no number now, or only announced. */
  readonly value: number | null;
}

const maxReadings = 64;
const maxBytes = 65_536;

/**
 * All measured values of a message under the dialect it looks like: what its decoder would give with each set of options,
 * so that a point made of it gets exactly these values. At most 64; nothing for payloads beyond 64 KiB. Never throws.
 */
export function discoverReadings(message: DeviceMessage): readonly DiscoveredReading[] {
  if (message.payload.byteLength === 0 || message.payload.byteLength > maxBytes) return [];
  const kind = recogniseDialect(message);
  if (kind === undefined) return [];
  const definition = decoderRegistry.get(kind);
  return definition
    .discover(message)
    .slice(0, maxReadings)
    .flatMap((candidate) => describe(message, definition, candidate));
}

function describe(
  message: DeviceMessage,
  definition: DecoderDefinition,
  candidate: Candidate,
): readonly DiscoveredReading[] {
  const options = definition.options.safeParse(candidate.options);
  if (!options.success) return [];
  const outcome = definition.decode(message, options.data);
  const reading = outcome.kind === "ok" ? outcome.value.at(-1) : undefined;
  if (reading === undefined && candidate.topic === undefined) return [];
  const topic = candidate.topic ?? message.topic;
  const decode = { kind: definition.kind, ...candidate.options };
  const availability = candidate.availability === undefined ? {} : { availability: candidate.availability };
  return [
    {
      label: candidate.field === "value" ? topic : `${topic} ${candidate.field}`,
      dialect: definition.kind,
      decode,
      address: { topic, ...availability, decode },
      quantity: candidate.quantity,
      unit: reading?.unit ?? announcedUnit(options.data),
      value: reading?.value ?? null,
    },
  ];
}

function announcedUnit(options: unknown): Unit | null {
  const unit = typeof options === "object" && options !== null ? Reflect.get(options, "unit") : undefined;
  return (unit as Unit | undefined) ?? null; // every dialect's options have the unit of `measuredOptions`
}
