import { expect, it } from "vitest";

import { ExcursionMemory } from "./excursion-memory.ts";

const hour = 3_600_000;
const day = 24 * hour;
const one = { durationMs: hour, worst: 3, exposure: 2 * hour };
const never = (): boolean => false;

it("counts what lasted as long, went as far and had as much exposure", () => {
  const memory = new ExcursionMemory();
  for (const days of [1, 4, 8]) memory.add({ ...one, endedMs: days * day });
  expect(memory.covering(one, 9 * day, day, never)).toBe(3);
  for (const more of [{ durationMs: 2 * hour }, { worst: 4 }, { exposure: 3 * hour }]) {
    expect(memory.covering({ ...one, ...more }, 9 * day, day, never)).toBe(0);
  }
});

it("takes a bad week for one occasion", () => {
  const memory = new ExcursionMemory();
  for (let count = 0; count < 14; count += 1) memory.add({ ...one, endedMs: day + count * 12 * hour });
  expect(memory.covering(one, 20 * day, day, never)).toBe(1);
  memory.add({ ...one, endedMs: 10 * day });
  expect(memory.covering(one, 20 * day, day, never)).toBe(2);
});

it("leaves out what had a reason of its own, and what is older than 400 days", () => {
  const memory = new ExcursionMemory();
  memory.add({ ...one, endedMs: day });
  memory.add({ ...one, endedMs: 300 * day });
  memory.add({ ...one, endedMs: 350 * day });
  expect(memory.covering(one, 420 * day, day, ({ endedMs }) => endedMs === 350 * day)).toBe(1);
});

it("drops for good what turned out to have a reason of its own", () => {
  const memory = new ExcursionMemory();
  for (const days of [1, 4, 8]) memory.add({ ...one, endedMs: days * day });
  const { revision } = memory;
  memory.leaveOut(({ endedMs }) => endedMs < 5 * day);
  expect(memory.covering(one, 9 * day, day, never)).toBe(1);
  expect(memory.revision).toBe(revision + 1);
  memory.leaveOut(never);
  expect(memory.revision).toBe(revision + 1);
});

it("is worth keeping again after it was restored", () => {
  const memory = new ExcursionMemory();
  memory.restore([{ endedMs: 1, durationMs: 1, worst: 1, exposure: 1 }]);
  expect(memory.revision).toBeGreaterThan(0);
});
