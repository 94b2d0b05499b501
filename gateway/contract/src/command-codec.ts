import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";

import { type Command as WireCommand, CommandSchema } from "./generated/frostlight/v1/frostlight_pb.ts";
import { guard } from "./guard.ts";
import { contractLimits } from "./limits.ts";
import type { Command, CommandAction, Decoded } from "./model.ts";
import { decodeCalibration, encodeCalibration } from "./site-codec.ts";

export function encodeCommand(command: Command): Uint8Array {
  return toBinary(
    CommandSchema,
    create(CommandSchema, {
      commandId: command.commandId,
      actor: command.actor,
      issuedAtMs: BigInt(Math.round(command.issuedAtMs)),
      action: encodeAction(command.action),
    }),
  );
}

type WireAction = Exclude<MessageInitShape<typeof CommandSchema>["action"], undefined>;

function encodeAction(action: CommandAction): WireAction {
  if (action.kind === "acknowledge-alarm") {
    return { case: "acknowledgeAlarm", value: { alarmId: action.alarmId, comment: action.comment } };
  }
  if (action.kind === "set-calibration") {
    const { pointId, reason } = action;
    return { case: "setCalibration", value: { pointId, calibration: encodeCalibration(action.calibration), reason } };
  }
  if (action.kind === "approve-certificate") {
    const { sourceId, reason } = action;
    const fingerprintSha256 = Buffer.from(action.fingerprintSha256, "hex");
    return { case: "approveCertificate", value: { sourceId, fingerprintSha256, reason } };
  }
  const { yaml, signature, reason } = action;
  return { case: "applyConfiguration", value: { version: BigInt(action.version), yaml, signature, reason } };
}

/** Never throws. */
export function decodeCommand(bytes: Uint8Array): Decoded<Command> {
  return guard("command", () => {
    if (bytes.length > contractLimits.commandBytes) throw new RangeError(`${bytes.length} bytes`);
    const wire = fromBinary(CommandSchema, bytes);
    return {
      commandId: wire.commandId,
      actor: wire.actor,
      issuedAtMs: Number(wire.issuedAtMs),
      action: decodeAction(wire.action),
    };
  });
}

function decodeAction(wire: WireCommand["action"]): CommandAction {
  if (wire.case === "acknowledgeAlarm") {
    return { kind: "acknowledge-alarm", alarmId: wire.value.alarmId, comment: wire.value.comment };
  }
  if (wire.case === "setCalibration") {
    const { pointId, calibration, reason } = wire.value;
    if (calibration === undefined) throw new RangeError("calibration missing");
    return { kind: "set-calibration", pointId, calibration: decodeCalibration(calibration), reason };
  }
  if (wire.case === "approveCertificate") {
    const { sourceId, fingerprintSha256, reason } = wire.value;
    if (fingerprintSha256.length !== 32) throw new RangeError("fingerprint is not 32 bytes");
    const hex = Buffer.from(fingerprintSha256).toString("hex");
    return { kind: "approve-certificate", sourceId, fingerprintSha256: hex, reason };
  }
  if (wire.case === "applyConfiguration") {
    const { version, yaml, signature, reason } = wire.value;
    if (version < 1n || version > BigInt(Number.MAX_SAFE_INTEGER)) throw new RangeError("version out of range");
    return { kind: "apply-configuration", version: Number(version), yaml, signature, reason };
  }
  throw new RangeError("unknown action");
}
