/**
 * Resident memory of the gateway process under work, for three configurations: MQTT sensors only, OPC UA besides, a camera
 * besides. VmRSS and Pss (/proc), read every second; the median of the last minute counts, the highest is told.
 *
 *   npm run -s bench:memory [-- --json] [-- --minutes 10] [-- --only mqtt|opcua|camera]
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { SentLedger } from "../e2e/sent-ledger.ts";
import { Site, until } from "../e2e/site.ts";
import { mqttWriters, smokeConfiguration, type SmokeParts, smokePorts, startPeers } from "../e2e/smoke-site.ts";

const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    minutes: { type: "string", default: "10" },
    only: { type: "string" },
  },
});
const minutes = Number(values.minutes);

interface Plan {
  readonly name: string;
  readonly parts: SmokeParts;
  readonly limitMb: number;
}

const plans: readonly Plan[] = [
  { name: "mqtt", parts: { opcua: false, camera: false }, limitMb: 130 },
  { name: "opcua", parts: { opcua: true, camera: false }, limitMb: 190 },
  { name: "camera", parts: { opcua: true, camera: true }, limitMb: 330 },
];

interface Measured {
  readonly name: string;
  readonly limitMb: number;
  readonly rssMb: number;
  readonly pssMb: number;
  readonly highestRssMb: number;
  readonly readings: number;
}

function kilobytes(file: string, key: string): number {
  const line = readFileSync(file, "utf8")
    .split("\n")
    .find((candidate) => candidate.startsWith(`${key}:`));
  return Number(/\d+/.exec(line ?? "")?.[0] ?? Number.NaN);
}

async function measure(plan: Plan): Promise<Measured> {
  const ports = await smokePorts();
  const site = await Site.create({
    name: "bench-memory",
    gateway: (folder) => smokeConfiguration(ports, join(folder, "plc"), plan.parts),
  });
  const ledger = new SentLedger();
  const writers = mqttWriters(ports, ledger, () => false);
  const peers = await startPeers(site, ports, join(site.folder, "plc"));
  try {
    await site.start();
    for (const writer of writers) writer.start();
    await until("readings", () => Promise.resolve(ledger.confirmedCount > 0));
    const rss: number[] = [];
    const pss: number[] = [];
    const endMs = Date.now() + minutes * 60_000;
    for (let next = Date.now() + 1000; next <= endMs; next += 1000) {
      await new Promise((resolve) => void setTimeout(resolve, Math.max(0, next - Date.now())));
      if (!site.gateway.isRunning) throw new Error(`the gateway ended: ${site.gateway.lastLines(5).join("\n")}`);
      rss.push(kilobytes(`/proc/${site.gateway.pid}/status`, "VmRSS") / 1024);
      pss.push(kilobytes(`/proc/${site.gateway.pid}/smaps_rollup`, "Pss") / 1024);
      if (rss.length % 30 === 0)
        process.stderr.write(`${plan.name}: ${rss.length} s, ${Math.round(rss.at(-1) ?? 0)} MB\n`);
    }
    return {
      name: plan.name,
      limitMb: plan.limitMb,
      rssMb: Math.round(median(rss.slice(-60))),
      pssMb: Math.round(median(pss.slice(-60))),
      highestRssMb: Math.round(Math.max(...rss)),
      readings: ledger.confirmedCount,
    };
  } finally {
    await Promise.all(writers.map((writer) => writer.stop()));
    await Promise.all(peers.map((peer) => peer.stop()));
    await site.stop();
  }
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

const results: Measured[] = [];
for (const plan of plans) {
  if (values.only === undefined || values.only === plan.name) results.push(await measure(plan));
}
if (!values.json) {
  for (const { name, limitMb, rssMb, pssMb, highestRssMb, readings } of results) {
    process.stdout.write(
      `${name.padEnd(8)} ${rssMb} MB resident (limit ${limitMb}), Pss ${pssMb} MB, highest ${highestRssMb} MB, ${readings} readings\n`,
    );
  }
}
// The tightest configuration stands for all.
const worst = results.toSorted((a, b) => b.rssMb / b.limitMb - a.rssMb / a.limitMb)[0];
const ratio = worst === undefined ? Number.NaN : Number((worst.rssMb / worst.limitMb).toFixed(3));
process.stdout.write(
  `${JSON.stringify({ name: "memory", ours: worst?.rssMb, reference: worst?.limitMb, ratio, unit: "MB", minutes, configurations: results })}\n`,
);
