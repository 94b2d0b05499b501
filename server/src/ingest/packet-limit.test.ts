import * as fc from "fast-check";
import { expect, test } from "vitest";

import { PacketSizeScanner } from "./packet-limit.ts";

/** Feeds a stream cut into pieces of the given lengths (repeated); the first size over the limit. */
function scan(stream: Uint8Array, pieces: readonly number[], limitBytes: number): number | undefined {
  const scanner = new PacketSizeScanner();
  for (let at = 0, n = 0; at < stream.length; n += 1) {
    const length = pieces[n % pieces.length] ?? 1;
    const found = scanner.scan(stream.subarray(at, at + length), limitBytes);
    if (found !== undefined) return found;
    at += length;
  }
  return undefined;
}

/** A PUBLISH whose remaining length is encoded as MQTT 3.1.1 §2.2.3 says. */
function publish(bodyBytes: number): Buffer {
  const header = [0x30];
  let left = bodyBytes;
  do {
    const more = Math.floor(left / 128);
    header.push((left % 128) | (more > 0 ? 0x80 : 0));
    left = more;
  } while (left > 0);
  return Buffer.concat([Buffer.from(header), Buffer.alloc(bodyBytes, 0xff)]);
}

test("the first packet over the limit is found in any stream, however it is cut", () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.nat(300), fc.nat(40_000)), { minLength: 1, maxLength: 8 }),
      fc.array(fc.integer({ min: 1, max: 5_000 }), { minLength: 1, maxLength: 5 }),
      fc.integer({ min: 0, max: 40_000 }),
      (payloads, pieces, limitBytes) => {
        const ping = Buffer.of(0xc0, 0);
        const stream = Buffer.concat(payloads.flatMap((size) => [ping, publish(size)]));
        const expected = payloads.find((size) => size > limitBytes);
        expect(scan(stream, pieces, limitBytes)).toBe(expected);
      },
    ),
  );
});

test("a length is judged when its last byte has come, before any of the body", () => {
  const scanner = new PacketSizeScanner();
  expect(scanner.scan(Uint8Array.of(0x30, 0xff, 0xff, 0xff), 1_000)).toBeUndefined();
  expect(scanner.scan(Uint8Array.of(0x7f), 1_000)).toBe(268_435_455);
});
