import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

import { explainRange } from "@frostlight/contract";
import { afterEach, beforeEach, expect, test } from "vitest";

import { alarmItem, dropItem, findingItem, healthItem, sampleItem, siteItem } from "./testing/fake-gateway.ts";
import { createRig, type Rig } from "./testing/rig.ts";

const t0 = 1_767_225_600_000;
let rig: Rig;

beforeEach(async () => {
  rig = await createRig();
});

afterEach(async () => {
  await rig.remove();
});

async function accept(bytes: Uint8Array): Promise<string> {
  const { outcome } = await rig.ingest.accept(rig.gateway.gatewayId, bytes);
  return outcome.reason === "" ? outcome.result : `${outcome.result}: ${outcome.reason}`;
}

test("a batch is stored with all it carries, then told to those who watch", async () => {
  const batch = rig.gateway.seal([
    siteItem(t0, ["point-1"]),
    sampleItem("point-1", t0, -19.5),
    alarmItem("event-1"),
    findingItem("finding-1"),
    healthItem("camera:camera-1", "frozen", t0),
    dropItem(3),
  ]);
  const result = await rig.ingest.accept(rig.gateway.gatewayId, batch.bytes);
  expect(result).toEqual({
    epoch: rig.gateway.epoch,
    outcome: { sequence: 1, result: "stored", reason: "" },
    authentic: true,
  });
  const [written] = [...rig.timeSeries.written.values()];
  expect(written).toMatchObject({ organisationId: "o1", siteId: "site-1", sequence: 1 });
  expect(written?.points.get("point-1")).toEqual({
    zoneId: "zone-1",
    unit: "Cel",
    quantity: "temperature",
    limits: { low: null, high: -18, criticalLow: null, criticalHigh: -12 },
  });
  expect((await rig.store.site(rig.scope, "site-1"))?.description?.configSha256).toBe("ef".repeat(32));
  expect(await rig.store.alarms(rig.scope, { limit: 10 })).toMatchObject([
    { alarmId: "alarm-1", state: "unacknowledged", gatewayId: rig.gateway.gatewayId, siteId: "site-1" },
  ]);
  expect(await rig.store.finding(rig.scope, "finding-1")).toMatchObject({ cameraId: "camera-1", siteId: "site-1" });
  expect(await rig.store.health(rig.scope, "site-1")).toMatchObject([{ subject: "camera:camera-1", state: "frozen" }]);
  expect(rig.events.map((event) => event.kind)).toEqual(["site", "samples", "alarm", "finding", "health"]);
  expect(await rig.store.gateways(rig.scope)).toMatchObject([{ lastSeenMs: rig.clock.nowMs() }]);
});

test("another organisation sees nothing of it", async () => {
  await accept(rig.gateway.seal([siteItem(t0, ["p"]), alarmItem("e"), findingItem("f")]).bytes);
  const other = { organisationId: "o2" };
  expect(await rig.store.sites(other)).toEqual([]);
  expect(await rig.store.alarms(other, { limit: 10 })).toEqual([]);
  expect(await rig.store.alarm(other, "alarm-1")).toBeUndefined();
  expect(await rig.store.findings(other, { limit: 10 })).toEqual([]);
  expect(await rig.store.finding(other, "f")).toBeUndefined();
  expect(await rig.store.gateways(other)).toEqual([]);
});

test("the same batch again is a duplicate and changes nothing", async () => {
  const { bytes } = rig.gateway.seal([sampleItem("p", t0, 1), alarmItem("e1")]);
  expect(await accept(bytes)).toBe("stored");
  const told = rig.events.length;
  expect(await accept(bytes)).toBe("duplicate");
  expect(rig.events.length).toBe(told);
  expect(await rig.ingest.chainState(rig.gateway.gatewayId)).toMatchObject([{ batches: 1, samples: 1 }]);
});

test("the same batch twice in one group is stored once", async () => {
  const { bytes } = rig.gateway.seal([sampleItem("p", t0, 1)]);
  expect(await Promise.all([accept(bytes), accept(bytes)])).toEqual(["stored", "duplicate"]);
});

test("batches that arrive together share one write of samples", async () => {
  const batches = Array.from({ length: 50 }, (_, n) => rig.gateway.seal([sampleItem("p", t0 + n, n)]));
  const results = await Promise.all(batches.map(({ bytes }) => accept(bytes)));
  expect(new Set(results)).toEqual(new Set(["stored"]));
  expect(rig.timeSeries.calls).toBe(1);
  expect(rig.timeSeries.sampleCount()).toBe(50);
});

test("live first and back-fill behind it is normal: any order is stored", async () => {
  const [a, b, c] = [1, 2, 3].map((n) => rig.gateway.seal([sampleItem("p", t0 + n, n)]));
  if (a === undefined || b === undefined || c === undefined) throw new Error("three batches");
  expect(await accept(c.bytes)).toBe("stored");
  expect(await accept(a.bytes)).toBe("stored");
  expect(await accept(b.bytes)).toBe("stored");
});

test("another batch under a used sequence is refused", async () => {
  const first = rig.gateway.seal([sampleItem("p", t0, 1)]);
  const forged = rig.gateway.forge([sampleItem("p", t0, 2)], {});
  expect(await accept(first.bytes)).toBe("stored");
  expect(await accept(forged.bytes)).toBe("refused: sequence-reused");
  expect(await accept(first.bytes)).toBe("duplicate");
});

test("a batch that does not follow its recorded predecessor, or precede its successor, is refused", async () => {
  const first = rig.gateway.seal([sampleItem("p", t0, 1)]);
  const second = rig.gateway.seal([sampleItem("p", t0 + 1, 1)]);
  const third = rig.gateway.seal([sampleItem("p", t0 + 2, 1)]);
  const forkAfterFirst = rig.gateway.forge([sampleItem("p", t0, 9)], { sequence: 2, previousHash: "11".repeat(32) });
  const forkBeforeThird = rig.gateway.forge([sampleItem("p", t0, 9)], { sequence: 2, previousHash: first.hash });
  expect(await accept(first.bytes)).toBe("stored");
  expect(await accept(forkAfterFirst.bytes)).toBe("refused: chain-broken");
  expect(await accept(third.bytes)).toBe("stored");
  expect(await accept(forkBeforeThird.bytes)).toBe("refused: chain-broken");
  expect(await accept(second.bytes)).toBe("stored");
});

test("forks inside one group are refused too", async () => {
  const first = rig.gateway.seal([]);
  const fork = rig.gateway.forge([], { sequence: 2, previousHash: "11".repeat(32) });
  const second = rig.gateway.seal([dropItem(1)]);
  const results = await Promise.all([first, fork, second].map(({ bytes }) => accept(bytes)));
  expect(results).toEqual(["stored", "refused: chain-broken", "stored"]);
});

test("only sequence 1 may have no predecessor", async () => {
  expect(await accept(rig.gateway.forge([], { sequence: 5 }).bytes)).toBe("refused: chain-broken");
  expect(await accept(rig.gateway.forge([], { previousHash: "11".repeat(32) }).bytes)).toBe("refused: chain-broken");
});

test("a new epoch starts a new chain beside the old one", async () => {
  await accept(rig.gateway.seal([]).bytes);
  const fresh = rig.gateway.forge([], { epoch: "00000000000000bb" });
  expect(await accept(fresh.bytes)).toBe("stored");
  expect(await rig.ingest.chainState(rig.gateway.gatewayId)).toMatchObject([
    { epoch: "00000000000000aa", lastSequence: 1 },
    { epoch: "00000000000000bb", lastSequence: 1 },
  ]);
});

test("holes older than asked for are shown, and vanish when filled", async () => {
  const batches = Array.from({ length: 6 }, () => rig.gateway.seal([]));
  for (const n of [1, 4]) await accept(batches[n]?.bytes ?? new Uint8Array());
  const since = rig.clock.nowMs();
  expect((await rig.ingest.chainState(rig.gateway.gatewayId))[0]?.gaps).toEqual([]);
  await rig.clock.advance(60_001);
  expect((await rig.ingest.chainState(rig.gateway.gatewayId))[0]?.gaps).toEqual([
    { fromSequence: 1, toSequence: 1, sinceMs: since, explainedBy: null },
    { fromSequence: 3, toSequence: 4, sinceMs: since, explainedBy: null },
  ]);
  for (const n of [0, 2, 3]) await accept(batches[n]?.bytes ?? new Uint8Array());
  await rig.clock.advance(60_001);
  expect((await rig.ingest.chainState(rig.gateway.gatewayId))[0]).toMatchObject({ batches: 5, gaps: [] });
});

test("an older alarm event that comes late never undoes a newer state", async () => {
  const raised = rig.gateway.seal([alarmItem("e1")]);
  const over = rig.gateway.seal([
    alarmItem("e2", { transition: "acknowledged", state: "acknowledged", timeMs: t0 + 200_000, actor: "ada" }),
    alarmItem("e3", { transition: "cleared", state: "normal", timeMs: t0 + 300_000 }),
  ]);
  await accept(over.bytes);
  await accept(raised.bytes);
  const found = await rig.store.alarm(rig.scope, "alarm-1");
  expect(found?.alarm).toMatchObject({
    state: "normal",
    acknowledgedBy: "ada",
    acknowledgedMs: t0 + 200_000,
    clearedMs: t0 + 300_000,
    raisedMs: t0 + 100_000,
    onsetTimeMs: t0,
  });
  expect(found?.events.map((event) => event.eventId)).toEqual(["e1", "e2", "e3"]);
});

test("when the time series is away, samples are put off but alarms are not, and all is stored later", async () => {
  const samples = rig.gateway.seal([sampleItem("p", t0, 1)]);
  const alarm = rig.gateway.seal([alarmItem("e1")]);
  rig.timeSeries.unavailable = true;
  expect(await accept(samples.bytes)).toBe("retry-later: timeseries-unavailable");
  expect(await accept(alarm.bytes)).toBe("stored");
  rig.timeSeries.unavailable = false;
  expect(await accept(samples.bytes)).toBe("stored");
});

test("a sample that can never be written is left out and recorded as dropped; the rest of its batch is stored", async () => {
  const batches = [1, 2, 3].map((n) => rig.gateway.seal([sampleItem("p", t0 + n, n), sampleItem("q", t0 + n, 10 * n)]));
  rig.timeSeries.rejectedValue = 2;
  expect(await Promise.all(batches.map(({ bytes }) => accept(bytes)))).toEqual(["stored", "stored", "stored"]);
  expect(rig.timeSeries.sampleCount()).toBe(5);
  const shown = rig.events.flatMap((event) => (event.kind === "samples" ? event.samples : []));
  expect(shown.map(({ value }) => value).toSorted((a, b) => Number(a) - Number(b))).toEqual([1, 3, 10, 20, 30]);
  const database = new DatabaseSync(join(rig.folder, "state.db"), { readOnly: true });
  const drops = database.prepare("select sequence, what, count, from_ms, reason from drops").all();
  database.close();
  expect(drops.map((row) => ({ ...row }))).toEqual([
    { sequence: 2, what: "sample-rejected", count: 1, from_ms: t0 + 2, reason: "value 2 is not wanted" },
  ]);
});

test("a reset, a gap, a duplicate and a reused sequence are told apart", async () => {
  const [first, , third] = [1, 2, 3].map((n) => rig.gateway.seal([sampleItem("p", t0 + n, n)]));
  for (const batch of [first, first, third]) if (batch !== undefined) await accept(batch.bytes);
  expect(await accept(rig.gateway.forge([sampleItem("p", t0, 9)], { sequence: 1 }).bytes)).toBe(
    "refused: sequence-reused",
  );
  await rig.clock.advance(1);
  await accept(rig.gateway.forge([], { epoch: "00000000000000bb" }).bytes);
  const states = await rig.ingest.chainState(rig.gateway.gatewayId, -10);
  expect(states).toMatchObject([
    {
      epoch: rig.gateway.epoch,
      batches: 2,
      gaps: [{ fromSequence: 2, toSequence: 2, explainedBy: null }],
      faults: [
        { kind: "duplicate", count: 1, lastSequence: 1 },
        { kind: "sequence-reused", count: 1, lastSequence: 1 },
      ],
    },
    { epoch: "00000000000000bb", batches: 1, gaps: [], faults: [] },
  ]);
});

test("a gap is explained once the gateway's own record of it has come", async () => {
  const batches = [1, 2, 3, 4, 5].map((n) => rig.gateway.seal([sampleItem("p", t0 + n, n)]));
  for (const index of [0, 4]) await accept(batches[index]?.bytes ?? new Uint8Array());
  const parameters = { from: 2, to: 3, count: 2, reason: "checksum" };
  const explanation = { code: "journal-batch-quarantined", parameters };
  const reason = explainRange({ why: "rolled-up", epoch: rig.gateway.epoch, fromSequence: 4, toSequence: 4 });
  const drop = { what: "samples-rolled-up", count: 7, fromMs: t0, toMs: t0 + 9, reason };
  await accept(
    rig.gateway.seal([
      { kind: "health", event: { subject: "journal", state: "repaired", timeMs: t0, explanation } },
      { kind: "drop", drop },
    ]).bytes,
  );
  const [state] = await rig.ingest.chainState(rig.gateway.gatewayId, -10);
  expect(state?.gaps.map((gap) => [gap.fromSequence, gap.toSequence, gap.explainedBy])).toEqual([
    [2, 3, "journal-batch-quarantined"],
    [4, 4, "samples-rolled-up"],
  ]);
});

test("when the state store is away nothing is acknowledged and nothing is told", async () => {
  const { bytes } = rig.gateway.seal([sampleItem("p", t0, 1)]);
  const store = rig.store;
  await rig.restart({
    stateStore: { ...store, knownGateways: () => Promise.reject(new Error("away")) },
  });
  expect(await accept(bytes)).toBe("retry-later: state-unavailable");
  expect(rig.events).toEqual([]);
  await rig.restart();
  expect(await accept(bytes)).toBe("stored");
});

test("a full queue puts batches off at the door", async () => {
  await rig.restart({
    options: { queueBatches: 2, queueBytes: 2_097_152, groupBatches: 10, groupBytes: 1_000_000 },
  });
  const batches = [1, 2, 3].map(() => rig.gateway.seal([]));
  expect(await Promise.all(batches.map(({ bytes }) => accept(bytes)))).toEqual([
    "stored",
    "stored",
    "retry-later: busy",
  ]);
});

test("after closing, batches are put off", async () => {
  await rig.ingest.close();
  expect(await accept(rig.gateway.seal([]).bytes)).toBe("retry-later: stopping");
});
