/**
 * Writes small ONNX models for tests (onnx.proto of ONNX 1.17: field numbers in the comments below). What it writes may be
 * wrong on purpose.
 */

const dataTypes = { float32: 1, uint8: 2, int32: 6, int64: 7, bool: 9, float16: 10, float64: 11 } as const;
type OnnxType = keyof typeof dataTypes;

type AttributeValue =
  | { readonly int: number }
  | { readonly ints: readonly number[] }
  | { readonly float: number }
  | { readonly text: string }
  | { readonly tensor: Uint8Array }
  | { readonly graph: Uint8Array };

export interface OnnxGraph {
  readonly nodes: readonly Uint8Array[];
  readonly initializers?: readonly Uint8Array[];
  readonly inputs?: readonly Uint8Array[];
  readonly outputs: readonly Uint8Array[];
}

/** Field of wire type 0. Negative numbers take ten bytes, as int64 does. */
function number(field: number, value: number): Uint8Array {
  return Uint8Array.from([...varint(BigInt(field * 8)), ...varint(BigInt.asUintN(64, BigInt(value)))]);
}

/** Field of wire type 2. */
function bytes(field: number, value: Uint8Array | string): Uint8Array {
  const content = Buffer.from(value);
  return Buffer.concat([
    Uint8Array.from([...varint(BigInt(field * 8 + 2)), ...varint(BigInt(content.length))]),
    content,
  ]);
}

function varint(value: bigint): number[] {
  const found: number[] = [];
  let rest = value;
  do {
    const low = Number(rest & 127n);
    rest >>= 7n;
    found.push(rest === 0n ? low : low | 128);
  } while (rest !== 0n);
  return found;
}

const join = (parts: readonly Uint8Array[]): Uint8Array => Buffer.concat(parts);

/** NodeProto: input 1, output 2, op_type 4, attribute 5, domain 7. */
export function node(
  operator: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: Readonly<Record<string, AttributeValue>> = {},
  domain = "",
): Uint8Array {
  return join([
    ...inputs.map((name) => bytes(1, name)),
    ...outputs.map((name) => bytes(2, name)),
    bytes(4, operator),
    ...Object.entries(attributes).map(([name, value]) => bytes(5, attribute(name, value))),
    ...(domain === "" ? [] : [bytes(7, domain)]),
  ]);
}

/** AttributeProto: name 1, f 2, i 3, s 4, t 5, g 6, ints 8, type 20. */
function attribute(name: string, value: AttributeValue): Uint8Array {
  if ("int" in value) return join([bytes(1, name), number(3, value.int), number(20, 2)]);
  if ("ints" in value) return join([bytes(1, name), ...value.ints.map((one) => number(8, one)), number(20, 7)]);
  if ("text" in value) return join([bytes(1, name), bytes(4, value.text), number(20, 3)]);
  if ("tensor" in value) return join([bytes(1, name), bytes(5, value.tensor), number(20, 4)]);
  if ("graph" in value) return join([bytes(1, name), bytes(6, value.graph), number(20, 5)]);
  const float = Buffer.alloc(5);
  float[0] = 2 * 8 + 5;
  float.writeFloatLE(value.float, 1);
  return join([bytes(1, name), float, number(20, 1)]);
}

/** TensorProto: dims 1, data_type 2, name 8, raw_data 9. `dims` need not fit the data. */
export function tensor(
  name: string,
  type: OnnxType,
  dims: readonly number[],
  data: Float32Array | Int32Array | BigInt64Array | Uint8Array | Uint16Array,
): Uint8Array {
  return join([
    ...dims.map((dim) => number(1, dim)),
    number(2, dataTypes[type]),
    bytes(8, name),
    bytes(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)),
  ]);
}

export const int64s = (name: string, ...values: readonly number[]): Uint8Array =>
  tensor(name, "int64", [values.length], BigInt64Array.from(values, BigInt));

export const floats = (name: string, dims: readonly number[], values: readonly number[]): Uint8Array =>
  tensor(name, "float32", dims, Float32Array.from(values));

/** A tensor whose numbers lie in another file: external_data 13 (key 1, value 2), data_location 14. */
export function externalTensor(name: string, dims: readonly number[], location: string): Uint8Array {
  return join([
    ...dims.map((dim) => number(1, dim)),
    number(2, dataTypes.float32),
    bytes(8, name),
    bytes(13, join([bytes(1, "location"), bytes(2, location)])),
    number(14, 1),
  ]);
}

/** ValueInfoProto: name 1, type 2 { tensor_type 1 { elem_type 1, shape 2 { dim 1 { value 1 | param 2 } } } }. */
export function value(name: string, type: OnnxType, dims: readonly (number | string)[]): Uint8Array {
  const shape = join(dims.map((dim) => bytes(1, typeof dim === "string" ? bytes(2, dim) : number(1, dim))));
  return join([bytes(1, name), bytes(2, bytes(1, join([number(1, dataTypes[type]), bytes(2, shape)])))]);
}

/** GraphProto: node 1, name 2, initializer 5, input 11, output 12. */
export function graph({ nodes, initializers = [], inputs = [], outputs }: OnnxGraph): Uint8Array {
  return join([
    ...nodes.map((one) => bytes(1, one)),
    bytes(2, "g"),
    ...initializers.map((one) => bytes(5, one)),
    ...inputs.map((one) => bytes(11, one)),
    ...outputs.map((one) => bytes(12, one)),
  ]);
}

/** ModelProto: ir_version 1, graph 7, opset_import 8 { domain 1, version 2 }. */
export function model(parts: OnnxGraph, opset = 17, domains: readonly string[] = []): Uint8Array {
  return join([
    number(1, 8),
    bytes(7, graph(parts)),
    bytes(8, number(2, opset)),
    ...domains.map((domain) => bytes(8, join([bytes(1, domain), number(2, 1)]))),
  ]);
}
