/** Sparkplug B 3.0, section 6.4.16: the indexes of the data types on the wire. */
export const sparkplugDataTypes = [
  "Unknown",
  "Int8",
  "Int16",
  "Int32",
  "Int64",
  "UInt8",
  "UInt16",
  "UInt32",
  "UInt64",
  "Float",
  "Double",
  "Boolean",
  "String",
  "DateTime",
  "Text",
  "UUID",
  "DataSet",
  "Bytes",
  "File",
  "Template",
  "PropertySet",
  "PropertySetList",
] as const;
export type SparkplugDataType = (typeof sparkplugDataTypes)[number];

/** What stood on the wire, by the field of the `oneof`: its meaning depends on the data type, which only births carry. */
export type SparkplugRaw =
  | { readonly field: "int" | "float" | "double"; readonly value: number }
  | { readonly field: "long"; readonly value: bigint }
  | { readonly field: "boolean"; readonly value: boolean }
  | { readonly field: "string"; readonly value: string }
  | { readonly field: "bytes"; readonly value: Uint8Array }
  /** A data set, template, property set or extension: not read. */
  | { readonly field: "structure" };

/** A value with its meaning. 64-bit integers beyond 2^53 lose precision; a structure or a mismatch is undefined. */
export type SparkplugValue = number | boolean | string | Uint8Array;

const integerBits: Readonly<Partial<Record<SparkplugDataType, number>>> = {
  Int8: -8,
  Int16: -16,
  Int32: -32,
  Int64: -64,
  UInt8: 8,
  UInt16: 16,
  UInt32: 32,
  UInt64: 64,
  DateTime: 64,
};

/**
 * The value of a raw field under a data type. Signed integers travel as two's complement in unsigned fields (section
 * 6.4.16), by some senders in 32 bits and by some cut to their own width: both come out right. Without a data type the
 * field decides, and integers are undefined, because their sign is unknown.
 */
export function interpretSparkplug(raw: SparkplugRaw, dataType: SparkplugDataType | null): SparkplugValue | undefined {
  if (raw.field === "structure") return undefined;
  if (raw.field !== "int" && raw.field !== "long") return raw.value;
  const bits = dataType === null ? undefined : integerBits[dataType];
  if (bits !== undefined) {
    const wide = BigInt(raw.value);
    return Number(bits < 0 ? BigInt.asIntN(-bits, wide) : BigInt.asUintN(bits, wide));
  }
  if (dataType === "Boolean") return Number(raw.value) !== 0;
  return dataType === "Float" || dataType === "Double" ? Number(raw.value) : undefined;
}

/** The wire form of a value of a data type. Throws a TypeError when the value is not of that type. */
export function rawSparkplug(value: SparkplugValue, dataType: SparkplugDataType): SparkplugRaw {
  const bits = integerBits[dataType];
  if (bits !== undefined && typeof value === "number" && Number.isInteger(value)) {
    const unsigned = BigInt.asUintN(Math.abs(bits) === 64 ? 64 : 32, BigInt(value));
    return Math.abs(bits) === 64 ? { field: "long", value: unsigned } : { field: "int", value: Number(unsigned) };
  }
  if (dataType === "Float" && typeof value === "number") return { field: "float", value };
  if (dataType === "Double" && typeof value === "number") return { field: "double", value };
  if (dataType === "Boolean" && typeof value === "boolean") return { field: "boolean", value };
  const isText = dataType === "String" || dataType === "Text" || dataType === "UUID";
  if (isText && typeof value === "string") return { field: "string", value };
  if ((dataType === "Bytes" || dataType === "File") && value instanceof Uint8Array) return { field: "bytes", value };
  throw new TypeError(`sparkplug: ${typeof value} is no ${dataType}`);
}
