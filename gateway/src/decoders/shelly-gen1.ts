import { z } from "zod";

import { defineDecoder } from "../core/decoder.ts";
import type { Unit } from "../core/units.ts";
import { excerpt, payloadText } from "./json-payload.ts";
import { meaningOf } from "./measured-fields.ts";
import { measure, measuredOptions, readDecimal, saysAbsent } from "./measured-value.ts";

/** `shellies/<device>/<what>[/<index>]`, e.g. `ext_temperature/0`, `sensor/temperature`, `temperature_f`. */
const valueTopicPattern = /^shellies\/[^/]+\/(?:sensor\/)?([a-z_]+)(?:\/(\d+))?(?:\/(power|energy))?$/;
const maxLength = 64;
/** What a Shelly of the first generation sends for a probe that does not answer. */
const disconnected = 999;
const stateWords = { open: 1, close: 0, on: 1, off: 0 } as const;
const units: Readonly<Record<string, Unit>> = {
  temperature: "Cel",
  temperature_f: "[degF]",
  ext_temperature: "Cel",
  ext_temperature_f: "[degF]",
  humidity: "%",
  ext_humidity: "%",
  battery: "%",
  power: "W",
};

/**
 * Shelly of the first generation (H&T, 1 and 1PM with the temperature add-on, Door/Window): one value per topic below
 * `shellies/`. The topic says the unit. `shellies/<device>/online` belongs into the point's `availability`.
 */
export const shellyGen1 = defineDecoder({
  kind: "shelly-gen1",
  options: z.strictObject({
    ...measuredOptions,
    /** Words of `sensor/state` and relays. */
    values: z.record(z.string().max(64), z.number()).default(stateWords),
  }),
  example: {
    options: {},
    topic: "shellies/shelly1-A1B2C3/ext_temperature/0",
    payload: "-18.06",
    readings: [{ value: -18.06, unit: "Cel", sourceTimeMs: null, quality: "good", reason: null, backfill: false }],
  },
  recognises(message) {
    const name = valueName(message.topic);
    if (name === undefined || message.payload.byteLength === 0 || message.payload.byteLength > maxLength) return false;
    const text = payloadText(message).trim();
    return readDecimal(text) !== undefined || (name === "state" && Object.hasOwn(stateWords, text));
  },
  decode(message, options) {
    if (message.payload.byteLength === 0) return { kind: "none" };
    const name = valueName(message.topic);
    if (name === "online" || name === "announce" || name === "command" || name === "info") return { kind: "none" };
    if (message.payload.byteLength > maxLength) {
      return { kind: "invalid", reason: `not-a-number: expected a value, found ${message.payload.byteLength} bytes` };
    }
    const text = payloadText(message).trim();
    if (!Object.hasOwn(options.values, text) && readDecimal(text) === undefined && !saysAbsent(text)) {
      return { kind: "invalid", reason: `not-a-number: expected a value, found ${excerpt(text)}` };
    }
    const unit = options.unit ?? units[name ?? ""];
    const sentinels = [...options.sentinels, disconnected];
    const measured = measure(text, { ...options, unit, sentinels }, { kind: "none" });
    return measured.kind === "ok" ? { kind: "ok", value: [measured.value] } : measured;
  },
  discover(message) {
    const name = valueName(message.topic) ?? "";
    const isOpening = name === "state";
    const device = message.topic.split("/", 2).join("/");
    // Devices on a battery sleep and are "offline" between their reports.
    const sleeps = message.topic.includes("/sensor/");
    return [
      {
        field: name,
        quantity: isOpening ? "door" : meaningOf(name).quantity,
        options: {},
        ...(sleeps ? {} : { availability: `${device}/online` }),
      },
    ];
  },
});

function valueName(topic: string): string | undefined {
  const match = valueTopicPattern.exec(topic);
  return match === null ? undefined : (match[3] ?? match[1]);
}
