import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import {
  crc16,
  encodeRequest,
  type Framing,
  isBits,
  readAnswer,
  type ReadRequest,
  registerKinds,
} from "./modbus-frames.ts";
import { inlineRegister } from "./modbus-map.ts";
import { planBlocks } from "./modbus-registers.ts";

const request: fc.Arbitrary<ReadRequest> = fc.record({
  unit: fc.integer({ min: 0, max: 255 }),
  kind: fc.constantFrom(...registerKinds),
  address: fc.integer({ min: 0, max: 65_400 }),
  count: fc.integer({ min: 1, max: 125 }),
});
const framing = fc.constantFrom<Framing>("tcp", "rtu");

/** What a device would send. */
function answerTo(framing: Framing, asked: ReadRequest, transactionId: number, values: readonly number[]): Buffer {
  const isBit = isBits(asked.kind);
  const data = Buffer.alloc(isBit ? Math.ceil(asked.count / 8) : asked.count * 2);
  for (const [index, value] of values.entries()) {
    if (!isBit) data.writeUInt16BE(value, index * 2);
    else data.writeUInt8(data.readUInt8(index >> 3) | ((value & 1) << (index & 7)), index >> 3);
  }
  const code = { coil: 1, discrete: 2, holding: 3, input: 4 }[asked.kind];
  const body = Buffer.concat([Buffer.from([asked.unit, code, data.length]), data]);
  const rest = Buffer.alloc(framing === "tcp" ? 6 : 2);
  if (framing === "rtu") {
    rest.writeUInt16LE(crc16(body));
    return Buffer.concat([body, rest]);
  }
  rest.writeUInt16BE(transactionId, 0);
  rest.writeUInt16BE(body.length, 4);
  return Buffer.concat([rest, body]);
}

it("has the check sum of the specification's example", () => {
  // Modbus over Serial Line V1.02, section 6.2.2: address 2, function 7 gives 4112h, low byte first 41 12.
  expect(crc16(Buffer.from([2, 7]))).toBe(0x1241);
});

it("asks as the specification's example does", () => {
  // Application Protocol V1.1b3, section 6.3: registers 108 to 110.
  const bytes = encodeRequest("tcp", { unit: 17, kind: "holding", address: 107, count: 3 }, 1);
  expect(bytes.toString("hex")).toBe("0001000000061103006b0003");
});

describe("answers", () => {
  const scenario = fc.tuple(framing, request, fc.integer({ min: 0, max: 65_535 })).chain(([wire, asked, id]) =>
    fc
      .array(fc.integer({ min: 0, max: isBits(asked.kind) ? 1 : 65_535 }), {
        minLength: asked.count,
        maxLength: asked.count,
      })
      .map((values) => ({ wire, asked, id, values })),
  );

  it("come back as the values that were sent, and every beginning of one is incomplete", () => {
    fc.assert(
      fc.property(scenario, fc.nat(), ({ wire, asked, id, values }, cut) => {
        const bytes = answerTo(wire, asked, id, values);
        expect(readAnswer(wire, bytes, asked, id)).toEqual({ kind: "values", values, consumed: bytes.length });
        expect(readAnswer(wire, bytes.subarray(0, cut % bytes.length), asked, id)).toEqual({ kind: "incomplete" });
      }),
    );
  });

  it("with one flipped bit never give other values over RTU", () => {
    fc.assert(
      fc.property(scenario, fc.nat(), ({ asked, id, values }, position) => {
        const bytes = answerTo("rtu", asked, id, values);
        const bit = position % (bytes.length * 8);
        bytes.writeUInt8(bytes.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
        expect(readAnswer("rtu", bytes, asked, id).kind).not.toBe("values");
      }),
    );
  });

  it("of any bytes are judged without a throw and without an endless frame", () => {
    fc.assert(
      fc.property(framing, request, fc.uint8Array({ maxLength: 300 }), (wire, asked, bytes) => {
        const answer = readAnswer(wire, Buffer.from(bytes), asked, 1);
        expect(answer.kind !== "incomplete" || bytes.length < 261).toBe(true);
        expect("consumed" in answer ? answer.consumed : 1).toBeGreaterThan(0);
      }),
      { numRuns: 2_000 },
    );
  });
});

it("plans blocks that hold every register whole, never overlap and stay within the limits", () => {
  const register = fc
    .record({
      kind: fc.constantFrom(...registerKinds),
      address: fc.integer({ min: 0, max: 200 }),
      type: fc.constantFrom("int16", "uint16", "int32", "float32"),
    })
    .map((shape) => {
      const parsed = inlineRegister.parse(shape);
      return { ...parsed, wireAddress: parsed.address };
    });
  const limits = fc.record({ maxRegisters: fc.integer({ min: 1, max: 125 }), maxGap: fc.integer({ min: 0, max: 8 }) });
  fc.assert(
    fc.property(fc.array(register, { maxLength: 60 }), limits, (registers, { maxRegisters, maxGap }) => {
      const blocks = planBlocks(registers, { maxRegisters, maxGap });
      expect(blocks.flatMap((block) => block.registers)).toHaveLength(registers.length);
      for (const block of blocks) {
        expect(isBits(block.kind) || block.count <= Math.max(2, maxRegisters)).toBe(true);
        for (const { kind, wireAddress, type } of block.registers) {
          const width = isBits(kind) || !type.endsWith("32") ? 1 : 2;
          expect(kind).toBe(block.kind);
          expect(wireAddress).toBeGreaterThanOrEqual(block.address);
          expect(wireAddress + width).toBeLessThanOrEqual(block.address + block.count);
        }
      }
    }),
  );
});
