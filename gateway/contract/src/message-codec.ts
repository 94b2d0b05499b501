import { create, fromBinary, toBinary } from "@bufbuild/protobuf";

import {
  AckResult as WireAckResult,
  AckSchema,
  CommandSchema,
  EnrolRequestSchema,
  EnrolResponseSchema,
} from "./generated/frostlight/v1/frostlight_pb.ts";
import { contractLimits } from "./limits.ts";
import type { Ack, AckResult, Command, Decoded, EnrolRequest, EnrolResponse } from "./model.ts";

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
      const result = resultNames.get(outcome.result);
      return result === undefined ? [] : [{ sequence: Number(outcome.sequence), result, reason: outcome.reason }];
    });
    return { epoch: wire.epoch, outcomes };
  });
}

export function encodeCommand(command: Command): Uint8Array {
  return toBinary(
    CommandSchema,
    create(CommandSchema, {
      commandId: command.commandId,
      actor: command.actor,
      issuedAtMs: BigInt(Math.round(command.issuedAtMs)),
      action: {
        case: "acknowledgeAlarm",
        value: { alarmId: command.action.alarmId, comment: command.action.comment },
      },
    }),
  );
}

/** Never throws. */
export function decodeCommand(bytes: Uint8Array): Decoded<Command> {
  return guard("command", () => {
    const wire = fromBinary(CommandSchema, bytes);
    if (wire.action.case !== "acknowledgeAlarm") throw new RangeError("unknown action");
    const { alarmId, comment } = wire.action.value;
    return {
      commandId: wire.commandId,
      actor: wire.actor,
      issuedAtMs: Number(wire.issuedAtMs),
      action: { kind: "acknowledge-alarm", alarmId, comment },
    };
  });
}

export function encodeEnrolRequest(request: EnrolRequest): Uint8Array {
  return toBinary(EnrolRequestSchema, create(EnrolRequestSchema, { ...request }));
}

/** Never throws. */
export function decodeEnrolRequest(bytes: Uint8Array): Decoded<EnrolRequest> {
  return guard("enrol request", () => {
    const { token, publicKey, proof, softwareVersion } = fromBinary(EnrolRequestSchema, bytes);
    if (token.length === 0 || token.length > contractLimits.identifierLength)
      throw new RangeError("token missing or too long");
    if (publicKey.length !== 32) throw new RangeError(`public key of ${publicKey.length} bytes, expected 32`);
    return { token, publicKey, proof, softwareVersion };
  });
}

export function encodeEnrolResponse(response: EnrolResponse): Uint8Array {
  return toBinary(EnrolResponseSchema, create(EnrolResponseSchema, { ...response }));
}

/** Never throws. */
export function decodeEnrolResponse(bytes: Uint8Array): Decoded<EnrolResponse> {
  return guard("enrol response", () => {
    const { gatewayId, siteId, mqttUsername, mqttPassword, mqttUrl } = fromBinary(EnrolResponseSchema, bytes);
    if (gatewayId === "") throw new RangeError("gateway id missing");
    return { gatewayId, siteId, mqttUsername, mqttPassword, mqttUrl };
  });
}

function guard<T>(what: string, read: () => T): Decoded<T> {
  try {
    return { kind: "ok", value: read() };
  } catch (error) {
    return {
      kind: "invalid",
      reason: `not a valid ${what}: ${error instanceof Error ? error.message : String(error)}`,
    };
  }
}
