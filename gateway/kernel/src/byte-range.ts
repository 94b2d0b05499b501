/** What to send of a file (RFC 9110, section 14). */
export type ByteRange =
  | { readonly kind: "whole" }
  /** Both ends are sent. */
  | { readonly kind: "part"; readonly first: number; readonly last: number }
  /** 416: nothing of the file is asked for, or more than one part of it. */
  | { readonly kind: "refused"; readonly reason: "not-in-file" | "several-parts" };

const whole: ByteRange = { kind: "whole" };

/**
 * One part at most: players ask for one, and many small ones in one request would only make work. Another unit than bytes, or
 * what is no range at all, is as if nothing had been asked for; so is a part of another version of the file (`If-Range`).
 * @param etag strong, with its quotes
 */
export function byteRange(
  headers: { readonly range?: string | undefined; readonly "if-range"?: string | undefined },
  file: { readonly etag: string; readonly sizeBytes: number },
): ByteRange {
  const { range, "if-range": ifRange } = headers;
  if (range === undefined || (ifRange !== undefined && ifRange.trim() !== file.etag)) return whole;
  const parts = /^\s*bytes\s*=(.*)$/i.exec(range)?.[1]?.split(",") ?? [];
  const wanted = parts.map((part) => /^\s*(\d*)\s*-\s*(\d*)\s*$/.exec(part));
  if (wanted.length === 0 || wanted.some((part) => part === null || part[0].trim() === "-")) return whole;
  if (wanted.length > 1) return { kind: "refused", reason: "several-parts" };
  const [, from = "", to = ""] = wanted[0] ?? [];
  const end = file.sizeBytes - 1;
  const first = from === "" ? Math.max(0, file.sizeBytes - Number(to)) : Number(from);
  const last = from === "" || to === "" ? end : Math.min(end, Number(to));
  if (from !== "" && to !== "" && Number(to) < first) return whole;
  return first > last ? { kind: "refused", reason: "not-in-file" } : { kind: "part", first, last };
}

/** Whether the asker has this version already (`If-None-Match`); weak comparison. */
export function isKnownVersion(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  const known = new Set(ifNoneMatch.split(",").map((one) => one.trim().replace(/^W\//, "")));
  return known.has(etag) || known.has("*");
}
