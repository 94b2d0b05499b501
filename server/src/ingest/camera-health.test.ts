import type { ClockReading, EvidenceReference, JournalItem } from "@frostlight/contract";
import { afterEach, beforeEach, expect, test } from "vitest";

import { healthItem } from "./testing/fake-gateway.ts";
import { createRig, type Rig } from "./testing/rig.ts";

const minuteMs = 60_000;
const startMs = 1_767_225_600_000;
const at = (minutes: number): number => startMs + minutes * minuteMs;

let rig: Rig;

beforeEach(async () => {
  rig = await createRig();
});

afterEach(async () => {
  await rig.remove();
});

const sealedAt = (minutes: number): ClockReading => ({
  wallMs: at(minutes),
  monotonicMs: minutes * minuteMs,
  bootId: "boot",
  synchronised: true,
});

/** Sealed at that minute; returns what delivers it. */
function sealed(minutes: number, ...items: readonly JournalItem[]): () => Promise<unknown> {
  const { bytes } = rig.gateway.seal([...items], { sealedAt: sealedAt(minutes) });
  return () => rig.ingest.accept(rig.gateway.gatewayId, bytes);
}

const camera = (state: string, minutes: number): JournalItem => healthItem("camera:kitchen", state, at(minutes));

async function look(fromMinutes = 0, scope = rig.scope) {
  const when = { fromMs: at(fromMinutes), toMs: at(10_000) };
  const record = await rig.store.cameraHealth(scope, { siteId: "site-1", cameraId: "kitchen", ...when });
  const inMinutes = (ms: number): number => (ms === 0 ? 0 : (ms - startMs) / minuteMs);
  return {
    states: record.events.map(({ state, timeMs }) => `${inMinutes(timeMs)} ${state}`),
    unknown: record.unknown.map(({ fromMs, toMs }) => [inMinutes(fromMs), inMinutes(toMs)]),
    record,
  };
}

test("what a camera told is given in order of time, with the last word before it, to its own organisation only", async () => {
  await sealed(1, camera("ok", 1), healthItem("camera:other", "black", at(1)))();
  await sealed(5, camera("covered", 5))();
  await sealed(9, camera("ok", 9))();
  await sealed(9, camera("frozen", 8))();
  expect((await look(6)).states).toEqual(["5 covered", "8 frozen", "9 ok"]);
  expect((await look()).unknown).toEqual([]);
  expect((await look(0, { organisationId: "another" })).states).toEqual([]);
});

test("pictures of before and after are kept by reference", async () => {
  const evidence: EvidenceReference[] = [
    { sha256: "a".repeat(64), mediaType: "image/jpeg", sizeBytes: 10, role: "before" },
    { sha256: "b".repeat(64), mediaType: "image/jpeg", sizeBytes: 11, role: "after" },
  ];
  const item = camera("covered", 2);
  if (item.kind !== "health") throw new Error("no health");
  await sealed(2, { kind: "health", event: { ...item.event, evidence } })();
  expect((await look()).record.events).toEqual([{ ...item.event, evidence }]);
});

test("the time that the gateway was off before a camera started is unknown, a quick restart is not", async () => {
  await sealed(1, camera("ok", 1))();
  for (const minutes of [2, 3, 4]) await sealed(minutes)();
  await sealed(5, camera("starting", 5))();
  await sealed(6, camera("ok", 6))();
  await sealed(60)();
  await sealed(61, camera("starting", 61))();
  expect((await look()).unknown).toEqual([[6, 61]]);
});

test("a time of which batches are missing is unknown until they have come", async () => {
  await sealed(1, camera("ok", 1))();
  const late = sealed(20, camera("offline", 20));
  await sealed(30, camera("ok", 30))();
  expect(await look()).toMatchObject({ states: ["1 ok", "30 ok"], unknown: [[1, 30]] });
  await late();
  expect(await look()).toMatchObject({ states: ["1 ok", "20 offline", "30 ok"], unknown: [] });
});
