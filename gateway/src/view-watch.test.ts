import type { HealthEvent } from "@frostlight/contract";
import { FakeClock } from "@frostlight/kernel/testing";
import { expect, test } from "vitest";

import type { View, ViewState } from "./core/view.ts";
import { ViewWatch } from "./view-watch.ts";

test("a view that is down for a while is told once, and once when it works again; a short break is not", async () => {
  const clock = new FakeClock();
  const told: HealthEvent[] = [];
  let state: ViewState["state"] = "online";
  const view: View = {
    name: "view panel",
    start: () => Promise.resolve(),
    stop: () => Promise.resolve(),
    status: () => ({
      viewId: "panel",
      kind: "mqtt-panel",
      state,
      code: state === "online" ? "connected" : "connect-failed",
      message: "mqtt://127.0.0.1:1883",
      connects: 1,
      messages: 0,
      values: 0,
      lateValues: 0,
      refusedCommands: 0,
      waitingBatches: 0,
      skippedBatches: 0,
    }),
  };
  const watch = new ViewWatch([view], clock, (event) => told.push(event));
  await watch.start();
  await clock.advance(60_000);
  state = "offline";
  await clock.advance(20_000);
  state = "online";
  await clock.advance(20_000);
  expect(told).toEqual([]);
  state = "offline";
  await clock.advance(120_000);
  state = "online";
  await clock.advance(10_000);
  expect(told.map(({ subject, state: is, explanation }) => [subject, is, explanation.code])).toEqual([
    ["view:panel", "offline", "view-offline"],
    ["view:panel", "ok", "view-ok"],
  ]);
  await watch.stop();
});
