import type { JournalItem } from "@frostlight/contract";
import { FakeClock, seededRandom } from "@frostlight/kernel/testing";
import { afterEach, beforeEach, expect, it } from "vitest";

import { createAlarmEngine, defaultRules } from "../../../gateway/src/alarms/index.ts";
import type { Point, Zone } from "../../../gateway/src/core/site.ts";
import { createPipeline, createRecording } from "../../../gateway/src/pipeline/index.ts";
import { createRig, type Rig } from "../../../server/src/ingest/testing/rig.ts";

const minute = 60_000;
const zone: Zone = {
  zoneId: "cold-1",
  name: { zh: "冷库", en: "Cold store" },
  profileId: "frozen-store",
  limits: { low: null, high: -18, criticalLow: null, criticalHigh: -12 },
  limitsSource: "test",
};
const point: Point = {
  pointId: "probe",
  zoneId: "cold-1",
  name: { zh: "探头", en: "Probe" },
  quantity: "temperature",
  unit: "Cel",
  expectedIntervalMs: minute,
  probeRole: null,
  calibration: { offset: 0, slope: 1, certificate: null, dueMs: null },
  // Of live values only some are kept.
  recording: { mode: "summary", keepMs: 300_000 },
  validRange: { min: -90, max: 150 },
};

let rig: Rig;
beforeEach(async () => {
  rig = await createRig();
});
afterEach(async () => {
  await rig.remove();
});

/** A gateway's pipeline, engine and recording policy; what they would journal goes to the server. */
function gateway() {
  const clock = new FakeClock(rig.clock.nowMs());
  const [zones, points] = [[zone], [point]];
  const pipeline = createPipeline({ points, clock });
  const rules = defaultRules({ zones, points, cameras: [] });
  const engine = createAlarmEngine({ zones, points, cameras: [], rules, clock, random: seededRandom(3) });
  const recording = createRecording({ points, zones, clock, alarms: () => engine.active() });
  const items: JournalItem[] = [];
  return {
    clock,
    engine,
    items,
    wait: async (minutes: number): Promise<void> => {
      for (let second = 0; second < minutes * 60; second += 10) {
        await clock.advance(10_000);
        items.push(...engine.tick().map((event): JournalItem => ({ kind: "alarm", event })));
      }
    },
    see: (value: number, timeMs = clock.nowMs()): void => {
      const receivedMs = clock.nowMs();
      const sample = pipeline.process({
        pointId: "probe",
        value,
        unit: "Cel",
        sourceTimeMs: timeMs,
        receivedMs,
        quality: "good",
        reason: null,
        backfill: timeMs < receivedMs - 15 * minute,
      });
      items.push(...engine.onSamples([sample]).map((event): JournalItem => ({ kind: "alarm", event })));
      items.push(...recording.take([sample]).keep.map((kept): JournalItem => ({ kind: "sample", sample: kept })));
    },
  };
}

it("shows an excursion that a probe had buffered in the history of gateway and server: own times, every value, nobody told", async () => {
  const { clock, engine, items, wait, see } = gateway();
  for (let step = 0; step < 5; step += 1) {
    await wait(1);
    see(-21);
  }
  const silentMs = clock.nowMs();
  await wait(240);
  see(-21);
  const noData = engine.active().map(({ ruleKind }) => ruleKind);
  items.length = 0;
  // 100 minutes of warmth within the silence.
  const warm = (index: number): number => (index < 20 || index >= 120 ? -21 : -14);
  for (let index = 0; index < 150; index += 1) see(warm(index), silentMs + (index + 1) * minute);
  expect(engine.active().map(({ ruleKind }) => ruleKind)).toEqual(noData);
  await wait(11);
  const onsetMs = silentMs + 21 * minute;
  const endMs = onsetMs + 100 * minute;

  // On the gateway: what goes into its journal.
  const samples = items.flatMap((item) => (item.kind === "sample" ? [item.sample] : []));
  expect(samples.filter(({ timeMs }) => timeMs >= onsetMs && timeMs < endMs)).toHaveLength(100);
  expect(samples.every(({ backfill }) => backfill)).toBe(true);
  const events = items.flatMap((item) =>
    item.kind === "alarm" && item.event.ruleKind === "excursion" ? [item.event] : [],
  );
  expect(events.map(({ transition, state }) => `${transition}: ${state}`)).toEqual([
    "raised: suppressed",
    "returned: suppressed",
    "unsuppressed: normal",
    "cleared: normal",
  ]);

  // On the server: in the history, never open.
  await rig.ingest.accept(rig.gateway.gatewayId, rig.gateway.seal(items).bytes);
  const [alarm] = await rig.store
    .alarms(rig.scope, { zoneId: "cold-1", limit: 10 })
    .then((all) => all.filter(({ ruleKind }) => ruleKind === "excursion"));
  expect(alarm).toMatchObject({
    state: "normal",
    priority: "high",
    onsetTimeMs: onsetMs,
    pointId: "probe",
    acknowledgedMs: null,
    context: expect.arrayContaining([expect.objectContaining({ code: "context-suppressed-late" })]),
  });
  expect(alarm?.raisedMs).toBe(onsetMs + 45 * minute);
  expect(alarm?.returnedMs).toBe(endMs + 10 * minute);
  expect(alarm?.clearedMs).toBe(alarm?.returnedMs);
  expect(
    rig.events.flatMap((one) => (one.kind === "alarm" && one.alarm.ruleKind === "excursion" ? [one.alarm.state] : [])),
  ).not.toContain("unacknowledged");
  const steps = await rig.store.alarmSteps(rig.scope, { fromMs: onsetMs, toMs: endMs, limit: 50 });
  expect(steps.length).toBeGreaterThan(0);
});
