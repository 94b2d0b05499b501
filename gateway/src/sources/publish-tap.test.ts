import * as fc from "fast-check";
import { expect, it } from "vitest";

import { type PublishFrame, PublishTap, type TapHandler } from "./publish-tap.ts";

interface Seen {
  readonly frames: PublishFrame[];
  readonly oversized: { declaredBytes: number; topic: string }[];
  readonly malformed: string[];
  readonly passed: Buffer[];
}

function run(maxBytes: number, chunks: readonly Buffer[], isOpen = true): Seen {
  const seen: Seen = { frames: [], oversized: [], malformed: [], passed: [] };
  const handler: TapHandler = {
    isOpen,
    isReading: true,
    onPublish: (frame) => seen.frames.push({ ...frame, payload: Buffer.from(frame.payload) }),
    onChunk: () => undefined,
    onEarly: () => undefined,
    onOversized: (frame) => seen.oversized.push(frame),
    onMalformed: (reason) => seen.malformed.push(reason),
  };
  const tap = new PublishTap(maxBytes, handler);
  for (const chunk of chunks) {
    const rest = tap.push(chunk);
    if (rest !== null) seen.passed.push(Buffer.from(rest));
  }
  return seen;
}

function frame(first: number, body: Buffer): Buffer {
  const length: number[] = [];
  for (let rest = body.length, more = true; more; rest >>= 7) {
    more = rest >= 128;
    length.push((rest & 0x7f) | (more ? 0x80 : 0));
  }
  return Buffer.concat([Buffer.from([first, ...length]), body]);
}

const publish = (topic: string, payload: Buffer, qos: number): Buffer => {
  const name = Buffer.from(topic);
  const id = qos === 0 ? [] : [Buffer.from([1, 2])];
  const head = Buffer.from([name.length >> 8, name.length & 0xff]);
  return frame(0x30 | (qos << 1), Buffer.concat([head, name, ...id, payload]));
};

const packet = fc.oneof(
  fc.record({
    topic: fc.string({ minLength: 1, maxLength: 40 }),
    payload: fc.uint8Array({ maxLength: 300 }),
    qos: fc.constantFrom(0, 1),
  }),
  fc.record({ first: fc.constantFrom(0x10, 0x34, 0x62, 0x82, 0xc0), body: fc.uint8Array({ maxLength: 300 }) }),
);

it("takes every publish of QoS 0 and 1 and passes on all else, however the bytes are cut", () => {
  fc.assert(
    fc.property(fc.array(packet, { maxLength: 12 }), fc.array(fc.nat(400), { maxLength: 40 }), (packets, cuts) => {
      const frames = packets.map((one) =>
        "topic" in one
          ? publish(one.topic, Buffer.from(one.payload), one.qos)
          : frame(one.first, Buffer.from(one.body)),
      );
      let rest = Buffer.concat(frames);
      const chunks: Buffer[] = [];
      for (const cut of cuts) {
        chunks.push(rest.subarray(0, cut));
        rest = rest.subarray(cut);
      }
      const seen = run(10_000, [...chunks, rest]);
      expect(seen.frames.map(({ topic, payload, qos }) => [topic, payload.toString("hex"), qos])).toEqual(
        packets.flatMap((one) =>
          "topic" in one ? [[one.topic, Buffer.from(one.payload).toString("hex"), one.qos]] : [],
        ),
      );
      const others = packets.flatMap((one, index) => ("topic" in one ? [] : (frames[index] ?? [])));
      expect(Buffer.concat(seen.passed)).toEqual(Buffer.concat(others));
      expect(seen.oversized).toEqual([]);
    }),
  );
});

it("reads retain, dup and packet id", () => {
  const bytes = publish("a", Buffer.from("x"), 1);
  bytes[0] = 0x3b;
  expect(run(100, [bytes]).frames).toMatchObject([{ topic: "a", qos: 1, retain: true, dup: true, messageId: 258 }]);
});

it("notices a packet over the limit by its header and names the topic", () => {
  const big = publish("cold/room", Buffer.alloc(2_000), 1);
  const seen = run(1_000, [big.subarray(0, 20)]);
  expect(seen.oversized).toEqual([{ declaredBytes: 2_013, topic: "cold/room" }]);
  expect(run(2_013, [big]).oversized).toEqual([]);
});

it("refuses a length of more than four bytes, a topic longer than its packet, and packet id 0", () => {
  expect(run(1_000_000_000, [Buffer.from([0x30, 0xff, 0xff, 0xff, 0xff, 1])]).oversized).toHaveLength(1);
  expect(run(100, [Buffer.from([0x30, 3, 0, 9, 0x61])]).malformed).toHaveLength(1);
  expect(run(100, [Buffer.from([0x32, 5, 0, 1, 0x61, 0, 0])]).malformed).toHaveLength(1);
});

it("hands over nothing after a broken packet", () => {
  const bytes = Buffer.concat([Buffer.from([0x30, 3, 0, 9, 0x61]), publish("a", Buffer.from("x"), 0)]);
  expect(run(100, [bytes, bytes]).frames).toEqual([]);
});

it("leaves a publish that comes first of all to the broker, and holds one that comes before its CONNECT is answered", () => {
  const early = publish("a", Buffer.from("x"), 1);
  expect(Buffer.concat(run(100, [early], false).passed)).toEqual(early);
  const connect = frame(0x10, Buffer.alloc(10));
  const seen = run(100, [Buffer.concat([connect, early])], false);
  expect(Buffer.concat(seen.passed)).toEqual(connect);
  expect(seen.frames).toEqual([]);
});
