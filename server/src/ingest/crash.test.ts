import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { silentLogger, systemClock, systemRandom } from "@frostlight/kernel";
import { expect, test } from "vitest";

import type { TimeSeriesStore } from "../core/timeseries.ts";
import { openStateStore } from "../stores/state/state-store.ts";
import { timeSeriesRegistry } from "../stores/timeseries/index.ts";
import { createIngest } from "./ingest.ts";
import { alarmItem, FakeGateway, sampleItem, type SealedBatch } from "./testing/fake-gateway.ts";

const deps = { clock: systemClock, logger: silentLogger };
const t0 = 1_767_225_600_000;

function openTimeSeries(folder: string): TimeSeriesStore {
  const definition = timeSeriesRegistry.get("sqlite");
  const context = { ...deps, random: systemRandom, dataFolder: folder, environment: {} };
  return definition.open(definition.options.parse({}), context);
}

async function runUntilKilled(folder: string, when: string, nth: number): Promise<NodeJS.Signals | null> {
  const script = join(import.meta.dirname, "testing/crash-child.ts");
  const child = spawn(process.execPath, [script, folder, when, String(nth)], { stdio: "inherit" });
  return new Promise((resolve) => {
    child.once("exit", (_code, signal) => {
      resolve(signal);
    });
  });
}

test.each([
  ["between the time series and the state transaction", "before", 1],
  ["between the time series and the state transaction of a later group", "before", 3],
  ["after the state transaction, before the answer", "after", 2],
])("a server killed %s has every sample once when the gateway has sent again", async (_name, when, nth) => {
  const folder = await mkdtemp(join(tmpdir(), "frostlight-crash-"));
  const gateway = new FakeGateway();
  const batches: SealedBatch[] = Array.from({ length: 50 }, (_, n) =>
    gateway.seal([
      sampleItem("p", t0 + n * 1_000, n),
      sampleItem("p", t0 + n * 1_000, n + 0.5),
      alarmItem(`event-${n}`, { alarmId: `alarm-${n}` }),
    ]),
  );
  try {
    const before = await openStateStore({ file: join(folder, "state.db"), ...deps });
    await before.createOrganisation({ organisationId: "o1", name: "One" });
    await gateway.enrol(before, "o1", "site-1");
    await before.close();
    const lines = batches.map((batch) => `${gateway.gatewayId} ${Buffer.from(batch.bytes).toString("base64")}\n`);
    await writeFile(join(folder, "batches"), lines.join(""));

    expect(await runUntilKilled(folder, when, nth)).toBe("SIGKILL");

    const store = await openStateStore({ file: join(folder, "state.db"), ...deps });
    const timeSeries = openTimeSeries(folder);
    await timeSeries.start();
    const ingest = createIngest({ ...deps, stateStore: store, timeSeries, live: { publish: () => undefined } });
    const recorded = (await ingest.chainState(gateway.gatewayId))[0]?.batches ?? 0;
    expect(recorded).toBe((when === "before" ? nth - 1 : nth) * 10);
    const written = await timeSeries.count({ siteId: "site-1", pointId: "p" });
    expect(written).toBeGreaterThanOrEqual(nth * 20);

    const results = await Promise.all(batches.map((batch) => ingest.accept(gateway.gatewayId, batch.bytes)));
    expect(results.filter(({ outcome }) => outcome.result === "duplicate")).toHaveLength(recorded);
    expect(results.filter(({ outcome }) => outcome.result === "stored")).toHaveLength(50 - recorded);
    expect(await timeSeries.count({ siteId: "site-1", pointId: "p" })).toBe(100);
    expect(await store.alarms({ organisationId: "o1" }, { limit: 1_000 })).toHaveLength(50);
    expect(await ingest.chainState(gateway.gatewayId, -1)).toMatchObject([{ batches: 50, samples: 100, gaps: [] }]);
    await ingest.close();
    await timeSeries.stop();
    await store.close();
  } finally {
    await rm(folder, { recursive: true });
  }
});
