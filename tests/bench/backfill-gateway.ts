import { once } from "node:events";
import { join } from "node:path";
/**
 * The gateway of the back-fill benchmark: a journal filled beforehand, a real uplink, and a live sample every 100 ms beside
 * the back-fill, timed from its append to the server's ack.
 *
 *   node tests/bench/backfill-gateway.ts --folder F --server http://… --samples N --batch B --points P --transport mqtt
 *   stdout: {"ready":true,…} when the journal is full · stdin: a line starts the uplink · stdout: {"done":true,…}
 */
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";

import type { JournalItem } from "@frostlight/contract";
import { silentLogger, systemClock, systemRandom } from "@frostlight/kernel";

import type { JournalReader, JournalRelease } from "../../gateway/src/core/journal.ts";
import { journalOptions, openEvidenceSpool, openJournal } from "../../gateway/src/journal/index.ts";
import { createUplink, openIdentity, uplinkOptions } from "../../gateway/src/uplink/index.ts";

const { values } = parseArgs({
  options: {
    folder: { type: "string", default: "" },
    server: { type: "string", default: "" },
    token: { type: "string", default: "" },
    samples: { type: "string", default: "500000" },
    batch: { type: "string", default: "200" },
    points: { type: "string", default: "200" },
    transport: { type: "string", default: "mqtt" },
  },
});
const samples = Number(values.samples);
const perBatch = Number(values.batch);
const points = Number(values.points);
const liveEveryMs = 100;

const shared = { clock: systemClock, logger: silentLogger, random: systemRandom };
const identity = await openIdentity(join(values.folder, "identity"));
const journal = await openJournal({
  ...shared,
  folder: join(values.folder, "journal"),
  gatewayId: identity.gatewayId,
  signingKey: identity.signingKey,
  bootId: "bench",
  isClockSynchronised: () => true,
  options: journalOptions.parse({ maxBytes: 4 * 1_073_741_824 }),
});
const evidence = await openEvidenceSpool({
  ...shared,
  folder: join(values.folder, "evidence"),
  options: journalOptions.parse({}),
});

/** One reading of each point a minute, each a little different, as a cold store would have sent them while the link was away. */
const firstMs = Date.now() - (samples / points) * 60_000;
function backlogItem(index: number): JournalItem {
  const point = index % points;
  const timeMs = Math.round(firstMs + Math.floor(index / points) * 60_000 + point * 7);
  return sample(`bench-${point}`, timeMs, -20 + ((index * 7919) % 997) / 100);
}

function sample(pointId: string, timeMs: number, value: number): JournalItem {
  const common = {
    quality: "good",
    reason: null,
    hasSourceTime: false,
    backfill: false,
    timeCorrected: false,
  } as const;
  return { kind: "sample", sample: { pointId, timeMs, receivedMs: timeMs, value, raw: value, ...common } };
}

for (let from = 0; from < samples; from += perBatch) {
  const count = Math.min(perBatch, samples - from);
  await journal.append(
    Array.from({ length: count }, (_, index) => backlogItem(from + index)),
    true,
  );
}
const backlogEnd = journal.lastSequence;
const { sizeBytes } = journal.stats();

let backlogLeft = backlogEnd;
let finish: () => void = () => undefined;
const finished = new Promise<void>((resolve) => {
  finish = resolve;
});
const liveSince = new Map<number, number>();
const latenciesMs: number[] = [];
const watched: JournalReader & JournalRelease = {
  epoch: journal.epoch,
  get lastSequence() {
    return journal.lastSequence;
  },
  unreleasedFrom: (from, limit) => journal.unreleasedFrom(from, limit),
  read: (sequence) => journal.read(sequence),
  onCommit: (listener) => journal.onCommit(listener),
  release(epoch, sequences) {
    const nowMs = performance.now();
    for (const sequence of sequences) {
      if (sequence <= backlogEnd && journal.unreleasedFrom(sequence, 1)[0] === sequence) backlogLeft -= 1;
      const sinceMs = liveSince.get(sequence);
      if (sinceMs === undefined) continue;
      liveSince.delete(sequence);
      // What is measured is the live road beside back-fill, not after it.
      if (backlogLeft > 0) latenciesMs.push(nowMs - sinceMs);
    }
    journal.release(epoch, sequences);
    if (backlogLeft === 0) finish();
  },
};
const uplink = createUplink({
  ...shared,
  options: uplinkOptions.parse({ transport: { kind: values.transport } }),
  serverUrl: values.server,
  folder: join(values.folder, "identity"),
  identity,
  journal: watched,
  evidence,
  readToken: () => Promise.resolve(values.token),
  onCommand: () => Promise.resolve(),
  softwareVersion: "bench",
});

process.stdout.write(`${JSON.stringify({ ready: true, batches: backlogEnd, sizeBytes })}\n`);
const lines = createInterface({ input: process.stdin });
await once(lines, "line");
await uplink.start();
while (uplink.status().sentBatches === 0) await new Promise((resolve) => setTimeout(resolve, 5));
const startMs = performance.now();
const startCpu = process.cpuUsage();
let live = 0;
const appended: Promise<void>[] = [];
const timer = setInterval(() => {
  const sinceMs = performance.now();
  live += 1;
  const durable = journal.append([sample("live", Date.now(), live)]);
  appended.push(
    durable.then(({ sequence }) => {
      liveSince.set(sequence, sinceMs);
    }),
  );
}, liveEveryMs);
await finished;
const tookMs = performance.now() - startMs;
const cpu = process.cpuUsage(startCpu);
clearInterval(timer);
await Promise.all(appended);
while (journal.stats().unreleasedBatches > 0) await new Promise((resolve) => setTimeout(resolve, 20));
const { sentBatches, sentBytes = 0, refusedBatches } = uplink.status();
await uplink.stop();
await journal.close();
process.stdout.write(
  `${JSON.stringify({
    done: true,
    tookMs,
    live,
    latenciesMs: latenciesMs.map((latencyMs) => Math.round(latencyMs)),
    sentBatches,
    sentBytes,
    refusedBatches,
    cpuMs: Math.round((cpu.user + cpu.system) / 1_000),
  })}\n`,
);
process.exit(0);
