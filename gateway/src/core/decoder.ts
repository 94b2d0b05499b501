import type { Decoded } from "@frostlight/contract";
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

/** A payload dialect. Pure: same message, same outcome; never throws on any bytes. */
export interface DecoderDefinition<K extends string = string, Options = unknown> {
  readonly kind: K;
  /** What to take from the payload, e.g. a JSON path or the probe's name. */
  readonly options: z.ZodType<Options>;
  /** `options` input and a message that gives exactly these readings. */
  readonly example: {
    readonly options: unknown;
    readonly topic: string;
    readonly payload: string;
    readonly readings: readonly DecodedReading[];
  };
  /** True when the message looks like this dialect: used by discovery. */
  recognises(message: DeviceMessage): boolean;
  decode(message: DeviceMessage, options: Options): DecodeOutcome;
}

/** Gives a definition its types by inference. */
export function defineDecoder<const K extends string, Options>(
  definition: DecoderDefinition<K, Options>,
): DecoderDefinition<K, Options> {
  return definition;
}
