import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { Sample } from "@frostlight/contract";
import { silentLogger, systemClock } from "@frostlight/kernel";
import { seededRandom } from "@frostlight/kernel/testing";

import type { SampleBatch, TimeSeriesStore } from "../../../server/src/core/timeseries.ts";
import { timeSeriesRegistry } from "../../../server/src/stores/timeseries/index.ts";
import { type InfluxDb, influxdProgram, startInfluxDb } from "../../sims/influxdb.ts";

/** Stores of one kind on places of their own. */
export interface Harness {
  /** A new, empty place; opening the same place again is a restart. */
  newPlace(): { open(): TimeSeriesStore };
  stop(): Promise<void>;
}

/** Why the kind cannot be tested here, if it cannot. In CI everything must be there. */
export function missingProgram(kind: string): string | undefined {
  if (kind !== "influx" || influxdProgram() !== undefined) return undefined;
  return "influxd is not installed (Debian package influxdb)";
}

/** How each registered kind is set up; a kind without an entry fails the suite. */
const harnesses: Readonly<Record<string, () => Promise<Harness>>> = {
  sqlite: () => {
    const root = mkdtempSync(join(tmpdir(), "frostlight-sqlite-"));
    let places = 0;
    return Promise.resolve({
      newPlace() {
        places += 1;
        const folder = join(root, String(places));
        return { open: () => openStore("sqlite", {}, folder) };
      },
      stop() {
        rmSync(root, { recursive: true, force: true });
        return Promise.resolve();
      },
    });
  },
  influx: async () => {
    const influx = await startInfluxDb();
    let places = 0;
    return {
      newPlace() {
        places += 1;
        const database = `place${places}`;
        return { open: () => openInflux(influx, { database }) };
      },
      stop: () => influx.stop(),
    };
  },
};

export function startHarness(kind: string): Promise<Harness> {
  const start = harnesses[kind];
  if (start === undefined) throw new Error(`the conformance suite has no harness for the registered kind "${kind}"`);
  return start();
}

export function openInflux(influx: Pick<InfluxDb, "url">, options: Readonly<Record<string, unknown>>): TimeSeriesStore {
  return openStore("influx", { urls: [influx.url], ...options }, "unused");
}

export function openStore(
  kind: string,
  options: Readonly<Record<string, unknown>>,
  dataFolder: string,
  environment: Readonly<Record<string, string>> = {},
): TimeSeriesStore {
  const definition = timeSeriesRegistry.all.find((candidate) => candidate.kind === kind);
  if (definition === undefined) throw new Error(`"${kind}" is not registered`);
  return definition.open(definition.options.parse(options), {
    clock: systemClock,
    random: seededRandom(1),
    logger: silentLogger,
    dataFolder,
    environment,
  });
}

/** 2026-03-01T08:00:00Z. */
export const startMs = Date.UTC(2026, 2, 1, 8);

export function sampleOf(changes: Partial<Sample> = {}): Sample {
  const timeMs = changes.timeMs ?? startMs;
  const value = changes.value === undefined ? -18.5 : changes.value;
  return {
    pointId: "air",
    timeMs,
    receivedMs: timeMs + 40,
    value,
    raw: value,
    quality: "good",
    reason: null,
    hasSourceTime: false,
    backfill: false,
    timeCorrected: false,
    ...changes,
  };
}

export function batchOf(samples: readonly Sample[], changes: Partial<SampleBatch> = {}): SampleBatch {
  return {
    organisationId: "school-board",
    siteId: "canteen-1",
    gatewayId: "gateway-1",
    epoch: "00000000000000aa",
    sequence: 1,
    samples,
    points: new Map(
      samples.map(({ pointId }) => [pointId, { zoneId: "cold-room", unit: "Cel", quantity: "temperature" }]),
    ),
    ...changes,
  };
}
