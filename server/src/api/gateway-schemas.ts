import { contractLimits } from "@frostlight/contract";
import { z } from "zod";

import { explanation, gatewayDetail, list, localisedText, named } from "./schemas.ts";

const timeMs = z.number();
const text = z.string();

const certificate = named(
  "GatewayCertificate",
  z.object({
    serial: text,
    fingerprintSha256: text,
    notBeforeMs: timeMs,
    notAfterMs: timeMs,
    issuedMs: timeMs,
    revokedMs: timeMs.nullable(),
    reason: text.nullable(),
  }),
);

const epoch = named(
  "JournalEpoch",
  z.object({
    epoch: text,
    lastSequence: z.number(),
    batches: z.number(),
    samples: z.number(),
    firstReceivedMs: timeMs,
    lastReceivedMs: timeMs,
    /** Batches that are missing, by the holes that are known. */
    missing: z.number(),
    /** Of these, accounted for by the gateway's own record. */
    explained: z.number(),
    /** "duplicate", "sequence-reused", "chain-broken" …, counted. */
    faults: list(z.object({ kind: text, count: z.number(), lastMs: timeMs })),
  }),
);

const commandStatus = z.enum(["pending", "done", "failed", "expired", "superseded"]);

const command = named(
  "GatewayCommand",
  z.object({
    commandId: text,
    kind: z.enum(["set-calibration", "approve-certificate", "apply-configuration"]),
    /** A point, a source, "configuration". */
    subject: text,
    actor: text,
    reason: text,
    issuedAtMs: timeMs,
    status: commandStatus,
    finishedMs: timeMs.nullable(),
    outcome: explanation.nullable(),
  }),
);

const change = named(
  "GatewayChange",
  z.object({
    subject: text,
    what: z.enum(["calibration", "certificate", "configuration", "teaching", "verdict"]),
    before: text,
    after: text,
    author: text,
    reason: text,
    timeMs,
    commandId: text.nullable(),
  }),
);

const configurationVersion = named(
  "ConfigurationVersion",
  z.object({
    version: z.number(),
    sha256: text,
    author: text,
    reason: text,
    createdMs: timeMs,
    status: z.enum([...commandStatus.options, "unsent"]),
    finishedMs: timeMs.nullable(),
    outcome: explanation.nullable(),
  }),
);

const calibration = z.object({
  offset: z.number(),
  slope: z.number(),
  certificate: text.nullable(),
  dueMs: timeMs.nullable(),
});

const calibratedPoint = named(
  "CalibratedPoint",
  z.object({
    pointId: text,
    name: localisedText,
    zoneName: localisedText.nullable(),
    unit: text,
    /** null: the gateway's software does not say. */
    calibration: calibration.nullable(),
  }),
);

const approval = named(
  "CertificateApproval",
  z.object({
    sourceId: text,
    fingerprintSha256: text,
    sinceMs: timeMs,
    /** Subject, issuer, validity, endpoint. */
    explanation,
  }),
);

export const gatewayFile = named(
  "GatewayFile",
  z.object({
    nowMs: timeMs,
    gateway: gatewayDetail,
    refusedAttempts: z.number(),
    lastRefusedMs: timeMs.nullable(),
    certificates: list(certificate),
    epochs: list(epoch),
    commands: list(command),
    changes: list(change),
    configurations: list(configurationVersion),
    /** What the gateway says is in force; null: its software does not say. Version 0: the file at the gateway. */
    configuration: z.object({ version: z.number(), sha256: text, yaml: text }).nullable(),
    points: list(calibratedPoint),
    approvals: list(approval),
  }),
);

export const configurationText = named("ConfigurationText", z.object({ version: z.number(), yaml: text }));
export const requested = named("GatewayRequest", z.object({ commandId: text, issuedAtMs: timeMs }));

const reason = z.string().trim().min(3).max(500);

export const calibrationRequest = z.strictObject({
  pointId: z.string().min(1).max(contractLimits.identifierLength),
  offset: z.number().min(-1_000).max(1_000),
  slope: z.number().min(0.01).max(100),
  certificate: z.string().trim().min(1).max(200).nullable(),
  dueMs: z.int().min(0).max(8.64e15).nullable(),
  reason,
});
export const approvalRequest = z.strictObject({
  sourceId: z.string().min(1).max(contractLimits.identifierLength),
  fingerprintSha256: z.string().regex(/^[0-9a-f]{64}$/, "expected 64 lower-case hex digits"),
  reason,
});
export const configurationRequest = z.strictObject({
  yaml: z.string().min(1).max(contractLimits.configurationLength),
  reason,
});
