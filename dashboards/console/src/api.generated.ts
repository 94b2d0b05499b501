// Generated from the server's OpenAPI document by generate.ts; do not edit.

export type Priority = "warning" | "high" | "critical";

export type Explanation = {
  readonly code: string;
  readonly parameters: Readonly<Record<string, number | string | {
    readonly timeMs: number;
  }>>;
};

export type AcknowledgementRequest = {
  readonly actor: string;
  readonly issuedAtMs: number;
  readonly commandId: string;
  readonly comment: string;
};

export type AlarmRequestKind = "acknowledge-alarm" | "alarm-action-done" | "shelve-alarm" | "unshelve-alarm" | "reset-alarm";

export type AlarmRequest = {
  readonly commandId: string;
  readonly kind: AlarmRequestKind;
  readonly actor: string;
  readonly issuedAtMs: number;
  readonly reason: string;
  readonly untilMs: number | null;
  readonly status: "pending" | "done" | "failed" | "expired" | "superseded";
  readonly finishedMs: number | null;
  readonly outcome: Explanation | null;
};

export type AlarmMark = {
  readonly timeMs: number;
  readonly actor: string | null;
  readonly explanation: Explanation | null;
};

export type Alarm = {
  readonly alarmId: string;
  readonly siteId: string;
  readonly gatewayId: string;
  readonly ruleId: string;
  readonly ruleKind: string;
  readonly zoneId: string;
  readonly pointId: string | null;
  readonly cameraId: string | null;
  readonly state: "unacknowledged" | "acknowledged" | "returned-unacknowledged" | "latched-unacknowledged" | "latched-acknowledged" | "shelved" | "suppressed" | "out-of-service" | "normal";
  readonly priority: Priority;
  readonly onsetTimeMs: number;
  readonly raisedMs: number;
  readonly acknowledgedMs: number | null;
  readonly acknowledgedBy: string | null;
  readonly returnedMs: number | null;
  readonly clearedMs: number | null;
  readonly explanation: Explanation;
  readonly acknowledgeRequested: AcknowledgementRequest | null;
  readonly context: readonly Explanation[];
  readonly incidentId: string | null;
  readonly condition: boolean | null;
  readonly untilMs: number | null;
  readonly aside: AlarmMark | null;
  readonly actionDone: AlarmMark | null;
  readonly requests: readonly AlarmRequest[];
};

export type AlarmEvent = {
  readonly eventId: string;
  readonly transition: "raised" | "acknowledged" | "returned" | "cleared" | "escalated" | "latched" | "reset" | "shelved" | "unshelved" | "suppressed" | "unsuppressed" | "out-of-service" | "in-service" | "action-done";
  readonly state: "unacknowledged" | "acknowledged" | "returned-unacknowledged" | "latched-unacknowledged" | "latched-acknowledged" | "shelved" | "suppressed" | "out-of-service" | "normal";
  readonly priority: Priority;
  readonly timeMs: number;
  readonly actor: string | null;
  readonly commandId: string | null;
  readonly explanation: Explanation;
  readonly context?: readonly Explanation[];
  readonly untilMs?: number;
};

export type AlarmDetail = {
  readonly alarm: Alarm;
  readonly events: readonly AlarmEvent[];
  readonly incident: readonly Alarm[];
  readonly requests: readonly AlarmRequest[];
};

export type AlarmList = {
  readonly alarms: readonly Alarm[];
  readonly truncated: boolean;
};

export type AlarmRequested = {
  readonly commandId: string;
  readonly issuedAtMs: number;
};

export type ServiceTarget = {
  readonly kind: "zone" | "point" | "camera";
  readonly id: string;
};

export type OutOfService = {
  readonly target: ServiceTarget;
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly actor: string;
  readonly purpose: "maintenance" | "calibration" | "other";
  readonly reason: string;
};

export type Verdict = "true" | "false" | "unclear";

export type FindingVerdict = {
  readonly verdict: Verdict;
  readonly actor: string;
  readonly comment: string;
  readonly timeMs: number;
};

export type VerdictRequest = {
  readonly commandId: string;
  readonly actor: string;
  readonly issuedAtMs: number;
  readonly verdict: Verdict;
  readonly comment: string;
  readonly status: "pending" | "done" | "failed" | "expired" | "superseded";
  readonly finishedMs: number | null;
  readonly outcome: Explanation | null;
};

export type TeachingMark = {
  readonly thing: string;
  readonly crop: string;
  readonly answer: "yes" | "no";
  readonly author: string;
  readonly timeMs: number;
  readonly findingId: string | null;
  readonly picture: {
    readonly sha256: string;
    readonly region: {
      readonly left: number;
      readonly top: number;
      readonly right: number;
      readonly bottom: number;
    };
  } | null;
};

export type TeachingChange = {
  readonly thing: string;
  readonly before: string;
  readonly after: string;
  readonly author: string;
  readonly timeMs: number;
  readonly commandId: string | null;
  readonly mistakes: readonly string[];
};

export type TeachingRequest = {
  readonly commandId: string;
  readonly actor: string;
  readonly issuedAtMs: number;
  readonly thing: string;
  readonly step: string;
  readonly status: "pending" | "done" | "failed" | "expired" | "superseded";
  readonly outcome: Explanation | null;
};

export type Teaching = {
  readonly nowMs: number;
  readonly changes: readonly TeachingChange[];
  readonly marks: readonly TeachingMark[];
  readonly requests: readonly TeachingRequest[];
};

export type Problem = {
  readonly code: string;
  readonly message: string;
  readonly problems?: readonly ({
    readonly path: string;
    readonly message: string;
  })[];
};

export type Role = "administrator" | "operator" | "viewer";

export type Quality = "good" | "uncertain" | "bad" | "stale";

export type ZoneState = "critical" | "high" | "warning" | "unknown" | "normal";

export type Session = {
  readonly userId: string;
  readonly name: string;
  readonly role: Role;
  readonly permissions: readonly string[];
  readonly nowMs: number;
};

export type LocalisedText = {
  readonly zh: string;
  readonly en: string;
};

export type LimitBand = {
  readonly low: number | null;
  readonly high: number | null;
  readonly criticalLow: number | null;
  readonly criticalHigh: number | null;
};

export type SeriesSample = {
  readonly timeMs: number;
  readonly receivedMs: number;
  readonly value: number | null;
  readonly raw: number | null;
  readonly quality: Quality;
  readonly reason: string | null;
  readonly summary?: {
    readonly count: number;
    readonly spanMs: number;
    readonly min: number;
    readonly max: number;
    readonly mean: number;
    readonly rolledUp: boolean;
  };
  readonly timeCorrected?: true;
};

export type SeriesBucket = {
  readonly startMs: number;
  readonly samples: number;
  readonly values: number;
  readonly min: number | null;
  readonly max: number | null;
  readonly mean: number | null;
  readonly last: number | null;
};

export type Series = {
  readonly siteId: string;
  readonly pointId: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly bucketMs: number | null;
  readonly samples: readonly SeriesSample[];
  readonly buckets: readonly SeriesBucket[];
};

export type Point = {
  readonly pointId: string;
  readonly name: LocalisedText;
  readonly quantity: "temperature" | "humidity" | "door" | "defrost" | "compressor" | "power" | "battery" | "other";
  readonly unit: string;
  readonly expectedIntervalMs: number;
  readonly probeRole: "independent" | "controller" | null;
  readonly latest: SeriesSample | null;
  readonly stale: boolean;
};

export type SubjectHealth = {
  readonly subject: string;
  readonly gatewayId: string;
  readonly state: string;
  readonly timeMs: number;
  readonly explanation: Explanation;
};

export type Strip = {
  readonly startMs: number;
  readonly bucketMs: number;
  readonly mean: readonly (number | null)[];
  readonly completeness: readonly number[];
};

export type Zone = {
  readonly zoneId: string;
  readonly name: LocalisedText;
  readonly profileId: string;
  readonly limits: LimitBand;
  readonly limitsSource: string;
  readonly state: ZoneState;
  readonly alarmState: ZoneState;
  readonly headlinePointId: string | null;
  readonly points: readonly Point[];
  readonly alarms: readonly Alarm[];
  readonly outOfService: readonly OutOfService[];
  readonly cameras: readonly ({
    readonly cameraId: string;
    readonly name: LocalisedText;
    readonly health: {
      readonly state: string;
      readonly timeMs: number;
      readonly explanation: Explanation;
    } | null;
  })[];
  readonly strip: Strip | null;
};

export type GatewaySummary = {
  readonly gatewayId: string;
  readonly siteId: string;
  readonly enrolledMs: number;
  readonly revokedMs: number | null;
  readonly lastSeenMs: number | null;
  readonly connected: boolean;
};

export type SiteOverview = {
  readonly siteId: string;
  readonly name: LocalisedText | null;
  readonly timeZone: string;
  readonly simulated: boolean;
  readonly state: ZoneState;
  readonly gateways: readonly GatewaySummary[];
  readonly zones: readonly Zone[];
};

export type Overview = {
  readonly nowMs: number;
  readonly sites: readonly SiteOverview[];
};

export type SiteDetail = {
  readonly nowMs: number;
  readonly site: SiteOverview;
  readonly health: readonly SubjectHealth[];
};

export type Box = {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
  readonly label: string;
  readonly score: number;
};

export type EvidenceReference = {
  readonly sha256: string;
  readonly mediaType: string;
  readonly sizeBytes: number;
  readonly role: "picture" | "original" | "heat-map" | "clip" | "before" | "after";
  readonly public?: true;
  readonly stored: boolean;
};

export type Finding = {
  readonly findingId: string;
  readonly siteId: string;
  readonly gatewayId: string;
  readonly cameraId: string;
  readonly zoneId: string;
  readonly ruleId: string;
  readonly ruleKind: string;
  readonly severity: Priority;
  readonly firstSeenMs: number;
  readonly lastSeenMs: number;
  readonly score: number;
  readonly threshold: number;
  readonly modelId: string;
  readonly modelSha256: string;
  readonly boxes: readonly Box[];
  readonly evidence: readonly EvidenceReference[];
  readonly explanation: Explanation;
  readonly verdict: FindingVerdict | null;
  readonly verdictRequest: VerdictRequest | null;
};

export type FindingList = {
  readonly findings: readonly Finding[];
  readonly truncated: boolean;
};

export type Camera = {
  readonly siteId: string;
  readonly zoneId: string;
  readonly zoneName: LocalisedText;
  readonly cameraId: string;
  readonly name: LocalisedText;
  readonly health: {
    readonly state: string;
    readonly timeMs: number;
    readonly explanation: Explanation;
  } | null;
  readonly findings: readonly Finding[];
  readonly findingsLastDay: number;
};

export type CameraList = {
  readonly nowMs: number;
  readonly cameras: readonly Camera[];
};

export type GatewayDetail = {
  readonly gatewayId: string;
  readonly siteId: string;
  readonly enrolledMs: number;
  readonly revokedMs: number | null;
  readonly lastSeenMs: number | null;
  readonly connected: boolean;
  readonly softwareVersion: string | null;
  readonly health: readonly SubjectHealth[];
};

export type GatewayList = {
  readonly nowMs: number;
  readonly gateways: readonly GatewayDetail[];
};

export type EnrolmentToken = {
  readonly siteId: string;
  readonly token: string;
  readonly expiresMs: number;
};

export type AlarmLoad = "good" | "manageable" | "overloaded";

export type BadActor = {
  readonly gatewayId: string;
  readonly siteId: string;
  readonly zoneId: string;
  readonly ruleId: string;
  readonly ruleKind: string;
  readonly pointId: string | null;
  readonly cameraId: string | null;
  readonly count: number;
  readonly share: number;
  readonly advice: "widen-deadband" | "lengthen-delay" | "check-probe" | "check-profile" | null;
};

export type AlarmHealth = {
  readonly fromMs: number;
  readonly toMs: number;
  readonly alarms: number;
  readonly perHour: number;
  readonly mostIn10Min: number;
  readonly load: AlarmLoad;
  readonly floods: readonly ({
    readonly fromMs: number;
    readonly toMs: number;
    readonly count: number;
  })[];
  readonly chattering: readonly ({
    readonly gatewayId: string;
    readonly siteId: string;
    readonly zoneId: string;
    readonly ruleId: string;
    readonly ruleKind: string;
    readonly pointId: string | null;
    readonly cameraId: string | null;
  })[];
  readonly stale: readonly ({
    readonly gatewayId: string;
    readonly siteId: string;
    readonly zoneId: string;
    readonly ruleId: string;
    readonly ruleKind: string;
    readonly pointId: string | null;
    readonly cameraId: string | null;
    readonly sinceMs: number;
  })[];
  readonly topTen: readonly BadActor[];
  readonly topTenShare: number;
  readonly priorities: {
    readonly warning: number;
    readonly high: number;
    readonly critical: number;
  };
  readonly rate: {
    readonly bucketMs: number;
    readonly counts: readonly number[];
  };
};

export type GatewayAlarmHealth = {
  readonly gatewayId: string;
  readonly siteId: string;
  readonly alarms: number;
  readonly perHour: number;
  readonly mostIn10Min: number;
  readonly load: AlarmLoad;
  readonly floods: number;
  readonly chattering: number;
  readonly stale: number;
  readonly own: {
    readonly state: string;
    readonly timeMs: number;
    readonly explanation: Explanation;
  } | null;
};

export type AlarmSystemHealth = {
  readonly nowMs: number;
  readonly days: number;
  readonly truncated: boolean;
  readonly all: AlarmHealth;
  readonly gateways: readonly GatewayAlarmHealth[];
};

export type CameraDay = {
  readonly dayMs: number;
  readonly operatingMs: number;
  readonly healthyMs: number;
  readonly faultyMs: number;
  readonly unknownMs: number;
  readonly share: number | null;
  readonly longestOutageMs: number;
};

export type CameraFault = {
  readonly state: string;
  readonly timeMs: number;
  readonly untilMs: number | null;
  readonly explanation: Explanation;
  readonly evidence: readonly EvidenceReference[];
};

export type CameraLearning = {
  readonly what: "scene" | "health";
  readonly actor: string;
  readonly reason: string;
  readonly timeMs: number;
  readonly status: "pending" | "done" | "failed" | "expired" | "superseded";
  readonly isLearnt: boolean;
  readonly outcome: Explanation | null;
};

export type CameraCourse = {
  readonly nowMs: number;
  readonly operatingHours: readonly ({
    readonly days: readonly string[];
    readonly from: string;
    readonly to: string;
  })[] | null;
  readonly days: readonly CameraDay[];
  readonly faults: readonly CameraFault[];
  readonly learning: readonly CameraLearning[];
};

export type GatewayCertificate = {
  readonly serial: string;
  readonly fingerprintSha256: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly issuedMs: number;
  readonly revokedMs: number | null;
  readonly reason: string | null;
};

export type JournalEpoch = {
  readonly epoch: string;
  readonly lastSequence: number;
  readonly batches: number;
  readonly samples: number;
  readonly firstReceivedMs: number;
  readonly lastReceivedMs: number;
  readonly missing: number;
  readonly explained: number;
  readonly faults: readonly ({
    readonly kind: string;
    readonly count: number;
    readonly lastMs: number;
  })[];
};

export type GatewayCommand = {
  readonly commandId: string;
  readonly kind: "set-calibration" | "approve-certificate" | "apply-configuration";
  readonly subject: string;
  readonly actor: string;
  readonly reason: string;
  readonly issuedAtMs: number;
  readonly status: "pending" | "done" | "failed" | "expired" | "superseded";
  readonly finishedMs: number | null;
  readonly outcome: Explanation | null;
};

export type GatewayChange = {
  readonly subject: string;
  readonly what: "calibration" | "certificate" | "configuration" | "teaching" | "verdict";
  readonly before: string;
  readonly after: string;
  readonly author: string;
  readonly reason: string;
  readonly timeMs: number;
  readonly commandId: string | null;
};

export type ConfigurationVersion = {
  readonly version: number;
  readonly sha256: string;
  readonly author: string;
  readonly reason: string;
  readonly createdMs: number;
  readonly status: "pending" | "done" | "failed" | "expired" | "superseded" | "unsent";
  readonly finishedMs: number | null;
  readonly outcome: Explanation | null;
};

export type CalibratedPoint = {
  readonly pointId: string;
  readonly name: LocalisedText;
  readonly zoneName: LocalisedText | null;
  readonly unit: string;
  readonly calibration: {
    readonly offset: number;
    readonly slope: number;
    readonly certificate: string | null;
    readonly dueMs: number | null;
  } | null;
};

export type CertificateApproval = {
  readonly sourceId: string;
  readonly fingerprintSha256: string;
  readonly sinceMs: number;
  readonly explanation: Explanation;
};

export type GatewayFile = {
  readonly nowMs: number;
  readonly gateway: GatewayDetail;
  readonly refusedAttempts: number;
  readonly lastRefusedMs: number | null;
  readonly certificates: readonly GatewayCertificate[];
  readonly epochs: readonly JournalEpoch[];
  readonly commands: readonly GatewayCommand[];
  readonly changes: readonly GatewayChange[];
  readonly configurations: readonly ConfigurationVersion[];
  readonly configuration: {
    readonly version: number;
    readonly sha256: string;
    readonly yaml: string;
  } | null;
  readonly points: readonly CalibratedPoint[];
  readonly approvals: readonly CertificateApproval[];
};

export type ConfigurationText = {
  readonly version: number;
  readonly yaml: string;
};

export type GatewayRequest = {
  readonly commandId: string;
  readonly issuedAtMs: number;
};
