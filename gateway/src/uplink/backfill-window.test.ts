import { expect, test } from "vitest";

import { BackfillWindow } from "./backfill-window.ts";

/** A link with a fixed way and a server that stores one batch after the other; the window's size at the end and the queue. */
function simulate(
  wayMs: number,
  storeMs: number,
  largest = 1_000,
): { readonly batches: number; readonly queueMs: number } {
  const window = new BackfillWindow(largest);
  const sent: number[] = [];
  let nowMs = 0;
  let freeMs = 0;
  let queueMs = 0;
  for (let turn = 0; turn < 5_000; turn += 1) {
    while (sent.length < window.batches) sent.push(nowMs);
    const sentMs = sent.shift() ?? nowMs;
    freeMs = Math.max(freeMs, sentMs + wayMs / 2) + storeMs;
    nowMs = Math.max(nowMs, freeMs + wayMs / 2);
    queueMs = nowMs - sentMs - wayMs - storeMs;
    window.answered(nowMs - sentMs, nowMs);
  }
  return { batches: window.batches, queueMs };
}

test.each([
  [1, 1],
  [1, 20],
  [600, 5],
  [50, 100],
])(
  "behind a way of %i ms and a server that needs %i ms for a batch, new batches queue for less than half a second",
  (wayMs, storeMs) => {
    const { batches, queueMs } = simulate(wayMs, storeMs);
    expect(queueMs).toBeLessThan(500);
    // The server is never idle: as many are under way as fit into the way itself.
    expect(batches).toBeGreaterThanOrEqual(Math.min(wayMs / storeMs, 40));
  },
);

test("the window never grows beyond what is allowed, nor shrinks to nothing", () => {
  expect(simulate(10, 0.1, 48).batches).toBe(48);
  expect(simulate(1, 5_000).batches).toBe(2);
  expect(new BackfillWindow(3).batches).toBe(3);
});
