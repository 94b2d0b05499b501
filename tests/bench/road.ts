/**
 * Readings per second from MQTT publish (QoS 1, 50 clients in another process) to durable in the server's store, beside
 * bare aedes with the same clients. Both sides alternate in one run; the middle of the rounds counts.
 *
 *   npm run -s bench:road [-- --json] [-- --readings 20000 --rounds 5 --clients 50 --inflight 20]
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { parseArgs } from "node:util";

import { Site } from "../e2e/site.ts";
import { Child } from "../sims/child.ts";
import { freePort } from "../sims/free-port.ts";

const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    readings: { type: "string", default: "20000" },
    rounds: { type: "string", default: "5" },
    clients: { type: "string", default: "50" },
    inflight: { type: "string", default: "20" },
  },
});
const clients = Number(values.clients);
const readings = Math.floor(Number(values.readings) / clients) * clients;
const rounds = Number(values.rounds);

const sensorPort = await freePort();
const points = Array.from({ length: clients }, (_, index) => ({
  id: `bench-${index}`,
  zone: "bench",
  name: { zh: `探头 ${index}`, en: `Probe ${index}` },
  source: "sensors",
  address: { topic: `bench/${index}`, decode: { kind: "plain" } },
}));
const site = await Site.create({
  name: "bench-road",
  gateway: () => ({
    site: { name: { zh: "性能测试", en: "Benchmark" } },
    zones: [{ id: "bench", name: { zh: "冷库", en: "Store" }, profile: "frozen-store" }],
    sources: [{ id: "sensors", kind: "mqtt-broker", port: sensorPort, anonymous: true, messagesPerSecond: 1_000_000 }],
    points,
  }),
});

interface Round {
  readonly published: number;
  readonly startMs: number;
  readonly endMs: number;
}

async function publishRound(publishers: Child, count: number): Promise<Round> {
  const seen = publishers.lastLines(100).length;
  publishers.write(JSON.stringify({ readings: count }));
  let skipped = 0;
  return publishers.waitFor(
    "a round",
    (line) => {
      skipped += 1;
      return skipped > seen && line.includes('"published"') ? (JSON.parse(line) as Round) : undefined; // our own process
    },
    300_000,
  );
}

function startPublishers(name: string, url: string): Child {
  return new Child({
    name,
    script: join(import.meta.dirname, "publishers.ts"),
    args: ["--url", url, "--clients", String(clients), "--inflight", values.inflight],
    logFile: join(site.folder, `${name}.log`),
  });
}

const children: Child[] = [];
try {
  await site.start();
  const broker = new Child({
    name: "bare aedes",
    script: join(import.meta.dirname, "bare-broker.ts"),
    args: [],
    logFile: join(site.folder, "bare.log"),
  });
  children.push(broker);
  const { port } = await broker.ready();
  const ours = startPublishers("ours", `mqtt://127.0.0.1:${sensorPort}`);
  const bare = startPublishers("bare", `mqtt://127.0.0.1:${String(port)}`);
  children.push(ours, bare);
  await Promise.all([ours.ready(), bare.ready()]);

  const database = new DatabaseSync(join(site.databaseFolder, "timeseries.sqlite"), { readOnly: true });
  const count = database.prepare("SELECT count(*) AS n FROM samples WHERE value IS NOT NULL");
  const stored = (): number => Number(count.get()?.["n"]);

  const oursPerSecond: number[] = [];
  const barePerSecond: number[] = [];
  const acknowledgedPerSecond: number[] = [];
  const processes = { gateway: site.gateway, server: site.server, publishers: ours, bare: broker };
  const cpu = { gateway: [] as number[], server: [] as number[], publishers: [] as number[], bare: [] as number[] };
  // The first round of each warms up and does not count.
  for (let round = 0; round <= rounds; round += 1) {
    const cpuBefore = mapValues(processes, (child) => cpuMicros(child.pid));
    const reference = await publishRound(bare, readings);
    const before = stored();
    const { published, startMs, endMs } = await publishRound(ours, readings);
    while (stored() < before + published) {
      if (Date.now() - endMs > 60_000) throw new Error(`only ${stored() - before} of ${published} readings are stored`);
      await new Promise((resolve) => void setTimeout(resolve, 10));
    }
    const durableMs = Date.now();
    if (stored() !== before + published) throw new Error("more readings are stored than were sent");
    progress(round, published, durableMs - startMs, reference);
    if (round === 0) continue;
    barePerSecond.push((1000 * reference.published) / (reference.endMs - reference.startMs));
    oursPerSecond.push((1000 * published) / (durableMs - startMs));
    acknowledgedPerSecond.push((1000 * published) / (endMs - startMs));
    for (const name of ["gateway", "server", "publishers", "bare"] as const) {
      cpu[name].push((cpuMicros(processes[name].pid) - cpuBefore[name]) / published);
    }
  }
  database.close();
  report(median(oursPerSecond), median(barePerSecond), median(acknowledgedPerSecond), mapValues(cpu, median));
} finally {
  await Promise.all(children.map((child) => child.stop()));
  await site.stop();
}

function progress(round: number, published: number, durableMs: number, reference: Round): void {
  const name = round === 0 ? "warm-up" : `round ${round}/${rounds}`;
  const bareRate = Math.round((1000 * reference.published) / (reference.endMs - reference.startMs));
  process.stderr.write(`${name}: ${Math.round((1000 * published) / durableMs)}/s durable, bare aedes ${bareRate}/s\n`);
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** User and system time of a process since its start: field 14 and 15 of proc(5), in ticks of 10 ms. */
function cpuMicros(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /, "")
    .split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10_000;
}

type Names = "gateway" | "server" | "publishers" | "bare";

function mapValues<A, B>(record: Readonly<Record<Names, A>>, change: (value: A) => B): Record<Names, B> {
  const { gateway, server, publishers, bare } = record;
  return { gateway: change(gateway), server: change(server), publishers: change(publishers), bare: change(bare) };
}

function report(ours: number, reference: number, acknowledged: number, cpu: Readonly<Record<Names, number>>): void {
  const ratio = Number((ours / reference).toFixed(3));
  const result = {
    name: "road",
    ours: Math.round(ours),
    reference: Math.round(reference),
    ratio,
    unit: "readings/s",
    acknowledged: Math.round(acknowledged),
    aim: 0.8,
    /** Less moved by other load than the ratio. */
    cpuMicrosPerReading: mapValues(cpu, (micros) => Number(micros.toFixed(1))),
    clients,
    inflight: Number(values.inflight),
    readings,
    rounds,
  };
  if (!values.json) {
    process.stdout.write(
      [
        `publish → durable in the server's store   ${result.ours} readings/s`,
        `publish → PUBACK of the gateway           ${result.acknowledged} readings/s`,
        `CPU per reading                           ${result.cpuMicrosPerReading.gateway} µs gateway, ${result.cpuMicrosPerReading.server} µs server, ${result.cpuMicrosPerReading.bare} µs bare aedes`,
        `bare aedes, same clients                  ${result.reference} readings/s`,
        `ratio                                     ${ratio} (aim ≥ 0.8)`,
        "",
      ].join("\n"),
    );
  }
  process.stdout.write(`${JSON.stringify(result)}\n`);
}
