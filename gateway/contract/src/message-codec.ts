import { create, fromBinary, toBinary } from "@bufbuild/protobuf";

import {
  AckResult as WireAckResult,
  AckSchema,
  EnrolRequestSchema,
  EnrolResponseSchema,
  RenewRequestSchema,
  RenewResponseSchema,
} from "./generated/frostlight/v1/frostlight_pb.ts";
import { guard } from "./guard.ts";
import { contractLimits } from "./limits.ts";
import type { Ack, AckResult, EnrolRequest, EnrolResponse, RenewRequest, RenewResponse } from "./messages.ts";
import type { Decoded } from "./model.ts";

const results = {
  stored: WireAckResult.STORED,
  duplicate: WireAckResult.DUPLICATE,
  refused: WireAckResult.REFUSED,
  "retry-later": WireAckResult.RETRY_LATER,
} as const satisfies Record<AckResult, WireAckResult>;
const resultNames = new Map<number, AckResult>(
  (["stored", "duplicate", "refused", "retry-later"] as const).map((name) => [results[name], name]),
);

export function encodeAck(ack: Ack): Uint8Array {
  const outcomes = ack.outcomes.map((outcome) => ({
    sequence: BigInt(outcome.sequence),
    result: results[outcome.result],
    reason: outcome.reason,
  }));
  return toBinary(AckSchema, create(AckSchema, { epoch: ack.epoch, outcomes }));
}

/** Never throws; an outcome this version does not know is left out (the batch is simply not released). */
export function decodeAck(bytes: Uint8Array): Decoded<Ack> {
  return guard("ack", () => {
    const wire = fromBinary(AckSchema, bytes);
    if (wire.outcomes.length > contractLimits.ackOutcomes) throw new RangeError("too many outcomes");
    const outcomes = wire.outcomes.flatMap((outcome) => {
      // Beyond 2^53 a number is another batch's: no batch has such a sequence (decodeBatch refuses it, too).
      if (outcome.sequence > BigInt(Number.MAX_SAFE_INTEGER)) throw new RangeError("a sequence beyond 2^53");
      const result = resultNames.get(outcome.result);
      return result === undefined ? [] : [{ sequence: Number(outcome.sequence), result, reason: outcome.reason }];
    });
    return { epoch: wire.epoch, outcomes };
  });
}

export function encodeEnrolRequest(request: EnrolRequest): Uint8Array {
  return toBinary(EnrolRequestSchema, create(EnrolRequestSchema, { ...request }));
}

/** Never throws. */
export function decodeEnrolRequest(bytes: Uint8Array): Decoded<EnrolRequest> {
  return guard("enrol request", () => {
    const { token, publicKey, proof, softwareVersion, csr, csrProof } = fromBinary(EnrolRequestSchema, bytes);
    if (token.length === 0 || token.length > contractLimits.identifierLength)
      throw new RangeError("token missing or too long");
    if (publicKey.length !== 32) throw new RangeError(`public key of ${publicKey.length} bytes, expected 32`);
    checkCsr(csr);
    return { token, publicKey, proof, softwareVersion, csr, csrProof };
  });
}

export function encodeEnrolResponse(response: EnrolResponse): Uint8Array {
  return toBinary(EnrolResponseSchema, create(EnrolResponseSchema, { ...response }));
}

/** Never throws. */
export function decodeEnrolResponse(bytes: Uint8Array): Decoded<EnrolResponse> {
  return guard("enrol response", () => {
    const { $typeName: _type, $unknown: _unknown, ...response } = fromBinary(EnrolResponseSchema, bytes);
    if (response.gatewayId === "") throw new RangeError("gateway id missing");
    return response;
  });
}

export function encodeRenewRequest(request: RenewRequest): Uint8Array {
  return toBinary(RenewRequestSchema, create(RenewRequestSchema, { ...request }));
}

/** Never throws. */
export function decodeRenewRequest(bytes: Uint8Array): Decoded<RenewRequest> {
  return guard("renew request", () => {
    const { csr, csrProof } = fromBinary(RenewRequestSchema, bytes);
    if (csr.length === 0) throw new RangeError("certificate request missing");
    checkCsr(csr);
    return { csr, csrProof };
  });
}

export function encodeRenewResponse(response: RenewResponse): Uint8Array {
  return toBinary(RenewResponseSchema, create(RenewResponseSchema, { ...response }));
}

/** Never throws. */
export function decodeRenewResponse(bytes: Uint8Array): Decoded<RenewResponse> {
  return guard("renew response", () => {
    const { certificatePem, caPem } = fromBinary(RenewResponseSchema, bytes);
    if (certificatePem === "") throw new RangeError("certificate missing");
    return { certificatePem, caPem };
  });
}

function checkCsr(csr: Uint8Array): void {
  if (csr.length > contractLimits.csrBytes) throw new RangeError(`certificate request of ${csr.length} bytes`);
}
