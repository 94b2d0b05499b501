import { expect, it } from "vitest";

import { FrostlightError } from "./errors.ts";
import { Lifecycle, type Part } from "./lifecycle.ts";
import { silentLogger } from "./logger.ts";
import { createRegistry } from "./registry.ts";
import { retryDelayMs } from "./retry.ts";
import { FakeClock, seededRandom } from "./testing.ts";

function part(name: string, log: string[], fails: { start?: boolean; stop?: boolean } = {}): Part {
  const step = (verb: "start" | "stop") => async (): Promise<void> => {
    log.push(`${verb} ${name}`);
    await Promise.resolve();
    if (fails[verb] === true) throw new FrostlightError("test/failed", "bug", `${name} cannot ${verb}`);
  };
  return { name, start: step("start"), stop: step("stop") };
}

it("starts in order and stops in reverse", async () => {
  const log: string[] = [];
  const lifecycle = new Lifecycle([part("a", log), part("b", log)], silentLogger);
  await lifecycle.start();
  await lifecycle.stop();
  await lifecycle.stop();
  expect(log).toEqual(["start a", "start b", "stop b", "stop a"]);
});

it("stops what had started when a later part cannot start", async () => {
  const log: string[] = [];
  const lifecycle = new Lifecycle([part("a", log), part("b", log, { start: true })], silentLogger);
  await expect(lifecycle.start()).rejects.toThrow("b cannot start");
  expect(log).toEqual(["start a", "start b", "stop a"]);
});

it("runs every stop and then reports all failures", async () => {
  const log: string[] = [];
  const lifecycle = new Lifecycle([part("a", log, { stop: true }), part("b", log, { stop: true })], silentLogger);
  await lifecycle.start();
  await expect(lifecycle.stop()).rejects.toThrow(/b cannot stop.*a cannot stop/);
});

it("refuses a kind registered twice", () => {
  expect(() => createRegistry("decoders", [{ kind: "plain" }, { kind: "plain" }])).toThrow(
    'kind "plain" is registered twice',
  );
});

it("grows retry delays up to the maximum, within the jitter", () => {
  const random = seededRandom(7);
  const schedule = { firstMs: 100, factor: 2, maxMs: 1_000, jitter: 0.2 };
  for (let attempt = 0; attempt < 12; attempt += 1) {
    const plain = Math.min(1_000, 100 * 2 ** attempt);
    const delay = retryDelayMs(schedule, attempt, random);
    expect(delay).toBeGreaterThanOrEqual(plain * 0.8);
    expect(delay).toBeLessThanOrEqual(plain * 1.2);
  }
});

it("moves a fake clock through timers in order and rejects an aborted sleep", async () => {
  const clock = new FakeClock(0);
  const log: number[] = [];
  clock.every(10, () => log.push(clock.monotonicMs()));
  clock.after(15, () => log.push(-clock.monotonicMs()));
  await clock.advance(30);
  expect(log).toEqual([10, -15, 20, 30]);
  const stop = new AbortController();
  const sleeping = clock.sleep(1_000, stop.signal);
  stop.abort(new Error("stopping"));
  await expect(sleeping).rejects.toThrow("stopping");
});
