/** Opset version of ONNX's own operators in a model file, or undefined when the bytes are no ONNX model (onnx.proto, ModelProto.opset_import = 8). */
export function readOpset(bytes: Uint8Array): number | undefined {
  let opset: number | undefined;
  for (const field of fields(bytes)) {
    if (field === "broken") return undefined;
    if (field.number !== 8 || field.bytes === undefined) continue;
    let domain = "";
    let version: number | undefined;
    for (const inner of fields(field.bytes)) {
      if (inner === "broken") return undefined;
      if (inner.number === 1 && inner.bytes !== undefined) domain = Buffer.from(inner.bytes).toString("utf8");
      if (inner.number === 2) version = inner.value;
    }
    if (domain === "" || domain === "ai.onnx") opset = version;
  }
  return opset;
}

interface Field {
  readonly number: number;
  readonly value: number | undefined;
  readonly bytes: Uint8Array | undefined;
}

/** Fields of a protobuf message; "broken" once, when the bytes are not one. */
function* fields(bytes: Uint8Array): Generator<Field | "broken"> {
  let at = 0;
  const varint = (): number | undefined => {
    let value = 0;
    for (let shift = 0; shift < 64; shift += 7) {
      const byte = bytes[at];
      if (byte === undefined) return undefined;
      at += 1;
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
    return undefined;
  };
  while (at < bytes.length) {
    const key = varint();
    if (key === undefined || key < 8) {
      yield "broken";
      return;
    }
    const number = Math.floor(key / 8);
    const wire = key % 8;
    if (wire === 0) {
      const value = varint();
      if (value === undefined) {
        yield "broken";
        return;
      }
      yield { number, value, bytes: undefined };
    } else if (wire === 2) {
      const length = varint();
      if (length === undefined || at + length > bytes.length) {
        yield "broken";
        return;
      }
      yield { number, value: undefined, bytes: bytes.subarray(at, at + length) };
      at += length;
    } else if (wire === 1 || wire === 5) {
      at += wire === 1 ? 8 : 4;
      if (at > bytes.length) {
        yield "broken";
        return;
      }
      yield { number, value: undefined, bytes: undefined };
    } else {
      {
        yield "broken";
        return;
      }
    }
  }
}
