import { z } from "zod";

/**
 * A device's idea of when: a time; none (absent, or local time of an unknown zone: better no time than a wrong one); or
 * something that is no time at all.
 */
export type DeviceTime =
  | { readonly kind: "time"; readonly timeMs: number }
  | { readonly kind: "none" }
  | { readonly kind: "unreadable" };

const none: DeviceTime = { kind: "none" };
const unreadable: DeviceTime = { kind: "unreadable" };

const isoPattern =
  /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?\s?([Zz]|[+-]\d\d(?::?\d\d)?)?$/;
const offsetPattern = /^([+-])(\d\d):?(\d\d)?$/;
const epochPattern = /^\d{9,19}(?:\.\d{1,9})?$/;

/**
 * Reads RFC 3339 (any precision, cut to milliseconds), ISO 8601 without a zone (only with `utcOffset`), or a Unix time as
 * number or digits in seconds, milliseconds, microseconds or nanoseconds (told apart by size).
 * @param utcOffsetMinutes zone of times that name none
 */
export function readDeviceTime(raw: unknown, utcOffsetMinutes: number | undefined): DeviceTime {
  if (raw === undefined || raw === null || raw === "") return none;
  if (typeof raw === "number") return readEpoch(raw);
  if (typeof raw !== "string" || raw.length > 40) return unreadable;
  if (epochPattern.test(raw)) return readEpoch(Number(raw));
  return readIso(raw, utcOffsetMinutes);
}

function readEpoch(value: number): DeviceTime {
  if (!Number.isFinite(value) || value < 1e8) return unreadable;
  if (value < 1e11) return { kind: "time", timeMs: Math.round(value * 1000) };
  if (value < 1e14) return { kind: "time", timeMs: Math.round(value) };
  if (value < 1e17) return { kind: "time", timeMs: Math.floor(value / 1e3) };
  return value < 1e20 ? { kind: "time", timeMs: Math.floor(value / 1e6) } : unreadable;
}

function readIso(text: string, utcOffsetMinutes: number | undefined): DeviceTime {
  const match = isoPattern.exec(text);
  if (match === null) return unreadable;
  const [, year = "", month = "", day = "", hour = "", minute = "", second = "0", fraction = "", zone] = match;
  const utcMs = Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second));
  const date = new Date(utcMs);
  // Date.UTC carries overflow on: 30 February would become 2 March.
  const isReal =
    date.getUTCMonth() === Number(month) - 1 &&
    date.getUTCDate() === Number(day) &&
    date.getUTCHours() === Number(hour) &&
    date.getUTCMinutes() === Number(minute) &&
    date.getUTCSeconds() === Number(second);
  if (!isReal) return unreadable;
  const offset = zone === undefined ? utcOffsetMinutes : parseUtcOffset(zone);
  if (offset === undefined) return zone === undefined ? none : unreadable;
  return { kind: "time", timeMs: utcMs + Number(fraction.padEnd(3, "0").slice(0, 3)) - offset * 60_000 };
}

/** Minutes east of UTC of `Z`, `+08:00`, `-0330`, `+08`; undefined when it is none of these or out of range. */
function parseUtcOffset(text: string): number | undefined {
  if (text === "Z" || text === "z") return 0;
  const match = offsetPattern.exec(text);
  if (match === null) return undefined;
  const [, sign, hours = "", minutes = "00"] = match;
  if (Number(hours) > 14 || Number(minutes) > 59) return undefined;
  return (sign === "-" ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
}

/** Schema of the zone of a device that does not name one; output in minutes east of UTC. */
export const utcOffset = z.string().transform((text, context): number => {
  const minutes = parseUtcOffset(text);
  if (minutes !== undefined) return minutes;
  context.addIssue({ code: "custom", message: "expected an offset from UTC such as +08:00 or Z" });
  return z.NEVER;
});
