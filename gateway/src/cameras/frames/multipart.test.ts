import * as fc from "fast-check";
import { expect, it } from "vitest";

import { MultipartReader, type Part } from "./multipart.ts";

/** All parts, however the stream is cut. */
function read(stream: string, boundary: string | undefined, sizes: readonly number[] = [7], maxPartBytes = 1_000) {
  const reader = new MultipartReader(boundary, maxPartBytes);
  const bytes = Buffer.from(stream, "latin1");
  const parts: Part[] = [];
  for (let offset = 0, n = 0; offset < bytes.length; n += 1) {
    const size = sizes[n % sizes.length] ?? 1;
    parts.push(...reader.push(bytes.subarray(offset, offset + size)));
    offset += size;
  }
  return parts.map((part) => (part.kind === "part" ? Buffer.from(part.data).toString("latin1") : `✗ ${part.why}`));
}

const counted = (body: string, eol = "\r\n", dashes = "--") =>
  `${dashes}frame${eol}Content-Type: image/jpeg${eol}Content-Length: ${body.length}${eol}${eol}${body}${eol}`;
const open = (body: string, eol = "\r\n", dashes = "--") =>
  `${dashes}frame${eol}Content-Type: image/jpeg${eol}${eol}${body}${eol}`;

it.each([
  ["with lengths", counted("one") + counted("two"), "frame"],
  ["with the dashes in the parameter", counted("one") + counted("two"), "--frame"],
  ["with no dashes before the boundary", counted("one", "\r\n", "") + counted("two", "\r\n", ""), "frame"],
  ["without a boundary parameter", counted("one") + counted("two"), undefined],
  ["with an empty boundary parameter and a preamble", `hello\r\n${counted("one")}${counted("two")}`, ""],
  ["with bare line feeds", counted("one", "\n") + counted("two", "\n"), "frame"],
  ["without lengths", `${open("one")}${open("two")}--frame\r\n`, "frame"],
  ["without lengths and with bare line feeds", `${open("one", "\n")}${open("two", "\n")}--frame\n`, "frame"],
  ["with rubbish between the parts", `x\r\n${counted("one")}rubbish\r\n\r\n${counted("two")}`, "frame"],
  ["with no line break after a part", counted("one").trimEnd() + counted("two"), "frame"],
])("reads a stream %s", (_, stream, boundary) => {
  expect(read(stream, boundary)).toEqual(["one", "two"]);
});

it("gives whole parts however the bytes are cut", () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ minLength: 1, maxLength: 60 }), { minLength: 1, maxLength: 6 }),
      fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 }),
      fc.boolean(),
      (bodies, sizes, withLength) => {
        const texts = bodies.map((body) => `\u00ff${Buffer.from(body).toString("latin1")}\u00d9`);
        const stream = texts.map((body) => (withLength ? counted(body) : open(body))).join("");
        expect(read(`${stream}--frame\r\n`, "frame", sizes)).toEqual(texts);
      },
    ),
  );
});

it("gives up a part without end, an oversized one and an endless header, and goes on behind them", () => {
  const long = "z".repeat(1_500);
  expect(read(`${open(long)}${counted("two")}`, "frame")).toEqual(["✗ a part without end, at most 1000 bytes", "two"]);
  expect(read(counted(long) + counted("two"), "frame")).toEqual(["✗ a part of 1500 bytes, at most 1000", "two"]);
  expect(read(`--frame\r\nX: ${"h".repeat(9_000)}\r\n\r\n${counted("two")}`, "frame")).toEqual([
    "✗ a part's header of more than 8192 bytes",
    "two",
  ]);
  expect(read("y".repeat(9_000), undefined)[0]).toBe("✗ no boundary at its beginning");
});

it("holds no more than a part and its limit, whatever comes", () => {
  const reader = new MultipartReader("frame", 10_000);
  const chunk = Buffer.alloc(4_096, 1);
  const before = process.memoryUsage().arrayBuffers;
  for (let n = 0; n < 10_000; n += 1) reader.push(chunk);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(20_000_000);
});
