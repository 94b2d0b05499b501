import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { byteRange, isKnownVersion } from "./byte-range.ts";

const file = { etag: '"abc"', sizeBytes: 1_000 };

describe("a range of bytes", () => {
  it.each([
    ["bytes=0-1", 0, 1],
    ["bytes=0-", 0, 999],
    ["bytes=500-5000", 500, 999],
    ["bytes=-200", 800, 999],
    ["bytes=-5000", 0, 999],
    ["Bytes = 999-999", 999, 999],
  ])("%s is the bytes %i to %i", (range, first, last) => {
    expect(byteRange({ range }, file)).toEqual({ kind: "part", first, last });
  });

  it.each(["items=0-1", "bytes=", "bytes=-", "bytes=b-c", "bytes=5-2", "bytes 0-1", "bytes=0-1,x", "bytes=1-2-3"])(
    "%s is not one, so the whole file is sent",
    (range) => {
      expect(byteRange({ range }, file)).toEqual({ kind: "whole" });
    },
  );

  it.each(["bytes=1000-", "bytes=2000-3000", "bytes=-0"])("%s is not in the file", (range) => {
    expect(byteRange({ range }, file)).toEqual({ kind: "refused", reason: "not-in-file" });
  });

  it("in several parts is refused, however many there are", () => {
    for (const range of ["bytes=0-1,5-9", `bytes=${Array.from({ length: 500 }, () => "0-").join(",")}`]) {
      expect(byteRange({ range }, file)).toEqual({ kind: "refused", reason: "several-parts" });
    }
  });

  it("of another version of the file, or one known by its date only, is answered with the whole", () => {
    const range = "bytes=0-1";
    expect(byteRange({ range, "if-range": '"abc"' }, file).kind).toBe("part");
    for (const other of ['"abd"', 'W/"abc"', "Sun, 22 Nov 2026 03:10:00 GMT"]) {
      expect(byteRange({ range, "if-range": other }, file).kind).toBe("whole");
    }
  });

  it("never reaches beyond the file, whatever is asked for", () => {
    const header = fc.oneof(
      fc.string(),
      fc.tuple(fc.nat(), fc.nat()).map(([a, b]) => `bytes=${a}-${b}`),
      fc.nat().map((n) => `bytes=-${n}`),
      fc.nat().map((n) => `bytes=${n}-`),
    );
    fc.assert(
      fc.property(header, fc.nat({ max: 2_000 }), (range, sizeBytes) => {
        const asked = byteRange({ range }, { etag: '"x"', sizeBytes });
        if (asked.kind !== "part") return;
        expect(asked.first).toBeGreaterThanOrEqual(0);
        expect(asked.last).toBeGreaterThanOrEqual(asked.first);
        expect(asked.last).toBeLessThan(sizeBytes);
      }),
    );
  });
});

it("a version is known when it is among those named, weakly too", () => {
  expect(isKnownVersion('"x", W/"abc"', '"abc"')).toBe(true);
  expect(isKnownVersion("*", '"abc"')).toBe(true);
  expect(isKnownVersion('"abcd"', '"abc"')).toBe(false);
  expect(isKnownVersion(undefined, '"abc"')).toBe(false);
});
