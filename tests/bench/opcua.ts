/**
 * CPU of our OPC UA source beside a bare node-opcua client that does nothing with the values: same items, same kind of
 * server, each pair in processes of its own, both measured over the same seconds. Counts changes sent and received.
 *
 *   npm run -s bench:opcua [-- --json] [-- --items 10000 --seconds 60 --interval 1000]
 */
import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";

import { Child, gatewayEnvironment } from "../sims/child.ts";
import { freePort } from "../sims/free-port.ts";

const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    items: { type: "string", default: "10000" },
    seconds: { type: "string", default: "60" },
    interval: { type: "string", default: "1000" },
  },
});
const items = Number(values.items);
const seconds = Number(values.seconds);
const warmUpSeconds = 10;
const patientMs = 120_000;
const aim = 1.3;
/** Kernel ticks per second in /proc/<pid>/stat: fixed for user space. */
const ticksPerSecond = 100;

const folder = await mkdtemp(join(tmpdir(), "frostlight-bench-opcua-"));
const children: Child[] = [];

function start(name: string, script: string, args: readonly string[]): Child {
  const child = new Child({
    name,
    script: join(import.meta.dirname, script),
    args,
    logFile: join(folder, `${name.replaceAll(" ", "-")}.log`),
    environment: gatewayEnvironment,
  });
  children.push(child);
  return child;
}

/** User and system time that a process has used, seconds. */
function cpuSeconds(child: Child): number {
  const fields = readFileSync(`/proc/${child.pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

function residentMb(child: Child): number {
  const status = readFileSync(`/proc/${child.pid}/status`, "utf8");
  return Math.round(Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) / 1024);
}

interface Pair {
  readonly server: Child;
  readonly client: Child;
}

async function startPair(side: "ours" | "bare"): Promise<Pair> {
  const pki = join(folder, `${side}-pki`);
  const state = join(folder, `${side}-state`);
  await mkdir(state, { recursive: true });
  const port = String(await freePort());
  const server = start(`${side} server`, "opcua-items.ts", [
    "--port",
    port,
    "--pki",
    pki,
    "--items",
    values.items,
    "--interval",
    values.interval,
  ]);
  const { endpoint } = await server.ready(patientMs);
  const client = start(`${side} client`, "opcua-client.ts", [
    "--side",
    side,
    "--endpoint",
    String(endpoint),
    "--items",
    values.items,
    "--folder",
    state,
  ]);
  await client.ready(patientMs);
  if (side === "ours") {
    await client.waitFor("connected", (line) => (line.includes('"connected"') ? true : undefined), patientMs);
  }
  return { server, client };
}

interface Count {
  readonly received: number;
  readonly refused: number;
  /** Changes before the first value of each item, summed. */
  readonly before: number;
  /** Items that a value came of. */
  readonly items: number;
}

/** The newest count: one is asked for until two agree. */
async function receivedBy(client: Child): Promise<Count> {
  const counts: Count[] = [];
  client.onLine((line) => {
    if (line.includes('"received"')) counts.push(JSON.parse(line) as Count); // our own process
  });
  for (let tries = 0; tries < 30; tries += 1) {
    client.write("count");
    await sleep(2_000);
    const [last, before] = [counts.at(-1), counts.at(-2)];
    if (last !== undefined && last.received === before?.received) return last;
  }
  throw new Error("the count of readings does not settle");
}

try {
  const ours = await startPair("ours");
  const bare = await startPair("bare");
  process.stderr.write(`both subscribed to ${items} items; ${warmUpSeconds} s to warm up, ${seconds} s to measure\n`);
  await sleep(warmUpSeconds * 1_000);
  const before = { ours: cpuSeconds(ours.client), bare: cpuSeconds(bare.client), atMs: performance.now() };
  for (let second = 10; second <= seconds; second += 10) {
    await sleep(Math.min(10, seconds) * 1_000);
    process.stderr.write(`${second}/${seconds} s\n`);
  }
  const elapsed = (performance.now() - before.atMs) / 1_000;
  const oursPerSecond = (cpuSeconds(ours.client) - before.ours) / elapsed;
  const barePerSecond = (cpuSeconds(bare.client) - before.bare) / elapsed;
  const memory = { oursMb: residentMb(ours.client), bareMb: residentMb(bare.client) };
  ours.server.write("stop");
  const sent = await ours.server.waitFor(
    "changes",
    (line) => (line.includes('"changes"') ? (JSON.parse(line) as { changes: number }).changes : undefined), // our own process
  );
  const { received, refused, before: notOurs, items: seen } = await receivedBy(ours.client);
  const missed = seen === items ? sent - notOurs - received : Number.NaN;
  report(oursPerSecond, barePerSecond, { sent: sent - notOurs, received, refused, missed, ...memory });
} finally {
  await Promise.all(children.map((child) => child.kill()));
  await rm(folder, { recursive: true, force: true });
}

function report(ours: number, bare: number, more: Readonly<Record<string, number>>): void {
  const ratio = Number((ours / bare).toFixed(3));
  const result = {
    name: "opcua",
    ours: Number(ours.toFixed(4)),
    reference: Number(bare.toFixed(4)),
    ratio,
    unit: "CPU seconds per second",
    aim,
    items,
    seconds,
    ...more,
  };
  if (!values.json) {
    process.stdout.write(
      [
        `our source                 ${(100 * ours).toFixed(1)} % of a core, ${more["oursMb"]} MB`,
        `bare node-opcua client     ${(100 * bare).toFixed(1)} % of a core, ${more["bareMb"]} MB`,
        `ratio                      ${ratio} (aim ≤ ${aim})`,
        `changes sent / received    ${more["sent"]} / ${more["received"]}, missed ${more["missed"]}, refused ${more["refused"]}`,
        "",
      ].join("\n"),
    );
  }
  process.stdout.write(`${JSON.stringify(result)}\n`);
}
