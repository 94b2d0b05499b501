import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { silentLogger, systemClock, systemRandom } from "@frostlight/kernel";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import type { View } from "../../../gateway/src/core/view.ts";
import type { Journal } from "../../../gateway/src/journal/index.ts";
import { openTestJournal, sampleItem } from "../../../gateway/src/journal/testing/journal-fixture.ts";
import { viewRegistry } from "../../../gateway/src/views/index.ts";
import { freePort } from "../../sims/free-port.ts";
import { until } from "../sources/harness.ts";
import { nothingElse } from "./rig.ts";

/** What every view promises, whatever it speaks. Examples point at peers that are not there. */
describe.each(viewRegistry.all)("the view $kind", { timeout: 60_000 }, (definition) => {
  let folder: string;
  let journal: Journal;
  let port: number;
  const example = definition.example as Record<string, unknown>; // examples are objects by convention
  const open = (): View =>
    definition.open(definition.options.parse(definition.listens === true ? { ...example, port } : example), {
      viewId: "under-test",
      gatewayId: "gw-test",
      softwareVersion: "0.0.1",
      clock: systemClock,
      random: systemRandom,
      logger: silentLogger,
      stateFolder: folder,
      environment: {},
      journal,
      zones: [],
      points: [],
      latest: () => undefined,
      alarms: () => ({ critical: 0, high: 0, warning: 0 }),
      ...nothingElse,
    });

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "frostlight-view-"));
    journal = await openTestJournal(join(folder, "journal"));
    port = await freePort();
  });

  afterEach(async () => {
    await journal.close();
    await rm(folder, { recursive: true, force: true });
  });

  it("takes its own example, refuses an unknown key, and leaves `id` and `kind` to the configuration", () => {
    expect(definition.options.safeParse(example).success).toBe(true);
    for (const key of ["colour", "id", "kind"]) {
      expect(definition.options.safeParse({ ...example, [key]: "x" }).success).toBe(false);
    }
  });

  it("starts without its peer, says where it stands, counts what waits, and stops in time, twice", async () => {
    const view = open();
    expect(view.status()).toMatchObject({
      state: "starting",
      viewId: "under-test",
      kind: definition.kind,
      connects: 0,
    });
    await view.start();
    await journal.append([sampleItem(1)]);
    await until("it says where it stands", () => view.status().state !== "starting", 30_000);
    expect(view.status()).toMatchObject({
      state: definition.listens === true ? "online" : "offline",
      waitingBatches: definition.shows === "history" ? 1 : 0,
    });
    const startedMs = performance.now();
    await view.stop();
    await view.stop();
    expect(performance.now() - startedMs).toBeLessThan(5_000);
    expect(view.status()).toMatchObject({ state: "offline", code: "stopped" });
  });

  it("stops although it was never started, or only just", async () => {
    await open().stop();
    const view = open();
    await Promise.all([view.start(), view.stop()]);
    expect(view.status()).toMatchObject({ state: "offline" });
  });
});
