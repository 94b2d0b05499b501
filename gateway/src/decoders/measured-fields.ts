import type { Quantity } from "@frostlight/contract";

import type { Unit } from "../core/units.ts";
import { isJsonObject } from "./json-payload.ts";
import { readDecimal } from "./measured-value.ts";

/** What a field's name says about it. */
export interface FieldMeaning {
  readonly quantity: Quantity;
  /** null: the name does not say. */
  readonly unit: Unit | null;
}

/** A field of a JSON object that looks like a measured value. */
export interface MeasuredField extends FieldMeaning {
  /** As `json-path-syntax` reads it. */
  readonly path: string;
  /** Names it without brackets and quotes where it can. */
  readonly label: string;
  /** How its words become numbers; absent: it is a number. */
  readonly values?: Readonly<Record<string, number>>;
}

const maxDepth = 5;
const maxNodes = 500;
const maxFields = 32;

const meanings: readonly (readonly [RegExp, FieldMeaning])[] = [
  [/(?:^|[^a-z])(?:tempf|tf|temp(?:erature)?_?f(?:ahrenheit)?)$/i, { quantity: "temperature", unit: "[degF]" }],
  [/temp|^tc(?:_|$)|celsius|^t\d*$|dewpoint|probe_?\d*$/i, { quantity: "temperature", unit: "Cel" }],
  [/hum|^rh$/i, { quantity: "humidity", unit: "%" }],
  [/batt?(?:ery)?_?v(?:olt(?:age)?)?$/i, { quantity: "battery", unit: "V" }],
  [/^volt(?:age)?$/i, { quantity: "other", unit: "V" }],
  [/batt/i, { quantity: "battery", unit: "%" }],
  [/door|contact|magnet|reed|^open/i, { quantity: "door", unit: "1" }],
  [/defrost/i, { quantity: "defrost", unit: "1" }],
  [/compressor/i, { quantity: "compressor", unit: "1" }],
  [/^a?power(?:_w)?$|watt/i, { quantity: "power", unit: "W" }],
];
const other: FieldMeaning = { quantity: "other", unit: null };

/** Fields that are about the message or the radio, and parts that hold other messages. */
const noise =
  /^(?:rssi|snr|lora_?snr|link_?quality|lqi|id|_id|ts|time|timestamp|uptime|seq|counter|f_?cnt|f_?port|dr|history|event|events|rx_?info|tx_?info|rx_metadata|settings|last_seen|update|calibration|.*_calibration|mac|version|crc|channel)$/i;
/** Words of doors and switches. `contact` is closed when true; everything else is open or on when true. */
const doorWords = { open: 1, opened: 1, close: 0, closed: 0, OPEN: 1, CLOSED: 0, true: 1, false: 0 } as const;
const contactWords = { true: 0, false: 1 } as const;
const stateWords = { on: 1, off: 0, ON: 1, OFF: 0, true: 1, false: 0 } as const;

/** What a name suggests; `other` when it suggests nothing. Never throws. */
export function meaningOf(name: string): FieldMeaning {
  return meanings.find(([pattern]) => pattern.test(name))?.[1] ?? other;
}

/** What the last level of a topic that says anything suggests about the value published there. */
export function meaningOfTopic(topic: string): FieldMeaning {
  const levels = topic.slice(0, 256).split("/").slice(-3).reverse();
  return levels.map(meaningOf).find((meaning) => meaning.quantity !== "other") ?? other;
}

/**
 * The fields of a payload that look measured: those with a known meaning first, then other numbers. Bounded in depth,
 * in fields looked at and in fields given.
 */
export function measuredFields(root: unknown): readonly MeasuredField[] {
  const found: MeasuredField[] = [];
  let visited = 0;
  const visit = (value: unknown, path: string, label: string, name: string, depth: number): void => {
    visited += 1;
    if (visited > maxNodes) return;
    if (isJsonObject(value)) {
      if (depth === maxDepth) return;
      for (const [key, child] of Object.entries(value)) {
        if (noise.test(key) || key.length > 64) continue;
        // `battery: { percent }` and `temperature: { value }` say it one level up.
        const says = meaningOf(key) === other && name !== "" ? `${name}_${key}` : key;
        visit(child, path + segment(key, path === ""), label === "" ? key : `${label}.${key}`, says, depth + 1);
        if (visited > maxNodes) return;
      }
      return;
    }
    if (Array.isArray(value)) {
      if (depth === maxDepth) return;
      for (const [index, child] of value.slice(0, 8).entries()) {
        visit(child, `${path}[${index}]`, `${label}[${index}]`, name, depth + 1);
      }
      return;
    }
    const field = describe(value, name);
    if (field !== undefined && path !== "" && path.length <= 256) found.push({ path, label, ...field });
  };
  visit(root, "", "", "", 0);
  return [
    ...found.filter((field) => field.quantity !== "other"),
    ...found.filter((field) => field.quantity === "other"),
  ].slice(0, maxFields);
}

function describe(value: unknown, name: string): Omit<MeasuredField, "path" | "label"> | undefined {
  const meaning = meaningOf(name);
  if (typeof value === "number") return meaning;
  if (value === null) return meaning.quantity === "other" ? undefined : meaning;
  const isState = meaning.unit === "1";
  if (typeof value === "boolean" || typeof value === "string") {
    if (isState) {
      const words = wordsOf(name, meaning.quantity);
      return Object.hasOwn(words, String(value)) ? { ...meaning, values: words } : undefined;
    }
    const isNumber = typeof value === "string" && readDecimal(value) !== undefined;
    return isNumber && meaning.quantity !== "other" ? meaning : undefined;
  }
  return undefined;
}

function wordsOf(name: string, quantity: Quantity): Readonly<Record<string, number>> {
  if (quantity !== "door") return stateWords;
  return /contact/i.test(name) ? contactWords : doorWords;
}

function segment(key: string, isFirst: boolean): string {
  if (/^[A-Za-z_][\w-]*$/.test(key)) return isFirst ? key : `.${key}`;
  return `["${key.replaceAll(/["\\]/g, "\\$&")}"]`;
}

/** Options of a dialect for a field: the unit that its name says, and its words. */
export function fieldOptions(field: MeasuredField): Readonly<Record<string, unknown>> {
  return {
    ...(field.unit === null ? {} : { unit: field.unit }),
    ...(field.values === undefined ? {} : { values: field.values }),
  };
}
