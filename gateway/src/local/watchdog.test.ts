import { silentLogger } from "@frostlight/kernel";
import { FakeClock } from "@frostlight/kernel/testing";
import { describe, expect, it } from "vitest";

import { createWatchdog } from "./watchdog.ts";

function setUp(progress: () => number | boolean, environment: Readonly<Record<string, string>> = {}) {
  const clock = new FakeClock();
  const told: string[] = [];
  const notify = (state: string): Promise<boolean> => {
    told.push(state);
    return Promise.resolve(true);
  };
  return { clock, told, watchdog: createWatchdog({ clock, environment, progress, logger: silentLogger, notify }) };
}

describe("the watchdog", () => {
  it("tells systemd that the gateway is ready, lives, and stops", async () => {
    let turns = 0;
    const { clock, told, watchdog } = setUp(() => (turns += 1));
    await watchdog.start();
    await clock.advance(20_000);
    await watchdog.stop();
    await watchdog.stop();
    await clock.advance(20_000);
    expect(told).toEqual(["READY=1", "WATCHDOG=1", "WATCHDOG=1", "STOPPING=1"]);
  });

  it("falls silent while the main loop stands still, and says so", async () => {
    let turns = 0;
    const { clock, told, watchdog } = setUp(() => turns);
    await watchdog.start();
    expect(watchdog.alive()).toBe(true);
    await clock.advance(30_000);
    expect(told).toEqual(["READY=1"]);
    expect(watchdog.alive()).toBe(false);
    turns += 1;
    await clock.advance(10_000);
    expect(told).toEqual(["READY=1", "WATCHDOG=1"]);
    expect(watchdog.alive()).toBe(true);
  });

  it("takes a plain yes or no as progress too", async () => {
    let moved = true;
    const { clock, told, watchdog } = setUp(() => moved);
    await watchdog.start();
    await clock.advance(10_000);
    moved = false;
    await clock.advance(10_000);
    expect(told).toEqual(["READY=1", "WATCHDOG=1"]);
  });

  it("looks twice as often as systemd expects to hear", async () => {
    let turns = 0;
    const { clock, told, watchdog } = setUp(() => (turns += 1), { WATCHDOG_USEC: "4000000" });
    await watchdog.start();
    await clock.advance(4_000);
    expect(told).toEqual(["READY=1", "WATCHDOG=1", "WATCHDOG=1"]);
  });

  it("survives a systemd that cannot be told", async () => {
    const clock = new FakeClock();
    let turns = 0;
    const watchdog = createWatchdog({
      clock,
      environment: {},
      progress: () => (turns += 1),
      logger: silentLogger,
      notify: () => Promise.reject(new Error("no socket")),
    });
    await watchdog.start();
    await clock.advance(10_000);
    expect(watchdog.alive()).toBe(true);
    await watchdog.stop();
  });
});
