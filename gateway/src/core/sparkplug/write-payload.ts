import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";

import { type SparkplugRaw, sparkplugDataTypes } from "./data-type.ts";
import type { SparkplugMetric, SparkplugPayload, SparkplugProperty } from "./payload.ts";

/** Field numbers of the `oneof value` in a metric; a property's are those minus 7, without bytes. */
const metricFields = { int: 10, long: 11, float: 12, double: 13, boolean: 14, string: 15, bytes: 16 } as const;
const propertyShift = 7;

/** A payload as the bytes of its Protocol Buffers message, fields in order of their numbers. Structures are left out. */
export function encodeSparkplug(payload: SparkplugPayload): Uint8Array {
  const writer = new BinaryWriter();
  if (payload.timestampMs !== null) writer.tag(1, WireType.Varint).uint64(BigInt(payload.timestampMs));
  for (const metric of payload.metrics) {
    writer.tag(2, WireType.LengthDelimited).fork();
    writeMetric(writer, metric);
    writer.join();
  }
  if (payload.seq !== null) writer.tag(3, WireType.Varint).uint64(BigInt(payload.seq));
  return writer.finish();
}

function writeMetric(writer: BinaryWriter, metric: SparkplugMetric): void {
  if (metric.name !== null) writer.tag(1, WireType.LengthDelimited).string(metric.name);
  if (metric.alias !== null) writer.tag(2, WireType.Varint).uint64(metric.alias);
  if (metric.timestampMs !== null) writer.tag(3, WireType.Varint).uint64(BigInt(metric.timestampMs));
  if (metric.dataType !== null) writer.tag(4, WireType.Varint).uint32(sparkplugDataTypes.indexOf(metric.dataType));
  if (metric.isHistorical) writer.tag(5, WireType.Varint).bool(true);
  if (metric.isTransient) writer.tag(6, WireType.Varint).bool(true);
  if (metric.raw === null) writer.tag(7, WireType.Varint).bool(true);
  if (metric.properties.size > 0) {
    writer.tag(9, WireType.LengthDelimited).fork();
    for (const key of metric.properties.keys()) writer.tag(1, WireType.LengthDelimited).string(key);
    for (const property of metric.properties.values()) {
      writer.tag(2, WireType.LengthDelimited).fork();
      writeProperty(writer, property);
      writer.join();
    }
    writer.join();
  }
  if (metric.raw !== null) writeRaw(writer, metric.raw, 0);
}

function writeProperty(writer: BinaryWriter, property: SparkplugProperty): void {
  if (property.dataType !== null) writer.tag(1, WireType.Varint).uint32(sparkplugDataTypes.indexOf(property.dataType));
  if (property.raw === null) writer.tag(2, WireType.Varint).bool(true);
  else writeRaw(writer, property.raw, propertyShift);
}

function writeRaw(writer: BinaryWriter, raw: SparkplugRaw, shift: number): void {
  if (raw.field === "structure") return;
  const field = metricFields[raw.field] - shift;
  switch (raw.field) {
    case "int":
      writer.tag(field, WireType.Varint).uint32(raw.value);
      break;
    case "long":
      writer.tag(field, WireType.Varint).uint64(raw.value);
      break;
    case "float":
      writer.tag(field, WireType.Bit32).float(raw.value);
      break;
    case "double":
      writer.tag(field, WireType.Bit64).double(raw.value);
      break;
    case "boolean":
      writer.tag(field, WireType.Varint).bool(raw.value);
      break;
    case "string":
      writer.tag(field, WireType.LengthDelimited).string(raw.value);
      break;
    case "bytes":
      writer.tag(field, WireType.LengthDelimited).bytes(raw.value);
      break;
  }
}
