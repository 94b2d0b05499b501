import { type AlarmHealth, type BadActor, healthStepOf, judgeAlarmHealth } from "@frostlight/kernel";

import type { AlarmStep, SubjectHealth } from "../../core/records.ts";

const hourMs = 3_600_000;

type ActorName = Pick<AlarmStep, "gatewayId" | "siteId" | "zoneId" | "ruleId" | "ruleKind" | "pointId" | "cameraId">;

interface HealthView extends Omit<AlarmHealth, "chattering" | "stale" | "topTen"> {
  readonly chattering: readonly ActorName[];
  readonly stale: readonly (ActorName & { readonly sinceMs: number })[];
  readonly topTen: readonly (ActorName & Pick<BadActor, "count" | "share" | "advice">)[];
  /** Alarms by time: ten minutes each for a day, else wider. */
  readonly rate: { readonly bucketMs: number; readonly counts: readonly number[] };
}

/** Judges the alarms of all steps together: by the same measures as a gateway judges its own. */
export function alarmHealthOf(steps: readonly AlarmStep[], nowMs: number, windowMs: number): HealthView {
  const names = new Map<string, ActorName>();
  const judged = steps.flatMap((step) => {
    const { gatewayId, siteId, zoneId, ruleId, ruleKind, pointId, cameraId } = step;
    const key = JSON.stringify([gatewayId, ruleId, pointId ?? cameraId ?? zoneId]);
    names.set(key, { gatewayId, siteId, zoneId, ruleId, ruleKind, pointId, cameraId });
    // Ids of occurrences are unique within a gateway.
    return healthStepOf({ ...step, alarmId: `${gatewayId} ${step.alarmId}` }, key) ?? [];
  });
  const health = judgeAlarmHealth(judged, nowMs, windowMs);
  const named = (key: string): ActorName[] => {
    const name = names.get(key);
    return name === undefined ? [] : [name];
  };
  const raisedMs = judged.flatMap(({ step, timeMs }) => (step === "raised" ? [timeMs] : []));
  return {
    ...health,
    chattering: health.chattering.flatMap(named),
    stale: health.stale.flatMap(({ key, sinceMs }) => named(key).map((name) => ({ ...name, sinceMs }))),
    topTen: health.topTen.flatMap(({ key, count, share, advice }) =>
      named(key).map((name) => ({ ...name, count, share, advice })),
    ),
    rate: rateOf(raisedMs, health.fromMs, windowMs),
  };
}

function rateOf(raisedMs: readonly number[], fromMs: number, windowMs: number): HealthView["rate"] {
  const bucketMs = windowMs <= 24 * hourMs ? hourMs / 6 : windowMs <= 7 * 24 * hourMs ? hourMs : 6 * hourMs;
  const counts = Array.from({ length: Math.ceil(windowMs / bucketMs) }, () => 0);
  for (const timeMs of raisedMs) {
    const index = Math.min(counts.length - 1, Math.floor((timeMs - fromMs) / bucketMs));
    if (index >= 0) counts[index] = (counts[index] ?? 0) + 1;
  }
  return { bucketMs, counts };
}

/** What a gateway last said of its own alarm system: over the last 24 h, as far as that process had seen them. */
export function ownWordOf(health: readonly SubjectHealth[], gatewayId: string): SubjectHealth | null {
  return health.find((entry) => entry.gatewayId === gatewayId && entry.subject === "alarm-system") ?? null;
}
