import type { Decoded } from "@frostlight/contract";

import type { DeviceMessage } from "../core/decoder.ts";

/** Above this no JSON is parsed, whatever the broker let through. */
const maxJsonBytes = 262_144;

export type JsonObject = Readonly<Record<string, unknown>>;

/** One message is asked for one point after the other: the last one parsed is enough to parse each once. */
let last: { readonly message: DeviceMessage; readonly outcome: Decoded<unknown> } | undefined;

/** The payload as text; invalid UTF-8 becomes replacement characters, a byte order mark is dropped. */
export function payloadText(message: DeviceMessage): string {
  const { payload } = message;
  const text = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString("utf8");
  return text.startsWith("\uFEFF") ? text.slice(1) : text;
}

/** Parses a payload as JSON. Never throws. */
export function parseJson(message: DeviceMessage): Decoded<unknown> {
  if (last?.message === message) return last.outcome;
  const outcome = parseText(message);
  last = { message, outcome };
  return outcome;
}

function parseText(message: DeviceMessage): Decoded<unknown> {
  if (message.payload.byteLength > maxJsonBytes) {
    return {
      kind: "invalid",
      reason: `payload-too-large: ${message.payload.byteLength} bytes of JSON, at most ${maxJsonBytes}`,
    };
  }
  const text = payloadText(message);
  try {
    return { kind: "ok", value: JSON.parse(text) };
  } catch {
    return { kind: "invalid", reason: `not-json: expected a JSON object, found ${excerpt(text)}` };
  }
}

/** Parses a payload that must be a JSON object. Never throws. */
export function parseJsonObject(message: DeviceMessage): Decoded<JsonObject> {
  const outcome = parseJson(message);
  if (outcome.kind === "invalid") return outcome;
  if (isJsonObject(outcome.value)) return { kind: "ok", value: outcome.value };
  return { kind: "invalid", reason: `not-an-object: expected a JSON object, found ${excerpt(outcome.value)}` };
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A field of an object's own, never an inherited one such as `constructor`. */
export function ownField(value: unknown, name: string): unknown {
  return isJsonObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

/** A short, printable piece of what was found, for people. */
export function excerpt(value: unknown): string {
  const text = typeof value === "string" ? JSON.stringify(value.slice(0, 64)) : describe(value);
  return text.length > 48 ? `${text.slice(0, 45)}...` : text;
}

function describe(value: unknown): string {
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (isJsonObject(value)) return `an object with ${fieldNames(value)}`;
  return String(value);
}

/** The first names of an object's fields, for people. */
export function fieldNames(value: unknown): string {
  if (!isJsonObject(value)) return "no fields";
  const names = Object.keys(value);
  if (names.length === 0) return "no fields";
  const shown = names.slice(0, 8).map((name) => (name.length > 24 ? `${name.slice(0, 21)}...` : name));
  return `${shown.join(", ")}${names.length > 8 ? `, … (${names.length} fields)` : ""}`;
}
