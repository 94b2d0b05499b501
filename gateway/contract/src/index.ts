export { decodeBatch, encodeBatch, groupItems } from "./batch-codec.ts";
export { contractLimits } from "./limits.ts";
export {
  decodeAck,
  decodeCommand,
  decodeEnrolRequest,
  decodeEnrolResponse,
  encodeAck,
  encodeCommand,
  encodeEnrolRequest,
  encodeEnrolResponse,
} from "./message-codec.ts";
export type * from "./model.ts";
export {
  decodeSealed,
  encodeSealed,
  enrolProofText,
  generateSigningKey,
  publicKeyFromRaw,
  sealBody,
  type Sealed,
  sha256Hex,
  type SigningKey,
  signingKeyFromPem,
  signingKeyToPem,
  verifySealed,
  zeroHash,
} from "./seal.ts";
export { gatewayOfBatchTopic, gatewayPaths, topics } from "./topics.ts";
