import type { AlarmEvent, Explanation } from "@frostlight/contract";

import type { MemoryState } from "../../server/src/api/testing/memory-state.ts";
import { sampleAlarm, sampleAlarmEvent } from "../../server/src/api/testing/sample-site.ts";
import type { Alarm } from "../../server/src/core/records.ts";

const minuteMs = 60_000;

/** The failure of the second freezer: three alarms. */
export const freezerIncident = "incident-freezer-2";

const context = (code: string, parameters: Explanation["parameters"]): Explanation => ({ code, parameters });

/** What was around it: the compressor off, the door closed, the goods still cold. */
export const warmContext: readonly Explanation[] = [
  context("context-compressor-off", { heldMinutes: 92 }),
  context("context-door-closed", { heldMinutes: 214.5 }),
  context("context-neighbour", { point: "freezer-2/back", celsius: -15.1, ageMinutes: 0.7 }),
  context("context-product", { celsius: -18.6, uncertaintyCelsius: 1.2 }),
  context("context-clears", { clearAt: -19, unit: "Cel", offDelayMinutes: 5 }),
  context("context-defrost-over", { allowedMinutes: 38 }),
];

interface Where {
  readonly organisationId: string;
  readonly siteId: string;
  readonly gatewayId: string;
}

/** Alarms in the steps of their life that the first ones do not have, and a day of a probe with a bad battery. */
export function fillAlarms(state: MemoryState, where: Where, nowMs: number): void {
  const { organisationId, siteId, gatewayId } = where;
  const ago = (minutes: number): number => nowMs - minutes * minuteMs;
  const alarm = (alarmId: string, given: Partial<Alarm>): Alarm => ({
    ...sampleAlarm(organisationId, siteId, { gatewayId, condition: true, ...given }),
    alarmId,
  });
  const keep = (one: Alarm, steps: readonly Partial<AlarmEvent>[]): void => {
    const events = steps.map((step, index) => ({
      ...sampleAlarmEvent(one, step.transition ?? "raised"),
      eventId: `${one.alarmId}-${index}`,
      ...step,
    }));
    state.alarmMap.set(one.alarmId, { alarm: one, events });
  };
  const asked = { transition: "raised", state: "unacknowledged" } as const;

  const forecast = alarm("alarm-freezer-2-forecast", {
    ruleId: "freezer-2-forecast",
    ruleKind: "forecast",
    zoneId: "freezer-2",
    pointId: "freezer-2/air",
    priority: "warning",
    state: "acknowledged",
    onsetTimeMs: ago(70),
    raisedMs: ago(64),
    acknowledgedMs: ago(58),
    acknowledgedBy: "olga",
    incidentId: freezerIncident,
    actionDone: {
      timeMs: ago(51),
      actor: "olga",
      explanation: context("action-done-with-comment", { actor: "olga", comment: "制冷维修已通知" }),
    },
    explanation: context("forecast-high", {
      value: -17.9,
      limit: -15,
      unit: "Cel",
      crossesInMinutes: 38,
      earliestMinutes: 29,
      latestMinutes: 55,
      perHour: 4.6,
      windowMinutes: 30,
    }),
  });
  keep(forecast, [
    { ...asked, timeMs: ago(64) },
    { transition: "acknowledged", timeMs: ago(58), actor: "olga" },
    {
      transition: "action-done",
      timeMs: ago(51),
      actor: "olga",
      explanation: context("action-done-with-comment", { actor: "olga", comment: "制冷维修已通知" }),
    },
  ]);

  const untilMs = nowMs + 95 * minuteMs;
  const shelving = context("shelved", { actor: "olga", reason: "维修人员在场", until: { timeMs: untilMs } });
  const shelved = alarm("alarm-freezer-2-rise", {
    ruleId: "freezer-2-rise",
    ruleKind: "rate-of-rise",
    zoneId: "freezer-2",
    pointId: "freezer-2/air",
    priority: "warning",
    state: "shelved",
    onsetTimeMs: ago(52),
    raisedMs: ago(50),
    incidentId: freezerIncident,
    untilMs,
    aside: { timeMs: ago(25), actor: "olga", explanation: shelving },
    explanation: context("rate-of-rise", {
      value: -16.2,
      unit: "Cel",
      perMinute: 0.11,
      limitPerMinute: 0.1,
      windowMinutes: 10,
    }),
  });
  keep(shelved, [
    { ...asked, timeMs: ago(50) },
    { transition: "shelved", timeMs: ago(25), actor: "olga", untilMs, explanation: shelving },
  ]);

  const why = context("context-suppressed-defrost", { seen: 14, allowedMinutes: 22 });
  const suppressed = alarm("alarm-freezer-1-defrost", {
    ruleId: "freezer-1-high",
    ruleKind: "excursion",
    zoneId: "freezer-1",
    pointId: "freezer-1/air",
    priority: "high",
    state: "suppressed",
    onsetTimeMs: ago(11),
    raisedMs: ago(9),
    untilMs: nowMs + 13 * minuteMs,
    aside: { timeMs: ago(9), actor: null, explanation: why },
    context: [context("context-defrosting-inferred", { heldMinutes: 16, seen: 14 }), why],
    explanation: context("excursion-high", {
      value: -14.8,
      limit: -15,
      unit: "Cel",
      worst: -14.6,
      heldMinutes: 9,
      since: { timeMs: ago(11) },
      similar: 0,
      known: 122,
      source: "GB/T 24616 (B)",
    }),
  });
  keep(suppressed, [{ transition: "raised", timeMs: ago(9), context: suppressed.context }]);

  const latched = alarm("alarm-fridge-1-watched", {
    ruleId: "fridge-1-excursion",
    ruleKind: "excursion",
    zoneId: "fridge-1",
    pointId: "fridge-1/air",
    priority: "warning",
    state: "latched-acknowledged",
    condition: false,
    onsetTimeMs: ago(320),
    raisedMs: ago(290),
    acknowledgedMs: ago(280),
    acknowledgedBy: "olga",
    returnedMs: ago(200),
    explanation: context("excursion-watched", { value: 5.2, limit: 8, unit: "Cel", backMinutes: 200, watchHours: 6 }),
  });
  keep(latched, [
    { ...asked, timeMs: ago(290) },
    { transition: "acknowledged", state: "acknowledged", timeMs: ago(280), actor: "olga" },
    { transition: "latched", timeMs: ago(200) },
  ]);

  const stale = alarm("alarm-store-cam", {
    ruleId: "store-cam-health",
    ruleKind: "camera-health",
    zoneId: "fridge-1",
    pointId: null,
    cameraId: "store-cam",
    priority: "warning",
    state: "acknowledged",
    onsetTimeMs: ago(1_800),
    raisedMs: ago(1_790),
    acknowledgedMs: ago(1_700),
    acknowledgedBy: "olga",
    explanation: context("camera-alarm-covered", {
      since: { timeMs: ago(1_800) },
      heldMinutes: 1_800,
      delayMinutes: 10,
    }),
  });
  keep(stale, [{ ...asked, timeMs: ago(1_790) }]);

  for (let index = 0; index < 13; index += 1) {
    // Most of them within one hour: a flood with what else there was.
    const raisedMs = ago(index < 10 ? 700 - index * 0.8 : 500 - index * 30);
    const endMs = raisedMs + 4 * minuteMs;
    const lost = alarm(`alarm-prep-lost-${index}`, {
      ruleId: "prep-no-data",
      ruleKind: "no-data",
      zoneId: "prep",
      pointId: "prep/air",
      priority: "warning",
      state: "normal",
      condition: false,
      onsetTimeMs: raisedMs - 3 * minuteMs,
      raisedMs,
      acknowledgedMs: endMs,
      acknowledgedBy: "olga",
      returnedMs: endMs,
      clearedMs: endMs,
      explanation: context("no-data-never", { silentMinutes: 3, allowedMinutes: 3, intervalSeconds: 60 }),
    });
    keep(lost, [
      { ...asked, timeMs: raisedMs },
      { transition: "returned", timeMs: endMs },
      { transition: "cleared", timeMs: endMs },
    ]);
  }

  state.healthList.push(
    {
      organisationId,
      siteId,
      gatewayId,
      subject: "service:zone:prep",
      state: "out-of-service",
      timeMs: ago(30),
      explanation: context("service-stopped", {
        actor: "admin",
        reason: "maintenance: 更换门封",
        until: { timeMs: nowMs + 210 * minuteMs },
      }),
    },
    {
      organisationId,
      siteId,
      gatewayId,
      subject: "alarm-system",
      state: "good",
      timeMs: ago(42),
      explanation: context("alarm-health", {
        alarms: 17,
        perHour: 0.71,
        mostIn10Min: 10,
        floods: 1,
        chattering: 0,
        stale: 1,
        since: { timeMs: ago(3 * 1_440) },
      }),
    },
  );
  state.finishedRequests.push({
    organisationId,
    command: {
      commandId: "c-refused",
      actor: "olga",
      issuedAtMs: ago(26),
      action: { kind: "shelve-alarm", alarmId: shelved.alarmId, untilMs, oneShot: false, reason: "再次搁置" },
    },
    status: "failed",
    finishedMs: ago(25),
    outcome: context("command-refused", { commandId: "c-refused", command: "shelve-alarm", reason: "put-aside" }),
  });
}
