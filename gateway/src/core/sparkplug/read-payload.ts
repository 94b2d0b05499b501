import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import type { Decoded } from "@frostlight/contract";

import { type SparkplugDataType, sparkplugDataTypes, type SparkplugRaw } from "./data-type.ts";
import { sparkplugLimits, type SparkplugMetric, type SparkplugPayload, type SparkplugProperty } from "./payload.ts";

const maxTimeMs = 8_640_000_000_000_000n;

/** Reads a Sparkplug B payload. Unknown fields are passed over. Never throws. */
export function decodeSparkplug(bytes: Uint8Array): Decoded<SparkplugPayload> {
  if (bytes.byteLength > sparkplugLimits.payloadBytes) return invalid(`${bytes.byteLength} bytes`);
  try {
    return { kind: "ok", value: readPayload(bytes) };
  } catch (error) {
    // The reader throws on bytes that are no message of Protocol Buffers.
    return invalid(error instanceof Error ? error.message : String(error));
  }
}

function invalid(found: string): Decoded<never> {
  return { kind: "invalid", reason: `not-sparkplug: expected a Sparkplug B payload, found ${found}` };
}

type FieldReader = (field: number, wire: WireType, reader: BinaryReader) => boolean;

/** Gives each field to `read`; what it does not take (false) is passed over. A field of the wrong wire type is not taken. */
function readFields(bytes: Uint8Array, read: FieldReader): void {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, wire] = reader.tag();
    if (!read(field, wire, reader)) reader.skip(wire, field);
  }
}

function readPayload(bytes: Uint8Array): SparkplugPayload {
  let timestampMs: number | null = null;
  let seq: number | null = null;
  const metrics: SparkplugMetric[] = [];
  readFields(bytes, (field, wire, reader) => {
    if (field === 1 && wire === WireType.Varint) timestampMs = readTime(reader);
    else if (field === 2 && wire === WireType.LengthDelimited) {
      if (metrics.length === sparkplugLimits.metrics) throw new RangeError(`more than ${metrics.length} metrics`);
      metrics.push(readMetric(reader.bytes()));
    } else if (field === 3 && wire === WireType.Varint) {
      const number = BigInt(reader.uint64());
      seq = number <= 255n ? Number(number) : null;
    } else return false;
    return true;
  });
  return { timestampMs, seq, metrics };
}

function readMetric(bytes: Uint8Array): SparkplugMetric {
  let name: string | null = null;
  let alias: bigint | null = null;
  let timestampMs: number | null = null;
  let dataType: SparkplugDataType | null = null;
  let isHistorical = false;
  let isTransient = false;
  let isNull = false;
  let raw: SparkplugRaw | null = null;
  let properties: ReadonlyMap<string, SparkplugProperty> = new Map();
  readFields(bytes, (field, wire, reader) => {
    if (field === 1 && wire === WireType.LengthDelimited) name = readName(reader);
    else if (field === 2 && wire === WireType.Varint) alias = BigInt(reader.uint64());
    else if (field === 3 && wire === WireType.Varint) timestampMs = readTime(reader);
    else if (field === 4 && wire === WireType.Varint) dataType = readDataType(reader);
    else if (field === 5 && wire === WireType.Varint) isHistorical = reader.bool();
    else if (field === 6 && wire === WireType.Varint) isTransient = reader.bool();
    else if (field === 7 && wire === WireType.Varint) isNull = reader.bool();
    else if (field === 9 && wire === WireType.LengthDelimited) properties = readProperties(reader.bytes());
    else {
      const value = readRaw(field, wire, reader, 0);
      if (value === undefined) return false;
      raw = value;
    }
    return true;
  });
  return {
    name,
    alias,
    timestampMs,
    dataType,
    isHistorical,
    isTransient,
    raw: isNull ? null : raw,
    properties,
  };
}

function readProperties(bytes: Uint8Array): ReadonlyMap<string, SparkplugProperty> {
  const keys: string[] = [];
  const values: SparkplugProperty[] = [];
  readFields(bytes, (field, wire, reader) => {
    if (wire !== WireType.LengthDelimited || (field !== 1 && field !== 2)) return false;
    if ((field === 1 ? keys : values).length === sparkplugLimits.properties)
      throw new RangeError("too many properties");
    if (field === 1) keys.push(readName(reader));
    else values.push(readProperty(reader.bytes()));
    return true;
  });
  return new Map(
    keys.flatMap((key, index) => {
      const value = values[index];
      return value === undefined ? [] : [[key, value] as const];
    }),
  );
}

function readProperty(bytes: Uint8Array): SparkplugProperty {
  let dataType: SparkplugDataType | null = null;
  let isNull = false;
  let raw: SparkplugRaw | null = null;
  readFields(bytes, (field, wire, reader) => {
    if (field === 1 && wire === WireType.Varint) dataType = readDataType(reader);
    else if (field === 2 && wire === WireType.Varint) isNull = reader.bool();
    else {
      const value = readRaw(field, wire, reader, 7);
      if (value === undefined) return false;
      raw = value;
    }
    return true;
  });
  return { dataType, raw: isNull ? null : raw };
}

/** A field of the `oneof value`; its numbers begin at 10 in a metric, at 3 in a property (`shift` 7). */
function readRaw(field: number, wire: WireType, reader: BinaryReader, shift: number): SparkplugRaw | undefined {
  const number = field + shift;
  if (number === 10 && wire === WireType.Varint) return { field: "int", value: reader.uint32() };
  if (number === 11 && wire === WireType.Varint) return { field: "long", value: BigInt(reader.uint64()) };
  if (number === 12 && wire === WireType.Bit32) return { field: "float", value: shortest(reader.float()) };
  if (number === 13 && wire === WireType.Bit64) return { field: "double", value: reader.double() };
  if (number === 14 && wire === WireType.Varint) return { field: "boolean", value: reader.bool() };
  if (wire !== WireType.LengthDelimited || number < 15 || number > 19) return undefined;
  if (number === 15) return { field: "string", value: reader.string() };
  const bytes = reader.bytes();
  return number === 16 && shift === 0 ? { field: "bytes", value: bytes.slice() } : { field: "structure" };
}

/** The decimal number that a 32-bit float stands for: -18.2, not -18.200000762939453. */
function shortest(float: number): number {
  if (!Number.isFinite(float)) return float;
  for (let digits = 6; digits < 9; digits += 1) {
    const short = Number(float.toPrecision(digits));
    if (Math.fround(short) === float) return short;
  }
  return float;
}

function readName(reader: BinaryReader): string {
  const name = reader.string();
  if (name.length > sparkplugLimits.nameLength) throw new RangeError(`a name of ${name.length} characters`);
  return name;
}

function readTime(reader: BinaryReader): number | null {
  const time = BigInt(reader.uint64());
  return time <= maxTimeMs ? Number(time) : null;
}

function readDataType(reader: BinaryReader): SparkplugDataType | null {
  return sparkplugDataTypes[reader.uint32()] ?? null;
}
