import type { Explanation, ExplanationParameter } from "@frostlight/contract";

/**
 * Every explanation code with the names of its parameters; `explanations.json` has the same with its texts. Plain numbers
 * carry their unit in the name; `value`, `limit`, `clearAt` and `worst` are in `unit`; `since` and `lastGoodAt` are times.
 */
export const explanationParameters = {
  "limit-high": ["value", "limit", "unit", "worst", "heldMinutes", "delayMinutes", "since", "source"],
  "limit-low": ["value", "limit", "unit", "worst", "heldMinutes", "delayMinutes", "since", "source"],
  "limit-returned": ["value", "limit", "clearAt", "unit", "worst", "outsideMinutes", "offDelayMinutes"],
  "excursion-high": ["value", "limit", "unit", "worst", "heldMinutes", "since", "similar", "known", "source"],
  "excursion-low": ["value", "limit", "unit", "worst", "heldMinutes", "since", "similar", "known", "source"],
  "excursion-watched": ["value", "limit", "unit", "backMinutes", "watchHours"],
  "excursion-returned": ["value", "limit", "unit", "backMinutes", "watchHours"],
  "no-data": ["silentMinutes", "allowedMinutes", "lastGoodAt", "intervalSeconds"],
  "no-data-never": ["silentMinutes", "allowedMinutes", "intervalSeconds"],
  "no-data-unusable": ["silentMinutes", "allowedMinutes", "intervalSeconds", "quality", "reason"],
  "no-data-only-old": ["silentMinutes", "allowedMinutes", "intervalSeconds", "ageMinutes"],
  "data-returned": ["value", "unit", "silentMinutes"],
  "camera-alarm-offline": ["since", "heldMinutes", "delayMinutes"],
  "camera-alarm-black": ["since", "heldMinutes", "delayMinutes"],
  "camera-alarm-frozen": ["since", "heldMinutes", "delayMinutes"],
  "camera-alarm-blurred": ["since", "heldMinutes", "delayMinutes"],
  "camera-alarm-covered": ["since", "heldMinutes", "delayMinutes"],
  "camera-alarm-other": ["state", "since", "heldMinutes", "delayMinutes"],
  "camera-alarm-returned": ["outMinutes", "offDelayMinutes"],
  acknowledged: ["actor"],
  "acknowledged-with-comment": ["actor", "comment"],
  "action-done": ["actor"],
  "action-done-with-comment": ["actor", "comment"],
  shelved: ["actor", "reason", "until"],
  unshelved: ["actor", "reason"],
  "shelf-ended": [],
  "shelf-became-critical": [],
  "suppression-ended": [],
  "service-stopped": ["actor", "reason", "until"],
  "service-returned": [],
  "service-restored": ["actor", "reason"],
  "alarm-reset": ["actor", "reason"],
  "rule-removed": ["rule"],
  "rule-failed": ["rule", "error"],
  "camera-ok": [],
  "camera-starting": [],
  "camera-offline": [],
  "camera-black": [],
  "camera-frozen": [],
  "camera-blurred": [],
  "camera-covered": [],
  "person-in-closed-zone": ["people", "heldSeconds", "score", "threshold"],
  "unusual-scene": ["score", "threshold", "heldSeconds"],
  "source-starting": ["code", "message"],
  "source-ok": ["code", "message"],
  "source-degraded": ["code", "message"],
  "source-offline": ["code", "message"],
  "certificate-waiting": ["fingerprint", "subject", "issuer", "validFrom", "validTo", "endpoint"],
  "certificate-approved": ["fingerprint", "subject", "issuer", "validFrom", "validTo", "endpoint", "approvedBy"],
  "added-point-unusable": ["point", "reason"],
  "calibration-due": ["point", "dueAt", "certificate"],
  "calibration-valid": ["point"],
  "calibrations-lost": [],
  "output-ok": ["message"],
  "output-failed": ["message"],
  "uplink-connected": ["server"],
  "uplink-offline": ["server", "message"],
  "uplink-server-changed": ["before", "now", "epoch", "from", "to"],
  "gateway-started": ["softwareVersion"],
  "gateway-stopping": [],
  "gateway-silent": ["gateway", "lastSeen", "silentMinutes", "limitMinutes"],
  "journal-torn-tail-cut": [],
  "journal-batch-quarantined": [],
  "journal-batch-lost": [],
  "journal-chain-broken": [],
  "journal-lost": [],
  "journal-adopted": [],
  "journal-positions-damaged": [],
  "journal-full": [],
  "clock-set": ["stepSeconds"],
  "clock-jumped": ["stepSeconds"],
  "journal-filling": ["daysLeft", "usedBytes", "maxBytes"],
  "journal-copied-back": ["reason"],
  "journal-has-room": [],
} as const satisfies Readonly<Record<string, readonly string[]>>;

export type ExplanationCode = keyof typeof explanationParameters;

/** Makes an explanation with exactly the parameters its code promises. */
export function explain<C extends ExplanationCode>(
  code: C,
  parameters: Readonly<Record<(typeof explanationParameters)[C][number], ExplanationParameter>>,
): Explanation {
  return { code, parameters };
}

/** A duration in minutes with one decimal, as explanations state it. */
export function minutes(durationMs: number): number {
  return Math.round(durationMs / 6_000) / 10;
}
