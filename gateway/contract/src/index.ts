export { decodeBatch, encodeBatch, groupItems } from "./batch-codec.ts";
export { hasRareItems } from "./batch-fields.ts";
export { decodeCommand, encodeCommand } from "./command-codec.ts";
export { carriesEvents, decodeDelimited, encodeDelimited } from "./delimited.ts";
export { contractLimits } from "./limits.ts";
export {
  decodeAck,
  decodeEnrolRequest,
  decodeEnrolResponse,
  decodeRenewRequest,
  decodeRenewResponse,
  encodeAck,
  encodeEnrolRequest,
  encodeEnrolResponse,
  encodeRenewRequest,
  encodeRenewResponse,
} from "./message-codec.ts";
export type * from "./messages.ts";
export type * from "./model.ts";
export { type ExplainedRange, explainRange, readExplainedRange } from "./range-reason.ts";
export { receiptsOf } from "./record-codec.ts";
export {
  configurationText,
  csrProofText,
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
