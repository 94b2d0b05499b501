import { create, type MessageInitShape } from "@bufbuild/protobuf";

import {
  type AlarmEvent as WireAlarmEvent,
  AlarmEventSchema,
  AlarmState as WireAlarmState,
  AlarmTransition as WireTransition,
  type EvidenceReference as WireEvidence,
  type EvidenceReferenceSchema,
  type Explanation as WireExplanation,
  EvidenceRole as WireRole,
  ExplanationSchema,
  type Finding as WireFinding,
  FindingSchema,
  type HealthEvent as WireHealthEvent,
  type HealthEventSchema,
  type Parameter,
  ParameterSchema,
  Priority as WirePriority,
} from "./generated/frostlight/v1/frostlight_pb.ts";
import type {
  AlarmEvent,
  AlarmState,
  AlarmTransition,
  EvidenceReference,
  EvidenceRole,
  Explanation,
  ExplanationParameter,
  Finding,
  HealthEvent,
  Priority,
} from "./model.ts";

const priorities = {
  warning: WirePriority.WARNING,
  high: WirePriority.HIGH,
  critical: WirePriority.CRITICAL,
} as const satisfies Record<Priority, WirePriority>;
const transitions = {
  raised: WireTransition.RAISED,
  acknowledged: WireTransition.ACKNOWLEDGED,
  returned: WireTransition.RETURNED,
  cleared: WireTransition.CLEARED,
  escalated: WireTransition.ESCALATED,
  latched: WireTransition.LATCHED,
  reset: WireTransition.RESET,
  shelved: WireTransition.SHELVED,
  unshelved: WireTransition.UNSHELVED,
  suppressed: WireTransition.SUPPRESSED,
  unsuppressed: WireTransition.UNSUPPRESSED,
  "out-of-service": WireTransition.OUT_OF_SERVICE,
  "in-service": WireTransition.IN_SERVICE,
  "action-done": WireTransition.ACTION_DONE,
} as const satisfies Record<AlarmTransition, WireTransition>;
const states = {
  unacknowledged: WireAlarmState.UNACKNOWLEDGED,
  acknowledged: WireAlarmState.ACKNOWLEDGED,
  "returned-unacknowledged": WireAlarmState.RETURNED_UNACKNOWLEDGED,
  "latched-unacknowledged": WireAlarmState.LATCHED_UNACKNOWLEDGED,
  "latched-acknowledged": WireAlarmState.LATCHED_ACKNOWLEDGED,
  shelved: WireAlarmState.SHELVED,
  suppressed: WireAlarmState.SUPPRESSED,
  "out-of-service": WireAlarmState.OUT_OF_SERVICE,
  normal: WireAlarmState.NORMAL,
} as const satisfies Record<AlarmState, WireAlarmState>;
const roles = {
  picture: WireRole.PICTURE,
  original: WireRole.ORIGINAL,
  "heat-map": WireRole.HEAT_MAP,
  clip: WireRole.CLIP,
  before: WireRole.BEFORE,
  after: WireRole.AFTER,
} as const satisfies Record<EvidenceRole, WireRole>;

/** A wire value that this version cannot read: becomes the reason of a refused batch. */
class WireValueError extends Error {}

/** The name of a number of the wire. */
export function nameOf<N extends string>(table: Readonly<Record<N, number>>, wire: number, what: string): N {
  for (const name in table) if (table[name] === wire) return name;
  throw new WireValueError(`unknown ${what} ${wire}`);
}

const orNull = (text: string): string | null => (text === "" ? null : text);

function encodeExplanation(explanation: Explanation): WireExplanation {
  // Entries, not assignments: a name such as "__proto__" is a name like any other.
  const parameters: Record<string, Parameter> = Object.fromEntries(
    Object.entries(explanation.parameters).map(([name, value]) => [name, encodeParameter(value)]),
  );
  return create(ExplanationSchema, { code: explanation.code, parameters });
}

function encodeParameter(value: ExplanationParameter): Parameter {
  if (typeof value === "number") return create(ParameterSchema, { kind: { case: "number", value } });
  if (typeof value === "string") return create(ParameterSchema, { kind: { case: "text", value } });
  return create(ParameterSchema, { kind: { case: "timeMs", value: BigInt(Math.round(value.timeMs)) } });
}

function decodeExplanation(wire: WireExplanation | undefined): Explanation {
  const parameters: [string, ExplanationParameter][] = [];
  for (const [name, { kind }] of Object.entries(wire?.parameters ?? {})) {
    if (kind.case === "timeMs") parameters.push([name, { timeMs: Number(kind.value) }]);
    else if (kind.case !== undefined) parameters.push([name, kind.value]);
  }
  return { code: wire?.code ?? "", parameters: Object.fromEntries(parameters) };
}

export function encodeAlarmEvent(event: AlarmEvent): WireAlarmEvent {
  return create(AlarmEventSchema, {
    eventId: event.eventId,
    alarmId: event.alarmId,
    ruleId: event.ruleId,
    ruleKind: event.ruleKind,
    zoneId: event.zoneId,
    pointId: event.pointId ?? "",
    cameraId: event.cameraId ?? "",
    transition: transitions[event.transition],
    state: states[event.state],
    priority: priorities[event.priority],
    timeMs: BigInt(Math.round(event.timeMs)),
    onsetTimeMs: BigInt(Math.round(event.onsetTimeMs)),
    actor: event.actor ?? "",
    commandId: event.commandId ?? "",
    explanation: encodeExplanation(event.explanation),
    incidentId: event.incidentId ?? "",
    context: (event.context ?? []).map(encodeExplanation),
    untilMs: BigInt(Math.round(event.untilMs ?? 0)),
    condition: event.condition ?? false,
  });
}

export function decodeAlarmEvent(wire: WireAlarmEvent): AlarmEvent {
  return {
    eventId: wire.eventId,
    alarmId: wire.alarmId,
    ruleId: wire.ruleId,
    ruleKind: wire.ruleKind,
    zoneId: wire.zoneId,
    pointId: orNull(wire.pointId),
    cameraId: orNull(wire.cameraId),
    transition: nameOf(transitions, wire.transition, "alarm transition"),
    state: nameOf(states, wire.state, "alarm state"),
    priority: nameOf(priorities, wire.priority, "priority"),
    timeMs: Number(wire.timeMs),
    onsetTimeMs: Number(wire.onsetTimeMs),
    actor: orNull(wire.actor),
    commandId: orNull(wire.commandId),
    explanation: decodeExplanation(wire.explanation),
    ...(wire.incidentId === "" ? {} : { incidentId: wire.incidentId }),
    ...(wire.context.length === 0 ? {} : { context: wire.context.map(decodeExplanation) }),
    ...(wire.untilMs === 0n ? {} : { untilMs: Number(wire.untilMs) }),
    ...(wire.condition ? { condition: true } : {}),
  };
}

export function encodeFinding(finding: Finding): WireFinding {
  return create(FindingSchema, {
    findingId: finding.findingId,
    cameraId: finding.cameraId,
    zoneId: finding.zoneId,
    ruleId: finding.ruleId,
    ruleKind: finding.ruleKind,
    severity: priorities[finding.severity],
    firstSeenMs: BigInt(Math.round(finding.firstSeenMs)),
    lastSeenMs: BigInt(Math.round(finding.lastSeenMs)),
    score: finding.score,
    threshold: finding.threshold,
    modelId: finding.modelId,
    modelSha256: Buffer.from(finding.modelSha256, "hex"),
    boxes: finding.boxes.map((box) => ({ ...box })),
    evidence: encodeEvidence(finding.evidence),
    explanation: encodeExplanation(finding.explanation),
    frames: (finding.frames ?? []).map(({ timeMs, score }) => ({ timeMs: BigInt(Math.round(timeMs)), score })),
    heads: (finding.heads ?? []).map(({ id, sha256 }) => ({ id, sha256: Buffer.from(sha256, "hex") })),
  });
}

function encodeEvidence(evidence: readonly EvidenceReference[]): MessageInitShape<typeof EvidenceReferenceSchema>[] {
  return evidence.map((item) => ({
    sha256: Buffer.from(item.sha256, "hex"),
    mediaType: item.mediaType,
    sizeBytes: BigInt(item.sizeBytes),
    role: roles[item.role],
    public: item.public ?? false,
  }));
}

function decodeEvidence(wire: readonly WireEvidence[]): EvidenceReference[] {
  return wire.map((item) => ({
    sha256: Buffer.from(item.sha256).toString("hex"),
    mediaType: item.mediaType,
    sizeBytes: Number(item.sizeBytes),
    role: nameOf(roles, item.role, "evidence role"),
    ...(item.public ? { public: true } : {}),
  }));
}

export function encodeHealthEvent(event: HealthEvent): MessageInitShape<typeof HealthEventSchema> {
  return {
    subject: event.subject,
    state: event.state,
    timeMs: BigInt(Math.round(event.timeMs)),
    explanation: encodeExplanation(event.explanation),
    evidence: encodeEvidence(event.evidence ?? []),
  };
}

export function decodeHealthEvent(wire: WireHealthEvent): HealthEvent {
  return {
    subject: wire.subject,
    state: wire.state,
    timeMs: Number(wire.timeMs),
    explanation: decodeExplanation(wire.explanation),
    ...(wire.evidence.length === 0 ? {} : { evidence: decodeEvidence(wire.evidence) }),
  };
}

export function decodeFinding(wire: WireFinding): Finding {
  return {
    findingId: wire.findingId,
    cameraId: wire.cameraId,
    zoneId: wire.zoneId,
    ruleId: wire.ruleId,
    ruleKind: wire.ruleKind,
    severity: nameOf(priorities, wire.severity, "priority"),
    firstSeenMs: Number(wire.firstSeenMs),
    lastSeenMs: Number(wire.lastSeenMs),
    score: wire.score,
    threshold: wire.threshold,
    modelId: wire.modelId,
    modelSha256: Buffer.from(wire.modelSha256).toString("hex"),
    boxes: wire.boxes.map(({ left, top, right, bottom, label, score }) => ({ left, top, right, bottom, label, score })),
    evidence: decodeEvidence(wire.evidence),
    explanation: decodeExplanation(wire.explanation),
    ...(wire.frames.length === 0
      ? {}
      : { frames: wire.frames.map(({ timeMs, score }) => ({ timeMs: Number(timeMs), score })) }),
    ...(wire.heads.length === 0
      ? {}
      : { heads: wire.heads.map(({ id, sha256 }) => ({ id, sha256: Buffer.from(sha256).toString("hex") })) }),
  };
}
