import type { AlarmEvent } from "@frostlight/contract";
import { judgeAlarmHealth } from "@frostlight/kernel";
import { afterEach, beforeEach, expect, it } from "vitest";

import type { Alarm } from "../../core/records.ts";
import { type ApiBench, openApiBench } from "../testing/api-bench.ts";
import { addSampleSite, sampleAlarm, sampleAlarmEvent } from "../testing/sample-site.ts";

const minuteMs = 60_000;
let api: ApiBench;

beforeEach(async () => {
  api = await openApiBench();
  for (const siteId of ["school", "depot"]) {
    addSampleSite(api.state, "a", siteId, Uint8Array.of(1));
    api.state.alarmMap.delete(`alarm-${siteId}`);
  }
});

afterEach(async () => {
  await api.app.close();
});

/** An alarm that was raised that many minutes ago and lasted that long; negative: it is still there. */
function add(siteId: string, minutesAgo: number, lasted: number, given: Partial<Alarm> = {}): void {
  const raisedMs = api.clock.nowMs() - minutesAgo * minuteMs;
  const endMs = lasted < 0 ? null : raisedMs + lasted * minuteMs;
  const alarm = {
    ...sampleAlarm("a", siteId, { raisedMs, clearedMs: endMs, ...given }),
    alarmId: `${siteId} ${api.state.alarmMap.size}`,
  };
  const events: AlarmEvent[] = [sampleAlarmEvent(alarm, "raised")];
  if (endMs !== null) events.push({ ...sampleAlarmEvent(alarm, "cleared"), state: "normal", timeMs: endMs });
  api.state.alarmMap.set(alarm.alarmId, { alarm, events });
}

const ask = async (query = "") => (await api.ask({ url: `/api/v1/alarm-health${query}`, as: "vera" })).json();

it("counts each gateway for itself and all together, by the kernel's measures", async () => {
  for (let index = 0; index < 12; index += 1) add("school", 300 - index * 0.3, 1);
  add("depot", 2_000, -1, { priority: "critical", ruleId: "depot-high" });
  add("depot", 90, 30, { priority: "warning", ruleId: "depot-door", ruleKind: "door-open" });
  const { all, gateways, truncated } = await ask();
  expect(truncated).toBe(false);
  expect(all).toMatchObject({
    alarms: 13,
    mostIn10Min: 12,
    load: "good",
    floods: [{ count: 12 }],
    stale: [{ siteId: "depot", gatewayId: "gateway-depot", ruleId: "depot-high" }],
  });
  expect(all.topTen[0]).toMatchObject({ siteId: "school", zoneId: "freezer", count: 12, advice: "widen-deadband" });
  expect(all.topTenShare).toBeCloseTo(1);
  expect(all.priorities.high).toBeCloseTo(12 / 13);
  expect(all.rate.bucketMs).toBe(10 * minuteMs);
  expect(all.rate.counts.reduce((sum: number, count: number) => sum + count, 0)).toBe(13);
  expect(gateways).toMatchObject([
    { gatewayId: "gateway-school", alarms: 12, floods: 1, chattering: 1, stale: 0, own: null },
    { gatewayId: "gateway-depot", alarms: 1, floods: 0, stale: 1 },
  ]);
});

it("does not count what began aside, and counts it from when it is taken back", async () => {
  add("school", 100, -1, { state: "suppressed" });
  expect((await ask()).all.alarms).toBe(0);
  const [known] = [...api.state.alarmMap.values()];
  if (known === undefined) throw new Error("no alarm");
  known.events.push({
    ...sampleAlarmEvent({ ...known.alarm, state: "unacknowledged" }, "unsuppressed"),
    timeMs: api.clock.nowMs() - 10 * minuteMs,
  });
  expect((await ask()).all.alarms).toBe(1);
});

it("is the same as the kernel's judgement of the same steps", async () => {
  const steps: Parameters<typeof judgeAlarmHealth>[0][number][] = [];
  for (let index = 0; index < 40; index += 1) {
    const minutesAgo = 1_400 - ((index * 97) % 1_400);
    const timeMs = api.clock.nowMs() - minutesAgo * minuteMs;
    add("school", minutesAgo, 5);
    const shared = { key: "k", ruleKind: "limit", alarmId: String(index), priority: "high" } as const;
    steps.push({ ...shared, step: "raised", timeMs }, { ...shared, step: "ended", timeMs: timeMs + 5 * minuteMs });
  }
  const { perHour, mostIn10Min, load } = judgeAlarmHealth(steps, api.clock.nowMs(), 1_440 * minuteMs);
  expect((await ask()).all).toMatchObject({ perHour, mostIn10Min, load });
});

it("looks as far back as it is asked, at one site if asked, and at nothing of others", async () => {
  add("school", 5 * 1_440, 10);
  add("depot", 60, 10);
  expect((await ask()).all.alarms).toBe(1);
  expect((await ask("?days=7")).all.alarms).toBe(2);
  expect(await ask("?days=7&siteId=school")).toMatchObject({ all: { alarms: 1 }, gateways: [{ siteId: "school" }] });
  const foreign = (await api.ask({ url: "/api/v1/alarm-health?days=30", as: "bob" })).json();
  expect(foreign).toMatchObject({ all: { alarms: 0 }, gateways: [] });
});

it("shows beside its own count what the gateway said of itself", async () => {
  api.state.healthList.push({
    organisationId: "a",
    siteId: "school",
    gatewayId: "gateway-school",
    subject: "alarm-system",
    state: "overloaded",
    timeMs: 5,
    explanation: { code: "alarm-health", parameters: { alarms: 400 } },
  });
  const { gateways } = await ask();
  const own = gateways.find(({ gatewayId }: { gatewayId: string }) => gatewayId === "gateway-school").own;
  expect(own).toMatchObject({ state: "overloaded", explanation: { parameters: { alarms: 400 } } });
});
