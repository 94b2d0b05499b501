import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { silentLogger } from "@frostlight/kernel";
import { FakeClock, seededRandom } from "@frostlight/kernel/testing";
import * as fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";

import { ActDesk } from "./act-desk.ts";
import { alarmRuleConfig, createAlarmEngine } from "./alarms/index.ts";
import type { ActOutcome, PersonAction } from "./core/alarm-engine.ts";

const minute = 60_000;
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "frostlight-desk-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** An engine with one open alarm, and a desk in front of it. */
async function site(name: string) {
  const clock = new FakeClock();
  const zone = {
    zoneId: "freezer",
    name: { zh: "冷库", en: "Freezer" },
    profileId: "frozen-store",
    limits: { low: null, high: -18, criticalLow: null, criticalHigh: null },
    limitsSource: "test",
  };
  const point = {
    pointId: "air",
    zoneId: "freezer",
    name: zone.name,
    quantity: "temperature",
    unit: "Cel",
    expectedIntervalMs: minute,
    probeRole: null,
    calibration: { offset: 0, slope: 1, certificate: null, dueMs: null },
    recording: { mode: "every" },
    validRange: { min: -100, max: 100 },
  } as const;
  const stages = [{ priority: "high", value: -18, onDelaySeconds: 0 }];
  const rule = alarmRuleConfig.parse({ id: "warm", kind: "limit", points: ["air"], side: "high", stages });
  const engine = createAlarmEngine({
    zones: [zone],
    points: [point],
    cameras: [],
    rules: [rule],
    clock,
    random: seededRandom(7),
  });
  engine.onSamples([
    {
      pointId: "air",
      timeMs: clock.nowMs(),
      receivedMs: clock.nowMs(),
      value: -10,
      raw: -10,
      quality: "good",
      reason: null,
      hasSourceTime: true,
      backfill: false,
      timeCorrected: false,
    },
  ]);
  const [alarm] = engine.active();
  if (alarm === undefined) throw new Error("the reading raises no alarm");
  const open = (): Promise<ActDesk> =>
    ActDesk.open({
      file: join(folder, `${name}.json`),
      // Durability takes its time; the decision does not.
      act: async (request): Promise<ActOutcome> => {
        const outcome = engine.act(request);
        await Promise.resolve();
        return outcome;
      },
      clock,
      logger: silentLogger,
    });
  const actionOf = (kind: PersonAction["kind"]): PersonAction => {
    const { alarmId } = alarm;
    if (kind === "acknowledge" || kind === "action-done") return { kind, alarmId, comment: "" };
    const untilMs = clock.nowMs() + 30 * minute;
    if (kind === "shelve") return { kind, alarmId, untilMs, oneShot: false, reason: "r" };
    if (kind === "set-service") return { kind, target: { zoneId: "freezer" }, inService: false, untilMs, reason: "r" };
    return { kind, alarmId, reason: "r" };
  };
  return { engine, open, actionOf };
}

const kinds = ["acknowledge", "action-done", "shelve", "unshelve", "reset", "set-service"] as const;
const places = ["command", "panel", "opcua"] as const;

test("acts from several places at once, repeated and late, end in the one state that the first arrivals lead to", async () => {
  let run = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ kind: fc.constantFrom(...kinds), place: fc.constantFrom(...places) }), { maxLength: 8 }),
      fc.array(fc.nat(7), { maxLength: 8 }),
      fc.nat(8),
      async (acts, repeats, restartAfter) => {
        run += 1;
        const plain = await site(`plain-${run}`);
        const plainDesk = await plain.open();
        const expected: ActOutcome["kind"][] = [];
        for (const [index, { kind, place }] of acts.entries()) {
          const request = { action: plain.actionOf(kind), actor: place, commandId: null };
          expected.push((await plainDesk.act(request, `${place}:${index}`)).kind);
        }

        const noisy = await site(`noisy-${run}`);
        let desk = await noisy.open();
        const ask = (index: number): Promise<ActOutcome> => {
          const { kind, place } = acts[index] ?? { kind: "acknowledge", place: "panel" };
          return desk.act({ action: noisy.actionOf(kind), actor: place, commandId: null }, `${place}:${index}`);
        };
        for (const [index] of acts.entries()) {
          // The same delivery twice at once, and an old one again.
          const again = repeats[index] === undefined ? [] : [Math.min(repeats[index], index)];
          const [first, second] = await Promise.all([ask(index), ask(index), ...again.map(ask)]);
          expect(first.kind).toBe(expected[index]);
          expect(second?.kind).toBe(expected[index]);
          if (index === restartAfter) desk = await noisy.open();
        }
        for (const index of repeats.filter((one) => one < acts.length))
          expect((await ask(index)).kind).toBe(expected[index]);
        const states = (of: typeof plain) => of.engine.active().map(({ state, priority }) => ({ state, priority }));
        expect(states(noisy)).toEqual(states(plain));
      },
    ),
    { numRuns: 60 },
  );
});

test("an act without a name of its own is done each time it is asked for", async () => {
  const { open, actionOf } = await site("nameless");
  const desk = await open();
  const request = { action: actionOf("acknowledge"), actor: "li", commandId: null };
  expect(await desk.act(request, null)).toMatchObject({ kind: "done" });
  expect(await desk.act(request, null)).toEqual({ kind: "refused", reason: "already-acknowledged" });
});

test("an act that the disk did not take may be asked for again by the same name", async () => {
  let isFull = true;
  const desk = await ActDesk.open({
    file: join(folder, "acts.json"),
    act: () => (isFull ? Promise.reject(new Error("disk full")) : Promise.resolve({ kind: "done", events: [] })),
    clock: new FakeClock(),
    logger: silentLogger,
  });
  const request = { action: { kind: "acknowledge", alarmId: "a", comment: "" }, actor: "li", commandId: null } as const;
  await expect(desk.act(request, "panel:1")).rejects.toThrow("disk full");
  isFull = false;
  expect(await desk.act(request, "panel:1")).toEqual({ kind: "done", events: [] });
});
