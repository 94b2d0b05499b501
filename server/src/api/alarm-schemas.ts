import { contractLimits } from "@frostlight/contract";
import { z } from "zod";

import { explanation, list, named, priority, text, timeMs } from "./schema-parts.ts";

const alarmState = z.enum([
  "unacknowledged",
  "acknowledged",
  "returned-unacknowledged",
  "latched-unacknowledged",
  "latched-acknowledged",
  "shelved",
  "suppressed",
  "out-of-service",
  "normal",
]);

export const acknowledgement = named(
  "AcknowledgementRequest",
  z.object({ actor: text, issuedAtMs: timeMs, commandId: text, comment: text }),
);

const requestKind = named(
  "AlarmRequestKind",
  z.enum(["acknowledge-alarm", "alarm-action-done", "shelve-alarm", "unshelve-alarm", "reset-alarm"]),
);

const alarmRequest = named(
  "AlarmRequest",
  z.object({
    commandId: text,
    kind: requestKind,
    actor: text,
    issuedAtMs: timeMs,
    /** The reason, or the note. */
    reason: text,
    /** For shelving: until then at most. */
    untilMs: timeMs.nullable(),
    /** pending: on its way · done: the gateway's own event came · failed: the gateway said why not. */
    status: z.enum(["pending", "done", "failed", "expired", "superseded"]),
    finishedMs: timeMs.nullable(),
    outcome: explanation.nullable(),
  }),
);

const mark = named("AlarmMark", z.object({ timeMs, actor: text.nullable(), explanation: explanation.nullable() }));

export const alarm = named(
  "Alarm",
  z.object({
    alarmId: text,
    siteId: text,
    gatewayId: text,
    ruleId: text,
    ruleKind: text,
    zoneId: text,
    pointId: text.nullable(),
    cameraId: text.nullable(),
    state: alarmState,
    priority,
    onsetTimeMs: timeMs,
    raisedMs: timeMs,
    acknowledgedMs: timeMs.nullable(),
    acknowledgedBy: text.nullable(),
    returnedMs: timeMs.nullable(),
    clearedMs: timeMs.nullable(),
    explanation,
    /** Someone asked to acknowledge it; the gateway has not confirmed yet. */
    acknowledgeRequested: acknowledgement.nullable(),
    /** What was around it when it was raised or escalated: door, defrost, neighbours, power, product. */
    context: list(explanation),
    /** Alarms of one failure of a room have the same. */
    incidentId: text.nullable(),
    /** The condition itself holds, whatever the state shows; null: the gateway does not say. */
    condition: z.boolean().nullable(),
    /** Shelved, suppressed, out of service: until then at most. */
    untilMs: timeMs.nullable(),
    /** Who put it aside (null: by design) and why, while it is. */
    aside: mark.nullable(),
    actionDone: mark.nullable(),
    /** Asked for and not yet confirmed by the gateway. */
    requests: list(alarmRequest),
  }),
);

const alarmEvent = named(
  "AlarmEvent",
  z.object({
    eventId: text,
    transition: z.enum([
      "raised",
      "acknowledged",
      "returned",
      "cleared",
      "escalated",
      "latched",
      "reset",
      "shelved",
      "unshelved",
      "suppressed",
      "unsuppressed",
      "out-of-service",
      "in-service",
      "action-done",
    ]),
    state: alarmState,
    priority,
    timeMs,
    actor: text.nullable(),
    commandId: text.nullable(),
    explanation,
    context: list(explanation).optional(),
    untilMs: timeMs.optional(),
  }),
);

export const alarmDetail = named(
  "AlarmDetail",
  z.object({
    alarm,
    events: list(alarmEvent),
    /** All alarms of the same failure, itself included, the first-out first; empty: not grouped. */
    incident: list(alarm),
    /** What people asked for, newest first. */
    requests: list(alarmRequest),
  }),
);
export const alarmList = named("AlarmList", z.object({ alarms: list(alarm), truncated: z.boolean() }));

const reason = z.string().trim().min(3).max(500);
export const noteBody = z.strictObject({ comment: z.string().trim().max(500).default("") });
export const reasonBody = z.strictObject({ reason });
export const shelvingBody = z.strictObject({
  untilMs: z.int().min(0).describe("at most 24 h away, 1 h for a critical alarm"),
  oneShot: z.boolean().describe("ends with the condition, too"),
  reason,
  acceptCritical: z.boolean().default(false).describe("must be said to shelve a critical alarm"),
});
export const alarmRequested = named("AlarmRequested", z.object({ commandId: text, issuedAtMs: timeMs }));

const serviceTarget = named(
  "ServiceTarget",
  z.object({ kind: z.enum(["zone", "point", "camera"]), id: z.string().min(1).max(contractLimits.identifierLength) }),
);
const servicePurpose = z.enum(["maintenance", "calibration", "other"]);
export const serviceBody = z.discriminatedUnion("inService", [
  z.strictObject({
    inService: z.literal(false),
    target: serviceTarget,
    purpose: servicePurpose,
    untilMs: z.int().min(0).describe("at most 30 days away"),
    reason,
  }),
  z.strictObject({ inService: z.literal(true), target: serviceTarget, reason }),
]);

export const outOfService = named(
  "OutOfService",
  z.object({
    target: serviceTarget,
    sinceMs: timeMs,
    untilMs: timeMs,
    actor: text,
    purpose: servicePurpose,
    reason: text,
  }),
);
