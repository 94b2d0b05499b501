/** The four tables of a Modbus device (Application Protocol V1.1b3, section 4.3). Only reading exists here. */
export const registerKinds = ["coil", "discrete", "holding", "input"] as const;
export type RegisterKind = (typeof registerKinds)[number];

/** What one request asks: `count` bits or 16-bit registers from `address` (counted from 0) of one unit. */
export interface ReadRequest {
  readonly unit: number;
  readonly kind: RegisterKind;
  readonly address: number;
  readonly count: number;
}

/** `tcp`: MBAP header. `rtu`: serial frames with CRC, also when a gateway passes them through over TCP. */
export type Framing = "tcp" | "rtu";

/** What the bytes received so far are, seen from the one request that is open. */
export type Answer =
  | { readonly kind: "incomplete" }
  /** Registers, or one 0/1 per bit, `count` of them. */
  | { readonly kind: "values"; readonly values: readonly number[]; readonly consumed: number }
  | { readonly kind: "exception"; readonly code: number; readonly consumed: number }
  /** A whole frame that answers something else: an earlier request, another unit. */
  | { readonly kind: "foreign"; readonly found: string; readonly consumed: number }
  /** Not Modbus: nothing after it can be trusted either. */
  | { readonly kind: "garbage"; readonly found: string };

const functionCodes: Readonly<Record<RegisterKind, number>> = { coil: 1, discrete: 2, holding: 3, input: 4 };
const mbapBytes = 7;
/** Longest PDU by the specification, plus the unit id. */
const maxMbapLength = 254;

export function isBits(kind: RegisterKind): boolean {
  return kind === "coil" || kind === "discrete";
}

export function encodeRequest(framing: Framing, request: ReadRequest, transactionId: number): Buffer {
  const body = Buffer.alloc(6);
  body.writeUInt8(request.unit, 0);
  body.writeUInt8(functionCodes[request.kind], 1);
  body.writeUInt16BE(request.address, 2);
  body.writeUInt16BE(request.count, 4);
  if (framing === "rtu") {
    const crc = Buffer.alloc(2);
    crc.writeUInt16LE(crc16(body));
    return Buffer.concat([body, crc]);
  }
  const header = Buffer.alloc(6);
  header.writeUInt16BE(transactionId, 0);
  header.writeUInt16BE(body.length, 4);
  return Buffer.concat([header, body]);
}

/** Reads the beginning of `bytes` as the answer to `request`. Never throws, whatever the bytes. */
export function readAnswer(framing: Framing, bytes: Buffer, request: ReadRequest, transactionId: number): Answer {
  return framing === "tcp" ? readTcp(bytes, request, transactionId) : readRtu(bytes, request);
}

function readTcp(bytes: Buffer, request: ReadRequest, transactionId: number): Answer {
  if (bytes.length < mbapBytes) return { kind: "incomplete" };
  const protocol = bytes.readUInt16BE(2);
  const length = bytes.readUInt16BE(4);
  if (protocol !== 0 || length < 3 || length > maxMbapLength) {
    return { kind: "garbage", found: `header ${bytes.subarray(0, mbapBytes).toString("hex")}` };
  }
  const consumed = 6 + length;
  if (bytes.length < consumed) return { kind: "incomplete" };
  const id = bytes.readUInt16BE(0);
  if (id !== transactionId) return { kind: "foreign", found: `transaction ${id}, expected ${transactionId}`, consumed };
  const unit = bytes.readUInt8(6);
  if (unit !== request.unit) return { kind: "foreign", found: `unit ${unit}, expected ${request.unit}`, consumed };
  const answer = readBody(bytes.subarray(mbapBytes, consumed), request);
  return "found" in answer ? { kind: "foreign", found: answer.found, consumed } : { ...answer, consumed };
}

/** A serial frame has no length field: the expected one decides where it ends, the CRC whether it is one. */
function readRtu(bytes: Buffer, request: ReadRequest): Answer {
  if (bytes.length < 5) return { kind: "incomplete" };
  const isException = (bytes.readUInt8(1) & 0x80) !== 0;
  const consumed = isException ? 5 : 3 + bytes.readUInt8(2) + 2;
  if (bytes.length < consumed) return { kind: "incomplete" };
  const frame = bytes.subarray(0, consumed);
  if (crc16(frame.subarray(0, -2)) !== frame.readUInt16LE(consumed - 2)) {
    return { kind: "garbage", found: `frame ${frame.subarray(0, 16).toString("hex")} with a wrong check sum` };
  }
  const unit = frame.readUInt8(0);
  if (unit !== request.unit) return { kind: "foreign", found: `unit ${unit}, expected ${request.unit}`, consumed };
  const answer = readBody(frame.subarray(1, -2), request);
  return "found" in answer ? { kind: "foreign", found: answer.found, consumed } : { ...answer, consumed };
}

type Body =
  | { readonly kind: "values"; readonly values: readonly number[] }
  | { readonly kind: "exception"; readonly code: number }
  | { readonly found: string };

/** @param pdu from the function code on */
function readBody(pdu: Buffer, request: ReadRequest): Body {
  const wanted = functionCodes[request.kind];
  const code = pdu.readUInt8(0);
  if (code === (wanted | 0x80) && pdu.length === 2) return { kind: "exception", code: pdu.readUInt8(1) };
  if (code !== wanted) return { found: `function ${code}, expected ${wanted}` };
  const bytes = isBits(request.kind) ? Math.ceil(request.count / 8) : request.count * 2;
  const data = pdu.subarray(2);
  if (pdu.readUInt8(1) !== bytes || data.length !== bytes) {
    return { found: `${data.length} bytes of data (said ${pdu.readUInt8(1)}), expected ${bytes}` };
  }
  const values = Array.from({ length: request.count }, (_, index) =>
    isBits(request.kind) ? (data.readUInt8(index >> 3) >> (index & 7)) & 1 : data.readUInt16BE(index * 2),
  );
  return { kind: "values", values };
}

/** CRC-16 of Modbus over Serial Line V1.02, section 6.2.2. */
export function crc16(bytes: Uint8Array): number {
  let crc = 0xffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc & 1) === 0 ? crc >> 1 : (crc >> 1) ^ 0xa001;
  }
  return crc;
}
