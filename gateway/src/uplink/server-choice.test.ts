import { FakeClock, seededRandom } from "@frostlight/kernel/testing";
import { expect, test } from "vitest";

import { uplinkOptions } from "./options.ts";
import { ServerChoice } from "./server-choice.ts";

const { servers } = uplinkOptions.parse({});

function choiceOf(count: number) {
  const clock = new FakeClock();
  return { clock, choice: new ServerChoice(count, servers, clock, seededRandom(3)) };
}

test("a server is given up only after it has not worked for a minute", async () => {
  const { clock, choice } = choiceOf(2);
  await clock.advance(59_000);
  expect(choice.isGivenUp()).toBe(false);
  choice.works();
  await clock.advance(59_000);
  expect(choice.isGivenUp()).toBe(false);
  await clock.advance(1_000);
  expect(choice.isGivenUp()).toBe(true);
});

test("the only server is never given up", async () => {
  const { clock, choice } = choiceOf(1);
  await clock.advance(86_400_000);
  expect(choice.isGivenUp()).toBe(false);
});

test("when no server works they are tried in turn, each for its minute", async () => {
  const { clock, choice } = choiceOf(3);
  const turns: number[] = [];
  for (let minute = 0; minute < 5; minute += 1) {
    turns.push(choice.active);
    await clock.advance(60_000);
    expect(choice.isGivenUp()).toBe(true);
    choice.fallBack();
  }
  expect(turns).toEqual([0, 1, 2, 0, 1]);
});

test("a first server that comes and goes is returned to ever more rarely, one that was steady soon again", async () => {
  const { clock, choice } = choiceOf(2);
  const waits: number[] = [];
  for (let round = 0; round < 6; round += 1) {
    choice.fallBack();
    waits.push(choice.returnWaitMs());
    await clock.advance(60_000);
    choice.return();
    await clock.advance(60_000);
  }
  const minutes = waits.map((waitMs) => Math.round(waitMs / 60_000));
  expect(minutes[0]).toBe(5);
  expect(minutes[2] ?? 0).toBeGreaterThan(15);
  expect(Math.max(...minutes)).toBeLessThanOrEqual(66);
  await clock.advance(3_600_000);
  choice.fallBack();
  expect(Math.round(choice.returnWaitMs() / 60_000)).toBeLessThanOrEqual(6);
});
