/**
 * Samples per second that a gateway's backlog takes from its journal through uplink and server into the SQLite store, with live
 * samples beside it, timed from append to ack. Beside the bare store written with the same batches.
 *
 *   npm run -s bench:backfill [-- --json] [-- --samples 500000 --batch 200 --points 200 --transport mqtt --rounds 3]
 */
import { readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { parseArgs } from "node:util";

import type { Sample } from "@frostlight/contract";
import { silentLogger, systemClock, systemRandom } from "@frostlight/kernel";

import type { SampleBatch } from "../../server/src/core/timeseries.ts";
import { timeSeriesRegistry } from "../../server/src/stores/timeseries/index.ts";
import { Site } from "../e2e/site.ts";
import { Child, gatewayEnvironment } from "../sims/child.ts";

const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    samples: { type: "string", default: "500000" },
    batch: { type: "string", default: "200" },
    points: { type: "string", default: "200" },
    transport: { type: "string", default: "mqtt" },
    rounds: { type: "string", default: "3" },
  },
});
const samples = Number(values.samples);
const perBatch = Number(values.batch);
const points = Number(values.points);

interface Outcome {
  readonly tookMs: number;
  readonly live: number;
  readonly latenciesMs: readonly number[];
  readonly sentBatches: number;
  readonly sentBytes: number;
  readonly refusedBatches: number;
  readonly cpuMs: number;
  readonly serverCpuMs: number;
}

const passwordPattern = /\b([a-z2-9]{5}(?:-[a-z2-9]{5}){3})\b/;
const outcomes: Outcome[] = [];
const references: number[] = [];
for (let round = 1; round <= Number(values.rounds); round += 1) {
  const reference = await bareStore();
  const outcome = await oneRound();
  references.push(reference);
  outcomes.push(outcome);
  const rate = Math.round((1_000 * samples) / outcome.tookMs);
  process.stderr.write(
    `round ${round}/${values.rounds}: ${rate} samples/s, live p99 ${percentile(outcome.latenciesMs, 0.99)} ms, bare store ${Math.round(reference)}/s\n`,
  );
}
report();

/** A new server and a new gateway with a full journal. */
async function oneRound(): Promise<Outcome> {
  const site = await Site.create({ name: "bench-backfill", gateway: () => ({}) });
  let gateway: Child | undefined;
  try {
    await site.startServer();
    const password = await site.server.waitFor("the first password", (line) => passwordPattern.exec(line)?.[1]);
    await site.client.signIn("admin", password);
    await site.client.createSite(Site.siteId);
    const token = await site.client.createEnrolmentToken(Site.siteId);
    const folder = join(site.folder, "bench-gateway");
    await mkdir(folder, { recursive: true });
    gateway = new Child({
      name: "bench-gateway",
      script: join(import.meta.dirname, "backfill-gateway.ts"),
      args: [
        `--folder=${folder}`,
        `--server=${site.httpUrl}`,
        `--token=${token}`,
        `--samples=${samples}`,
        `--batch=${perBatch}`,
        `--points=${points}`,
        `--transport=${values.transport}`,
      ],
      logFile: join(site.folder, "bench-gateway.log"),
      environment: gatewayEnvironment,
    });
    await gateway.waitFor("a full journal", (line) => (line.includes('"ready"') ? line : undefined), 600_000);
    const beforeMs = cpuMsOf(site.server.pid);
    gateway.write("start");
    const line = await gateway.waitFor("the end", (text) => (text.includes('"done"') ? text : undefined), 600_000);
    const told = JSON.parse(line) as Omit<Outcome, "serverCpuMs">; // our own process
    const outcome = { ...told, serverCpuMs: cpuMsOf(site.server.pid) - beforeMs };
    check(site.databaseFolder, outcome);
    return outcome;
  } finally {
    await gateway?.stop();
    await site.stop();
  }
}

/** User and system time of a process so far (proc(5): fields 14 and 15 of `stat`, in ticks of 10 ms). */
function cpuMsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? [];
  return 10 * (Number(fields[11]) + Number(fields[12]));
}

/** A rate counts only when everything is there once. */
function check(databaseFolder: string, outcome: Outcome): void {
  const database = new DatabaseSync(join(databaseFolder, "timeseries.sqlite"), { readOnly: true });
  const stored = Number(database.prepare("SELECT count(*) AS n FROM samples").get()?.["n"]);
  database.close();
  const expected = samples + outcome.live;
  if (stored !== expected || outcome.refusedBatches > 0) {
    throw new Error(`${stored} of ${expected} samples are stored, ${outcome.refusedBatches} batches were refused`);
  }
}

/** The same samples in the same batches straight into the store, in this process; samples per second, durable. */
async function bareStore(): Promise<number> {
  const site = await Site.create({ name: "bench-bare-store", gateway: () => ({}) });
  const definition = timeSeriesRegistry.get("sqlite");
  const store = definition.open(definition.options.parse({}), {
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
    dataFolder: site.databaseFolder,
    environment: {},
  });
  try {
    await store.start();
    const startMs = performance.now();
    const group: SampleBatch[] = [];
    for (let from = 0, sequence = 1; from < samples; from += perBatch, sequence += 1) {
      const count = Math.min(perBatch, samples - from);
      group.push(bareBatch(sequence, from, count));
      // As many batches in one call as the gateway has under way.
      if (group.length === 48 || from + count >= samples) await store.write(group.splice(0));
    }
    return (1_000 * samples) / (performance.now() - startMs);
  } finally {
    await store.stop();
    await site.stop();
  }
}

function bareBatch(sequence: number, from: number, count: number): SampleBatch {
  const all = Array.from({ length: count }, (_, offset): Sample => {
    const index = from + offset;
    const timeMs = 1_750_000_000_000 + Math.floor(index / points) * 60_000 + (index % points) * 7;
    const value = -20 + ((index * 7919) % 997) / 100;
    const common = {
      quality: "good",
      reason: null,
      hasSourceTime: false,
      backfill: false,
      timeCorrected: false,
    } as const;
    return { pointId: `bench-${index % points}`, timeMs, receivedMs: timeMs, value, raw: value, ...common };
  });
  const names = { organisationId: "bench", siteId: "bench", gatewayId: "gw-bench", epoch: "00000000000000aa" };
  return { ...names, sequence, samples: all, points: new Map() };
}

function percentile(numbers: readonly number[], share: number): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

function median(numbers: readonly number[]): number {
  return percentile(numbers, 0.5);
}

function report(): void {
  const latenciesMs = outcomes.flatMap((outcome) => outcome.latenciesMs);
  const ours = median(outcomes.map(({ tookMs }) => (1_000 * samples) / tookMs));
  const reference = median(references);
  const bytesPerSample = median(outcomes.map(({ sentBytes, live }) => sentBytes / (samples + live)));
  const result = {
    name: "backfill",
    ours: Math.round(ours),
    reference: Math.round(reference),
    ratio: Number((ours / reference).toFixed(3)),
    unit: "samples/s",
    aim: 20_000,
    live: {
      samples: latenciesMs.length,
      p50Ms: percentile(latenciesMs, 0.5),
      p99Ms: percentile(latenciesMs, 0.99),
      maxMs: Math.max(...latenciesMs),
      aimP99Ms: 1_000,
    },
    cpuMicrosPerSample: {
      gateway: Number(median(outcomes.map(({ cpuMs }) => (1_000 * cpuMs) / samples)).toFixed(1)),
      server: Number(median(outcomes.map(({ serverCpuMs }) => (1_000 * serverCpuMs) / samples)).toFixed(1)),
    },
    bytesPerSample: Number(bytesPerSample.toFixed(1)),
    transport: values.transport,
    samples,
    batch: perBatch,
    points,
    rounds: outcomes.length,
  };
  if (!values.json) {
    process.stdout.write(
      [
        `back-fill, journal → server's store   ${result.ours} samples/s (aim ≥ ${result.aim})`,
        `live beside it, append → ack          p50 ${result.live.p50Ms} ms, p99 ${result.live.p99Ms} ms (aim < 1000 ms)`,
        `bare store, same batches              ${result.reference} samples/s, ratio ${result.ratio}`,
        `processor time a sample               gateway ${result.cpuMicrosPerSample.gateway} µs, server ${result.cpuMicrosPerSample.server} µs`,
        `on the wire                           ${result.bytesPerSample} bytes a sample, ${values.transport}`,
        "",
      ].join("\n"),
    );
  }
  process.stdout.write(`${JSON.stringify(result)}\n`);
}
