import type { JournalItem } from "@frostlight/contract";
import { silentLogger } from "@frostlight/kernel";
import { FakeClock } from "@frostlight/kernel/testing";
import { expect, it } from "vitest";

import { AppendWatch } from "./append-watch.ts";
import type { JournalPosition } from "./core/journal.ts";
import { createWatchdog } from "./local/index.ts";

const item: JournalItem = { kind: "receipt", receipt: 1 };

/** A journal whose disk answers when told to, and a watchdog that looks at it every 10 s as the gateway's does. */
function setUp() {
  const clock = new FakeClock();
  const waiting: PromiseWithResolvers<JournalPosition>[] = [];
  const watch = new AppendWatch(
    {
      append: () => {
        const one = Promise.withResolvers<JournalPosition>();
        waiting.push(one);
        return one.promise;
      },
      hasReceipt: () => false,
    },
    clock,
  );
  let turns = 0;
  let fed = 0;
  const watchdog = createWatchdog({
    clock,
    environment: {},
    // The main loop itself turns all the time.
    progress: () => (watch.isStuck ? false : (turns += 1)),
    logger: silentLogger,
    notify: (state) => {
      if (state === "WATCHDOG=1") fed += 1;
      return Promise.resolve(true);
    },
  });
  return { clock, watch, watchdog, waiting, fed: () => fed };
}

it("starves the watchdog while an append hangs, although the main loop turns", async () => {
  const { clock, watch, watchdog, waiting, fed } = setUp();
  await watchdog.start();
  const appended = watch.append([item]);
  await clock.advance(20_000);
  expect(fed()).toBe(2);
  await clock.advance(100_000);
  expect(fed()).toBe(2);
  expect(watchdog.alive()).toBe(false);
  waiting[0]?.resolve({ epoch: "e", sequence: 1 });
  await appended;
  await clock.advance(10_000);
  expect(watchdog.alive()).toBe(true);
});

it("takes a refusal for an answer: a full disk is no reason to start anew", async () => {
  const { clock, watch, watchdog, waiting } = setUp();
  await watchdog.start();
  for (let turn = 0; turn < 20; turn += 1) {
    const appended = watch.append([item]);
    await clock.advance(10_000);
    waiting.at(-1)?.reject(new Error("full"));
    await expect(appended).rejects.toThrow("full");
    expect(watchdog.alive()).toBe(true);
  }
});

it("is not stuck for as long as one of many appends is answered now and then, nor when nothing waits", async () => {
  const { clock, watch, waiting } = setUp();
  const appended = Array.from({ length: 10 }, () => watch.append([item]));
  for (const one of waiting) {
    await clock.advance(29_000);
    expect(watch.isStuck).toBe(false);
    one.resolve({ epoch: "e", sequence: 1 });
    await clock.advance(0);
  }
  await Promise.all(appended);
  await clock.advance(1_000_000);
  expect(watch.isStuck).toBe(false);
});
