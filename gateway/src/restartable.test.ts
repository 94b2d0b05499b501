import { type Part, silentLogger } from "@frostlight/kernel";
import { FakeClock } from "@frostlight/kernel/testing";
import { expect, it } from "vitest";

import { Restartable } from "./restartable.ts";

function setUp(failures = 0) {
  const clock = new FakeClock();
  const log: string[] = [];
  let made = 0;
  let failing = failures;
  const make = (): Part => {
    made += 1;
    const name = `life ${made}`;
    return {
      name,
      start: () => {
        log.push(`start ${name}`);
        if (made > 1 && failing > 0) {
          failing -= 1;
          return Promise.reject(new Error("port taken"));
        }
        return Promise.resolve();
      },
      stop: () => Promise.resolve(void log.push(`stop ${name}`)),
    };
  };
  return { clock, log, part: new Restartable(make(), () => Promise.resolve(make()), clock, silentLogger) };
}

it("stops what ran before it builds and starts anew, once for several wishes", async () => {
  const { clock, log, part } = setUp();
  await part.start();
  part.restart();
  part.restart();
  await clock.advance(1_000);
  expect(log).toEqual(["start life 1", "stop life 1", "start life 2"]);
  await part.stop();
  expect(log.at(-1)).toBe("stop life 2");
});

it("tries again when the new beginning fails", async () => {
  const { clock, log, part } = setUp(2);
  await part.start();
  part.restart();
  await clock.advance(20_000);
  expect(log.filter((line) => line.startsWith("start"))).toEqual([1, 2, 3, 4].map((n) => `start life ${n}`));
});

it("does not begin anew once it is stopped", async () => {
  const { clock, log, part } = setUp();
  await part.start();
  part.restart();
  await part.stop();
  await clock.advance(10_000);
  expect(log).toEqual(["start life 1", "stop life 1"]);
});
