import * as fc from "fast-check";
import { expect, it } from "vitest";

import { FrameScanner } from "./mqtt-frame-guard.ts";

function frame(type: number, bodyBytes: number): Buffer {
  const header = [type << 4];
  let rest = bodyBytes;
  do {
    const digit = rest % 128;
    rest = Math.floor(rest / 128);
    header.push(rest > 0 ? digit | 0x80 : digit);
  } while (rest > 0);
  return Buffer.concat([Buffer.from(header), Buffer.alloc(bodyBytes, 0xff)]);
}

/** Cuts bytes into chunks at the given places. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const at = [0, ...places.map((place) => place % (bytes.length + 1)), bytes.length].toSorted((a, b) => a - b);
  return at.slice(1).map((end, index) => bytes.subarray(at[index], end));
}

it("lets frames up to the limit pass however the stream is cut", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 300 }), { maxLength: 20 }),
      fc.array(fc.nat(), { maxLength: 20 }),
      (sizes, places) => {
        const scanner = new FrameScanner(300);
        const stream = Buffer.concat(sizes.map((size) => frame(3, size)));
        expect(cut(stream, places).map((chunk) => scanner.push(chunk))).toEqual(
          cut(stream, places).map(() => undefined),
        );
      },
    ),
  );
});

it("finds the first frame over the limit however the stream is cut", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 300 }), { maxLength: 10 }),
      fc.integer({ min: 301, max: 30_000 }),
      fc.array(fc.nat(), { maxLength: 20 }),
      (sizes, large, places) => {
        const scanner = new FrameScanner(300);
        const stream = Buffer.concat([...sizes.map((size) => frame(3, size)), frame(3, large)]);
        expect(cut(stream, places).some((chunk) => scanner.push(chunk) !== undefined)).toBe(true);
      },
    ),
  );
});

it("names the topic of a PUBLISH that is too large", () => {
  const publish = Buffer.concat([Buffer.from([0x30, 0xff, 0xff, 0x7f, 0, 3]), Buffer.from("a/b")]);
  expect(new FrameScanner(1_000).push(publish)).toMatchObject({ topic: "a/b" });
});

it("takes a length of more than four bytes for too large", () => {
  expect(new FrameScanner(1_000).push(Buffer.from([0x30, 0x80, 0x80, 0x80, 0x80, 0x80]))).toBeDefined();
});
