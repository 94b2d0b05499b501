import { z } from "zod";

import { alarm, outOfService } from "./alarm-schemas.ts";
import { explanation, list, named, priority, text, timeMs } from "./schema-parts.ts";
import { findingVerdict, verdictRequest } from "./teach-schemas.ts";

export { apiSchemas, explanation, identifier, list, named, sha256 } from "./schema-parts.ts";

export const problem = named(
  "Problem",
  z.object({
    code: text,
    message: text,
    problems: list(z.object({ path: text, message: text })).optional(),
  }),
);

const role = named("Role", z.enum(["administrator", "operator", "viewer"]));
const quality = named("Quality", z.enum(["good", "uncertain", "bad", "stale"]));
const zoneState = named("ZoneState", z.enum(["critical", "high", "warning", "unknown", "normal"]));

export const session = named(
  "Session",
  z.object({
    userId: text,
    name: text,
    role,
    permissions: list(text),
    /** The server's clock when it answered. */
    nowMs: timeMs,
  }),
);

export const localisedText = named("LocalisedText", z.object({ zh: text, en: text }));

const limitBand = named(
  "LimitBand",
  z.object({
    low: z.number().nullable(),
    high: z.number().nullable(),
    criticalLow: z.number().nullable(),
    criticalHigh: z.number().nullable(),
  }),
);

const seriesSample = named(
  "SeriesSample",
  z.object({
    timeMs,
    receivedMs: timeMs,
    value: z.number().nullable(),
    raw: z.number().nullable(),
    quality,
    reason: text.nullable(),
    /** The sample stands for `count` readings of the last `spanMs`; `value` is the last of them. */
    summary: z
      .object({
        count: z.number(),
        spanMs: z.number(),
        min: z.number(),
        max: z.number(),
        mean: z.number(),
        rolledUp: z.boolean(),
      })
      .optional(),
    /** Taken before the gateway's clock was set, its times corrected afterwards. */
    timeCorrected: z.literal(true).optional(),
  }),
);

const seriesBucket = named(
  "SeriesBucket",
  z.object({
    startMs: timeMs,
    samples: z.number(),
    values: z.number(),
    min: z.number().nullable(),
    max: z.number().nullable(),
    mean: z.number().nullable(),
    last: z.number().nullable(),
  }),
);

export const series = named(
  "Series",
  z.object({
    siteId: text,
    pointId: text,
    fromMs: timeMs,
    toMs: timeMs,
    /** null: raw samples; else width of a bucket. */
    bucketMs: z.number().nullable(),
    samples: list(seriesSample),
    buckets: list(seriesBucket),
  }),
);

const point = named(
  "Point",
  z.object({
    pointId: text,
    name: localisedText,
    quantity: z.enum(["temperature", "humidity", "door", "defrost", "compressor", "power", "battery", "other"]),
    unit: text,
    expectedIntervalMs: z.number(),
    probeRole: z.enum(["independent", "controller"]).nullable(),
    latest: seriesSample.nullable(),
    /** The latest value is missing, has no number, or is older than three intervals. */
    stale: z.boolean(),
  }),
);

const subjectHealth = named(
  "SubjectHealth",
  z.object({ subject: text, gatewayId: text, state: text, timeMs, explanation }),
);

const cameraHealth = z.object({ state: text, timeMs, explanation }).nullable();

/** 96 parts ending with the current one: quarter-hours, or less for a point that is younger than eight hours. */
const strip = named(
  "Strip",
  z.object({
    startMs: timeMs,
    bucketMs: z.number(),
    /** Mean of the usable values; null where there are none. */
    mean: list(z.number().nullable()),
    /** Percent of the expected samples that came and are usable, 0..100. */
    completeness: list(z.number()),
  }),
);

const zone = named(
  "Zone",
  z.object({
    zoneId: text,
    name: localisedText,
    profileId: text,
    limits: limitBand,
    limitsSource: text,
    state: zoneState,
    /** By the alarms alone, whether or not the latest value is known. */
    alarmState: zoneState,
    /** The point whose value stands for the room: that of its worst alarm, else its first independent thermometer. */
    headlinePointId: text.nullable(),
    points: list(point),
    alarms: list(alarm),
    /** Of the room, its points and cameras: nobody watches these now. */
    outOfService: list(outOfService),
    cameras: list(z.object({ cameraId: text, name: localisedText, health: cameraHealth })),
    strip: strip.nullable(),
  }),
);

const gatewaySummary = named(
  "GatewaySummary",
  z.object({
    gatewayId: text,
    siteId: text,
    enrolledMs: timeMs,
    revokedMs: timeMs.nullable(),
    lastSeenMs: timeMs.nullable(),
    connected: z.boolean(),
  }),
);

const siteOverview = named(
  "SiteOverview",
  z.object({
    siteId: text,
    /** null until its gateway has described it. */
    name: localisedText.nullable(),
    timeZone: text,
    simulated: z.boolean(),
    state: zoneState,
    gateways: list(gatewaySummary),
    zones: list(zone),
  }),
);

export const overview = named("Overview", z.object({ nowMs: timeMs, sites: list(siteOverview) }));

export const siteDetail = named(
  "SiteDetail",
  z.object({ nowMs: timeMs, site: siteOverview, health: list(subjectHealth) }),
);

const box = named(
  "Box",
  z.object({
    left: z.number(),
    top: z.number(),
    right: z.number(),
    bottom: z.number(),
    label: text,
    score: z.number(),
  }),
);

export const evidenceReference = named(
  "EvidenceReference",
  z.object({
    sha256: text,
    mediaType: text,
    sizeBytes: z.number(),
    role: z.enum(["picture", "original", "heat-map", "clip", "before", "after"]),
    /** Faces are blurred: may be shown outside the site's grants. */
    public: z.literal(true).optional(),
    /** The file has arrived at the server. */
    stored: z.boolean(),
  }),
);

export const finding = named(
  "Finding",
  z.object({
    findingId: text,
    siteId: text,
    gatewayId: text,
    cameraId: text,
    zoneId: text,
    ruleId: text,
    ruleKind: text,
    severity: priority,
    firstSeenMs: timeMs,
    lastSeenMs: timeMs,
    score: z.number(),
    threshold: z.number(),
    modelId: text,
    modelSha256: text,
    boxes: list(box),
    evidence: list(evidenceReference),
    explanation,
    /** As the gateway has it; null: nobody has judged it. */
    verdict: findingVerdict.nullable(),
    /** The newest request for a verdict; null: nobody asked here. */
    verdictRequest: verdictRequest.nullable(),
  }),
);

export const findingList = named("FindingList", z.object({ findings: list(finding), truncated: z.boolean() }));

const camera = named(
  "Camera",
  z.object({
    siteId: text,
    zoneId: text,
    zoneName: localisedText,
    cameraId: text,
    name: localisedText,
    health: cameraHealth,
    /** Newest first, at most six. */
    findings: list(finding),
    findingsLastDay: z.number(),
  }),
);
export const cameraList = named("CameraList", z.object({ nowMs: timeMs, cameras: list(camera) }));

export const gatewayDetail = named(
  "GatewayDetail",
  z.object({ ...gatewaySummary.shape, softwareVersion: text.nullable(), health: list(subjectHealth) }),
);
export const gatewayList = named("GatewayList", z.object({ nowMs: timeMs, gateways: list(gatewayDetail) }));

export const enrolmentToken = named(
  "EnrolmentToken",
  z.object({
    siteId: text,
    /** Shown here once; the server keeps only its hash. */
    token: text,
    expiresMs: timeMs,
  }),
);
