import { decodeBatch, decodeSealed, sha256Hex } from "@frostlight/contract";

/** The fields of a batch that chain it, read without decoding its items. */
export interface Envelope {
  readonly gatewayId: string;
  readonly epoch: string;
  readonly sequence: number;
  readonly previousHash: string;
  /** SHA-256 of the body, hex: the next batch's `previousHash`. */
  readonly hash: string;
  readonly body: Uint8Array;
  readonly signature: Uint8Array;
}

/** Reads the envelope of SealedBatch bytes; undefined when they are not a batch. Never throws. */
export function readEnvelope(sealed: Uint8Array): Envelope | undefined {
  const decoded = decodeSealed(sealed);
  if (decoded.kind === "invalid") return undefined;
  const { body, signature } = decoded.value;
  const fields = readChainFields(body);
  if (fields === undefined) return undefined;
  return { ...fields, hash: sha256Hex(body), body, signature };
}

/** Wall time at which a batch body was sealed; 0 when it says none. */
export function bodySealedMs(body: Uint8Array): number {
  const decoded = decodeBatch(body);
  return decoded.kind === "ok" ? decoded.value.sealedAt.wallMs : 0;
}

type ChainFields = Pick<Envelope, "gatewayId" | "epoch" | "sequence" | "previousHash">;

/** Fields 1 to 4 of a Batch message (protobuf wire format: tag = number << 3 | type). They lead, as encoders write in order. */
function readChainFields(body: Uint8Array): ChainFields | undefined {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.length);
  const fields = { gatewayId: "", epoch: "", sequence: 0, previousHash: "" };
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let factor = 1; at < bytes.length; factor *= 128) {
      const byte = bytes[at] ?? 0;
      at += 1;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
    return Number.NaN;
  };
  const chunk = (): Buffer => {
    const length = varint();
    const start = at;
    at += length;
    return bytes.subarray(start, at);
  };
  while (at < bytes.length) {
    const tag = varint();
    if (tag === 0x0a) fields.gatewayId = chunk().toString("utf8");
    else if (tag === 0x12) fields.epoch = chunk().toString("utf8");
    else if (tag === 0x18) fields.sequence = varint();
    else if (tag === 0x22) fields.previousHash = chunk().toString("hex");
    else break;
    if (!(at <= bytes.length)) return undefined;
  }
  return fields.previousHash.length === 64 && fields.sequence >= 1 ? fields : undefined;
}
