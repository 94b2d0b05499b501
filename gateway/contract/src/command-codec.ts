import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";

import { nameOf } from "./event-codec.ts";
import { type Command as WireCommand, CommandSchema, Verdict } from "./generated/frostlight/v1/frostlight_pb.ts";
import { guard } from "./guard.ts";
import { contractLimits } from "./limits.ts";
import type { Command, CommandAction, FindingVerdict } from "./messages.ts";
import type { Decoded } from "./model.ts";
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

const verdicts = {
  true: Verdict.TRUE,
  false: Verdict.FALSE,
  unclear: Verdict.UNCLEAR,
} as const satisfies Record<FindingVerdict, Verdict>;

type WireAction = Exclude<MessageInitShape<typeof CommandSchema>["action"], undefined>;

function encodeAction(action: CommandAction): WireAction {
  if (action.kind === "acknowledge-alarm") {
    return { case: "acknowledgeAlarm", value: { alarmId: action.alarmId, comment: action.comment } };
  }
  if (action.kind === "shelve-alarm") {
    const { alarmId, untilMs, oneShot, reason } = action;
    return { case: "shelveAlarm", value: { alarmId, untilMs: BigInt(Math.round(untilMs)), oneShot, reason } };
  }
  if (action.kind === "unshelve-alarm") {
    return { case: "unshelveAlarm", value: { alarmId: action.alarmId, reason: action.reason } };
  }
  if (action.kind === "reset-alarm") {
    return { case: "resetAlarm", value: { alarmId: action.alarmId, reason: action.reason } };
  }
  if (action.kind === "alarm-action-done") {
    return { case: "alarmActionDone", value: { alarmId: action.alarmId, comment: action.comment } };
  }
  if (action.kind === "set-service") {
    const { target, inService, untilMs, reason } = action;
    return { case: "setService", value: { ...target, inService, untilMs: BigInt(Math.round(untilMs)), reason } };
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
  if (action.kind === "judge-finding") {
    const { findingId, verdict, comment } = action;
    return { case: "judgeFinding", value: { findingId, verdict: verdicts[verdict], comment } };
  }
  if (action.kind === "teach") return { case: "teach", value: { requestJson: action.requestJson } };
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
  if (wire.case === "shelveAlarm") {
    const { alarmId, untilMs, oneShot, reason } = wire.value;
    return { kind: "shelve-alarm", alarmId, untilMs: Number(untilMs), oneShot, reason };
  }
  if (wire.case === "unshelveAlarm") {
    return { kind: "unshelve-alarm", alarmId: wire.value.alarmId, reason: wire.value.reason };
  }
  if (wire.case === "resetAlarm") {
    return { kind: "reset-alarm", alarmId: wire.value.alarmId, reason: wire.value.reason };
  }
  if (wire.case === "alarmActionDone") {
    return { kind: "alarm-action-done", alarmId: wire.value.alarmId, comment: wire.value.comment };
  }
  if (wire.case === "setService") {
    const { zoneId, pointId, cameraId, inService, untilMs, reason } = wire.value;
    const target = pointId !== "" ? { pointId } : cameraId !== "" ? { cameraId } : { zoneId };
    if (zoneId + pointId + cameraId === "") throw new RangeError("nothing is named to take out of service");
    return { kind: "set-service", target, inService, untilMs: Number(untilMs), reason };
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
  if (wire.case === "judgeFinding") {
    const { findingId, verdict, comment } = wire.value;
    return { kind: "judge-finding", findingId, verdict: nameOf(verdicts, verdict, "verdict"), comment };
  }
  if (wire.case === "teach") return { kind: "teach", requestJson: wire.value.requestJson };
  throw new RangeError("unknown action");
}
