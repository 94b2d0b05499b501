import type { Decoded, Quantity } from "@frostlight/contract";
import type { z } from "zod";

import type { Reading } from "./reading.ts";

/** A message as it came from a broker. */
export interface DeviceMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly receivedMs: number;
  readonly retained: boolean;
}

/** A reading without its point: the decoder was asked for one value of one device. */
export type DecodedReading = Omit<Reading, "pointId" | "receivedMs">;

/**
 * Nothing for this point is in the message (`none`, normal: a status message, another probe), or readings, or the message
 * is not what the dialect promises (`invalid`, refused with the reason: `<code>: text for people`).
 */
export type DecodeOutcome = Decoded<readonly DecodedReading[]> | { readonly kind: "none" };

/** A measured value that a dialect sees in a message, for discovery. */
export interface Candidate {
  /** What a person reads beside the topic, e.g. "temperature" or "DS18B20-2 Temperature". Unique within the message. */
  readonly field: string;
  /** Input of the dialect's `options` that takes this value. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly quantity: Quantity;
  /** The topic a point must name when it is not the message's own (announcements, Sparkplug B). */
  readonly topic?: string;
  /** Where the device says whether it is there; left out for devices that sleep. */
  readonly availability?: string;
}

/** A payload dialect. Pure: same message, same outcome; never throws on any bytes. */
export interface DecoderDefinition<K extends string = string, Options = unknown> {
  readonly kind: K;
  /** What to take from the payload, e.g. a JSON path or the probe's name. */
  readonly options: z.ZodType<Options>;
  /** `options` input and a message that gives exactly these readings. */
  readonly example: {
    readonly options: unknown;
    readonly topic: string;
    readonly payload: string | Uint8Array;
    readonly readings: readonly DecodedReading[];
    /** The message it is recognised by, where the device announces its values in another one. */
    readonly announcement?: { readonly topic: string; readonly payload: string };
  };
  /** True when the message looks like this dialect: used by discovery. */
  recognises(message: DeviceMessage): boolean;
  decode(message: DeviceMessage, options: Options): DecodeOutcome;
  /** The measured values of a message it recognises, at most some dozens. Never throws. */
  discover(message: DeviceMessage): readonly Candidate[];
}

/** Gives a definition its types by inference. */
export function defineDecoder<const K extends string, Options>(
  definition: DecoderDefinition<K, Options>,
): DecoderDefinition<K, Options> {
  return definition;
}
