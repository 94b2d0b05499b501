import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { ClockCorrection, JournalItem } from "@frostlight/contract";
import { silentLogger } from "@frostlight/kernel";
import { FakeClock } from "@frostlight/kernel/testing";
import * as fc from "fast-check";
import { afterEach, expect, test } from "vitest";

import { ClockWatch } from "./clock-watch.ts";

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

async function stateFile(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "frostlight-clock-"));
  folders.push(folder);
  return join(folder, "clock.json");
}

/** A machine whose clock is wrong until it is set. `uptimeMs` goes on over lives of the process. */
class Machine {
  readonly clock = new FakeClock(Date.UTC(2026, 2, 1));
  readonly items: JournalItem[] = [];
  isSet = false;
  failing = false;
  bootId = "machine-1";
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  async live(bootId: string): Promise<ClockWatch> {
    const watch = new ClockWatch({
      clock: this.clock,
      bootId,
      isSet: () => this.isSet,
      machineBootId: this.bootId,
      uptimeMs: () => this.clock.monotonicMs() + 50_000,
      file: this.#file,
      logger: silentLogger,
    });
    await watch.open();
    watch.connect((items) => {
      if (this.failing) return Promise.reject(new Error("disk full"));
      this.items.push(...items);
      return Promise.resolve();
    });
    await watch.start();
    return watch;
  }

  corrections(): ClockCorrection[] {
    return this.items.flatMap((item) => (item.kind === "clock-correction" ? [item.correction] : []));
  }
}

const hourMs = 3_600_000;

test("when the clock is set, what was sealed before gets the step as its correction", async () => {
  const machine = new Machine(await stateFile());
  const watch = await machine.live("a");
  await machine.clock.advance(600_000);
  expect(watch.isSynchronised).toBe(false);
  machine.clock.jumpWall(5 * hourMs);
  machine.isSet = true;
  expect(watch.isSynchronised).toBe(true);
  await machine.clock.advance(1_000);
  expect(machine.corrections()).toEqual([
    { bootId: "a", offsetMs: 5 * hourMs, untilMonotonicMs: 600_000, timeMs: expect.any(Number) },
  ]);
  await watch.stop();
});

test("a step is seen at the next seal, not at the next second, so no batch is on its wrong side", async () => {
  const machine = new Machine(await stateFile());
  const watch = await machine.live("a");
  await machine.clock.advance(10_100);
  machine.clock.jumpWall(-3 * hourMs);
  expect(watch.isSynchronised).toBe(false);
  await machine.clock.advance(1);
  expect(machine.corrections()).toMatchObject([{ offsetMs: -3 * hourMs, untilMonotonicMs: 10_100 }]);
  await watch.stop();
});

test("a correction that cannot be journaled is tried again until it is durable, once", async () => {
  const machine = new Machine(await stateFile());
  const watch = await machine.live("a");
  machine.failing = true;
  machine.clock.jumpWall(hourMs);
  machine.isSet = true;
  await machine.clock.advance(3_000);
  expect(machine.corrections()).toEqual([]);
  machine.failing = false;
  await machine.clock.advance(3_000);
  expect(machine.corrections()).toHaveLength(1);
  await watch.stop();
});

test("earlier lives of the process since the machine was started are corrected too, over a step between them", async () => {
  const machine = new Machine(await stateFile());
  const first = await machine.live("a");
  await machine.clock.advance(60_000);
  await first.stop();
  machine.clock.jumpWall(1_000_000);
  const second = await machine.live("b");
  await machine.clock.advance(60_000);
  machine.clock.jumpWall(2 * hourMs);
  machine.isSet = true;
  await machine.clock.advance(2_000);
  await second.stop();
  const offsets = Object.fromEntries(machine.corrections().map(({ bootId, offsetMs }) => [bootId, offsetMs]));
  expect(offsets).toEqual({ a: 2 * hourMs + 1_000_000, b: 2 * hourMs });

  // Said once: the next life has nothing to correct.
  const third = await machine.live("c");
  await third.stop();
  expect(machine.corrections()).toHaveLength(2);
});

test("lives of an earlier run of the machine are not corrected: nobody knows how long it was off", async () => {
  const machine = new Machine(await stateFile());
  await (await machine.live("a")).stop();
  machine.bootId = "machine-2";
  machine.isSet = true;
  await (await machine.live("b")).stop();
  expect(machine.corrections()).toEqual([]);
});

test("a clock that is set and steps is told, and corrects nothing", async () => {
  const machine = new Machine(await stateFile());
  machine.isSet = true;
  const watch = await machine.live("a");
  machine.clock.jumpWall(-8 * hourMs);
  await machine.clock.advance(1_000);
  expect(machine.corrections()).toEqual([]);
  expect(machine.items).toMatchObject([
    {
      kind: "health",
      event: { subject: "clock", explanation: { code: "clock-jumped", parameters: { stepSeconds: -28_800 } } },
    },
  ]);
  await watch.stop();
});

test("whatever steps come before the clock is set, each time corrected lies where the monotonic clock puts it", async () => {
  const file = await stateFile();
  const step = fc.record({
    afterMs: fc.integer({ min: 100, max: 100_000 }),
    byMs: fc.integer({ min: 3_000, max: 40 * hourMs }),
    back: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 5 }), async (steps) => {
      const machine = new Machine(file);
      const watch = await machine.live("a");
      const sealed: { readonly wallMs: number; readonly monotonicMs: number; readonly stretch: number }[] = [];
      const stepped: number[] = [];
      for (const [stretch, { afterMs, byMs, back }] of steps.entries()) {
        expect(watch.isSynchronised).toBe(false);
        sealed.push({ wallMs: machine.clock.nowMs(), monotonicMs: machine.clock.monotonicMs(), stretch });
        await machine.clock.advance(afterMs);
        stepped.push(back ? -byMs : byMs);
        machine.clock.jumpWall(back ? -byMs : byMs);
        if (stretch === steps.length - 1) machine.isSet = true;
        void watch.isSynchronised;
      }
      await machine.clock.advance(1_000);
      await watch.stop();
      const corrections = machine.corrections().toSorted((a, b) => a.untilMonotonicMs - b.untilMonotonicMs);
      const offsets = sealed.map(
        ({ monotonicMs }) => corrections.find((one) => monotonicMs < one.untilMonotonicMs)?.offsetMs,
      );
      expect(offsets).toEqual(stepped);
    }),
    { numRuns: 50 },
  );
});
