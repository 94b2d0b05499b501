import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";

import { silentLogger } from "@frostlight/kernel";
import { FakeClock, seededRandom } from "@frostlight/kernel/testing";
import { afterEach, beforeEach, expect, it } from "vitest";

import type { Reading } from "../core/reading.ts";
import type { SourceContext } from "../core/source.ts";
import { Outbox } from "./outbox.ts";

let folder: string;
let clock: FakeClock;
let groups: number[][];
let refused: string[];
let journal: () => Promise<void>;
let context: SourceContext;

function reading(value: number): Reading {
  return {
    pointId: "p",
    value,
    unit: "Cel",
    sourceTimeMs: null,
    receivedMs: 0,
    quality: "good",
    reason: null,
    backfill: false,
  };
}

const nextTurn = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });

beforeEach(() => {
  folder = mkdtempSync(`${tmpdir()}/frostlight-outbox-`);
  clock = new FakeClock();
  groups = [];
  refused = [];
  journal = () => Promise.resolve();
  context = {
    sourceId: "s",
    clock,
    random: seededRandom(1),
    logger: silentLogger,
    stateFolder: folder,
    environment: {},
    async submit(readings) {
      await journal();
      groups.push(readings.map((one) => one.value ?? Number.NaN));
    },
    wasRecorded: () => false,
    discover: () => undefined,
    trust: { judge: () => Promise.resolve("unknown"), onApproval: () => () => undefined },
    refuse: ({ code, message }) => refused.push(`${code}: ${message}`),
    setState: () => undefined,
  };
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

it("hands over in one go what came in one turn", async () => {
  const outbox = new Outbox(context, new AbortController().signal, () => undefined);
  outbox.put(reading(1));
  outbox.put(reading(2));
  await outbox.close();
  expect(groups).toEqual([[1, 2]]);
  expect(refused).toEqual([]);
});

it("keeps order and loses nothing while the journal takes none", async () => {
  const told: boolean[] = [];
  const outbox = new Outbox(context, new AbortController().signal, (error) => told.push(error === undefined));
  journal = () => Promise.reject(new Error("full"));
  outbox.put(reading(1));
  await nextTurn();
  await clock.advance(10_000);
  outbox.put(reading(2));
  journal = () => Promise.resolve();
  await clock.advance(60_000);
  await outbox.close();
  expect(groups.flat()).toEqual([1, 2]);
  expect(told).toEqual([false, true]);
});

it("gives up the oldest when full, and says how many", async () => {
  const stopping = new AbortController();
  const outbox = new Outbox(context, stopping.signal, () => undefined);
  journal = () => Promise.reject(new Error("full"));
  outbox.put(reading(0));
  await nextTurn();
  await clock.advance(1);
  for (let value = 1; value <= 10_005; value += 1) outbox.put(reading(value));
  journal = () => Promise.resolve();
  await clock.advance(60_000);
  await outbox.close();
  expect(groups.flat()).toHaveLength(10_000);
  expect(groups.flat().at(-1)).toBe(10_005);
  expect(refused).toMatchObject([expect.stringMatching(/^readings-dropped: 6 readings/)]);
});

it("shows what it could not hand over before the stop", async () => {
  const stopping = new AbortController();
  const outbox = new Outbox(context, stopping.signal, () => undefined);
  journal = () => Promise.reject(new Error("full"));
  outbox.put(reading(1));
  stopping.abort();
  await outbox.close();
  expect(refused).toMatchObject([expect.stringMatching(/^readings-dropped: 1 readings/)]);
});
