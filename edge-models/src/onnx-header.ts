/** What an ONNX file says about itself, read before ONNX Runtime sees it. */
interface ModelFacts {
  /** Of ONNX's own operators. */
  readonly opset: number;
  /** Domains of the operators used, without those the model defines itself. */
  readonly domains: ReadonlySet<string>;
  /** Tensors whose numbers lie in other files. */
  readonly externalTensors: readonly string[];
  /** Memory the tensors of the file take. */
  readonly tensorBytes: number;
}

/** Deeper nests of graphs in graphs are refused. */
const maxDepth = 16;
/** TensorProto.DataType → bytes of one number; others count as 8. */
const bytesOfType: Readonly<Record<number, number>> = { 1: 4, 2: 1, 3: 1, 4: 2, 5: 2, 6: 4, 9: 1, 10: 2, 12: 4, 16: 2 };

/** Undefined when the bytes are no ONNX model (onnx.proto of ONNX 1.17; the numbers are those of its fields). */
export function readModelFacts(bytes: Uint8Array): ModelFacts | undefined {
  const facts = { domains: new Set<string>(), externalTensors: [] as string[], tensorBytes: 0 };
  const own = new Set<string>();
  let opset: number | undefined;
  let hasGraph = false;
  try {
    for (const field of fields(bytes)) {
      if (field.bytes === undefined) continue;
      if (field.number === 7) {
        hasGraph = true;
        readGraph(field.bytes, facts, 0);
      } else if (field.number === 8) {
        const { domain, version } = readOpset(field.bytes);
        if (domain === "") opset = version;
      } else if (field.number === 25) {
        own.add(readFunction(field.bytes, facts));
      }
    }
  } catch (error) {
    if (error instanceof BrokenError) return undefined;
    throw error;
  }
  if (opset === undefined || !hasGraph) return undefined;
  return { ...facts, opset, domains: new Set([...facts.domains].filter((domain) => !own.has(domain))) };
}

interface Found {
  readonly domains: Set<string>;
  readonly externalTensors: string[];
  tensorBytes: number;
}

class BrokenError extends Error {}

/** OperatorSetIdProto: domain 1, version 2. */
function readOpset(bytes: Uint8Array): { domain: string; version: number | undefined } {
  let domain = "";
  let version: number | undefined;
  for (const field of fields(bytes)) {
    if (field.number === 1 && field.bytes !== undefined) domain = domainOf(field.bytes);
    if (field.number === 2) version = field.value;
  }
  return { domain, version };
}

/** GraphProto: node 1, initializer 5, sparse_initializer 15 { values 1, indices 2 }. */
function readGraph(bytes: Uint8Array, found: Found, depth: number): void {
  if (depth > maxDepth) throw new BrokenError("too deep");
  for (const field of fields(bytes)) {
    if (field.bytes === undefined) continue;
    if (field.number === 1) readNode(field.bytes, found, depth);
    else if (field.number === 5) readTensor(field.bytes, found);
    else if (field.number === 15) readSparse(field.bytes, found);
  }
}

/** FunctionProto: node 7, domain 10. Gives its domain. */
function readFunction(bytes: Uint8Array, found: Found): string {
  let domain = "";
  for (const field of fields(bytes)) {
    if (field.bytes === undefined) continue;
    if (field.number === 7) readNode(field.bytes, found, 0);
    else if (field.number === 10) domain = domainOf(field.bytes);
  }
  return domain;
}

/** NodeProto: attribute 5 { t 5, g 6, tensors 10, graphs 11, sparse_tensor 22 }, domain 7. */
function readNode(bytes: Uint8Array, found: Found, depth: number): void {
  let domain = "";
  for (const field of fields(bytes)) {
    if (field.bytes === undefined) continue;
    if (field.number === 7) domain = domainOf(field.bytes);
    if (field.number !== 5) continue;
    for (const inner of fields(field.bytes)) {
      if (inner.bytes === undefined) continue;
      if (inner.number === 5 || inner.number === 10) readTensor(inner.bytes, found);
      else if (inner.number === 6 || inner.number === 11) readGraph(inner.bytes, found, depth + 1);
      else if (inner.number === 22) readSparse(inner.bytes, found);
    }
  }
  found.domains.add(domain);
}

/** SparseTensorProto: values 1, indices 2, dims 3: what it becomes when it is filled. */
function readSparse(bytes: Uint8Array, found: Found): void {
  let count = 1;
  for (const field of fields(bytes)) {
    if (field.number === 3) for (const size of numbersOf(field)) count *= size;
  }
  found.tensorBytes += count * 8;
}

/** TensorProto: dims 1, data_type 2, name 8, external_data 13, data_location 14 (1: external). */
function readTensor(bytes: Uint8Array, found: Found): void {
  let count = 1;
  let type = 0;
  let name = "";
  let isExternal = false;
  for (const field of fields(bytes)) {
    if (field.number === 1) for (const size of numbersOf(field)) count *= size;
    else if (field.number === 2) type = field.value ?? 0;
    else if (field.number === 8 && field.bytes !== undefined) name = textOf(field.bytes);
    else if (field.number === 13 || (field.number === 14 && field.value === 1)) isExternal = true;
  }
  if (isExternal) found.externalTensors.push(name);
  found.tensorBytes += count * (bytesOfType[type] ?? 8);
}

function domainOf(bytes: Uint8Array): string {
  const domain = textOf(bytes);
  return domain === "ai.onnx" ? "" : domain;
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.subarray(0, 200)).toString("utf8");
}

/** A repeated whole number: one, or several packed. */
function numbersOf(field: Field): readonly number[] {
  if (field.bytes === undefined) return [field.value ?? 0];
  const found: number[] = [];
  for (let at = 0; at < field.bytes.length;) {
    const [value, next] = varint(field.bytes, at);
    found.push(value);
    at = next;
  }
  return found;
}

interface Field {
  readonly number: number;
  /** Of wire type 0. */
  readonly value: number | undefined;
  /** Of wire type 2. */
  readonly bytes: Uint8Array | undefined;
}

/** Fields of a protobuf message. */
function* fields(bytes: Uint8Array): Generator<Field> {
  let at = 0;
  while (at < bytes.length) {
    const [key, start] = varint(bytes, at);
    const number = Math.floor(key / 8);
    if (number === 0) throw new BrokenError("field 0");
    const wire = key % 8;
    if (wire === 0) {
      const [value, next] = varint(bytes, start);
      at = next;
      yield { number, value, bytes: undefined };
    } else if (wire === 2) {
      const [length, next] = varint(bytes, start);
      at = next + length;
      if (at > bytes.length) throw new BrokenError("cut short");
      yield { number, value: undefined, bytes: bytes.subarray(next, at) };
    } else if (wire === 1 || wire === 5) {
      at = start + (wire === 1 ? 8 : 4);
      if (at > bytes.length) throw new BrokenError("cut short");
      yield { number, value: undefined, bytes: undefined };
    } else {
      throw new BrokenError(`wire type ${wire}`);
    }
  }
}

/** The number and where the next thing starts. Above 2⁵³ the number is only roughly right, and too large anyway. */
function varint(bytes: Uint8Array, start: number): readonly [value: number, next: number] {
  let value = 0;
  for (let at = start; at < start + 10; at += 1) {
    const byte = bytes[at];
    if (byte === undefined) throw new BrokenError("cut short");
    value += (byte & 127) * 2 ** ((at - start) * 7);
    if (byte < 128) return [value, at + 1];
  }
  throw new BrokenError("number too long");
}
