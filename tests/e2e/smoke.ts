/**
 * The whole road in under a minute, broken in every way a site is: readings over MQTT and OPC UA and frames through a
 * camera; the link cut and restored, the gateway killed and restarted, the server killed and restarted; then every
 * confirmed reading is looked for in the server's store. Prints one JSON object last. What counts as sent: sent-ledger.ts.
 *
 *   npm run smoke [-- --keep]
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { parseArgs } from "node:util";

import type { Child } from "../sims/child.ts";
import type { AlarmView, FindingView } from "../sims/server-client.ts";
import { measureLatency, percentile } from "./latency-probe.ts";
import { OpcUaWriter } from "./opcua-writer.ts";
import { type Comparison, SentLedger, type StoredReading } from "./sent-ledger.ts";
import { Site, until } from "./site.ts";
import {
  latencyPoint,
  latencyTopic,
  mqttWriters,
  opcUaPoints,
  smokeConfiguration,
  smokePorts,
  startPeers,
  uniqueValues,
} from "./smoke-site.ts";

const { values: flags } = parseArgs({ options: { keep: { type: "boolean", default: false } } });
const startedMs = Date.now();
const say = (text: string): void => {
  process.stderr.write(`${((Date.now() - startedMs) / 1000).toFixed(1).padStart(5)} s  ${text}\n`);
};
const pause = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms));

interface Outcome extends Comparison {
  readonly alarms: readonly AlarmView[];
  readonly findings: readonly FindingView[];
  readonly evidence: number;
  readonly latencies: readonly number[];
}

async function run(site: Site, ports: Awaited<ReturnType<typeof smokePorts>>, plcFolder: string): Promise<Outcome> {
  const ledger = new SentLedger();
  const peers: Child[] = [];
  let isWarm = false;
  const writers = mqttWriters(ports, ledger, () => isWarm);
  let acknowledging: NodeJS.Timeout | undefined;
  try {
    peers.push(...(await startPeers(site, ports, plcFolder)));
    const [plc] = peers;
    if (plc === undefined) throw new Error("no PLC");
    const opcua = new OpcUaWriter(plc, opcUaPoints, ledger);
    await site.start();
    say("server, gateway, PLC and camera run");
    const sourceIsUp = async (): Promise<boolean> => {
      const response = await fetch(`http://127.0.0.1:${site.localPort}/status.json`);
      const status = (await response.json()) as { sources: { sourceId: string; state: string }[] }; // the gateway's own page
      return status.sources.some((source) => source.sourceId === "plc" && source.state === "ok");
    };
    for (const writer of writers) writer.start();
    await until("the OPC UA subscription", sourceIsUp);
    opcua.heard();
    acknowledging = setInterval(() => void acknowledgeAll(site), 500);

    isWarm = true;
    say("a store gets too warm");
    const nextValue = uniqueValues(() => 0);
    const latencies = [...(await latency(site, ports.sensors, ledger, nextValue, 60))];
    isWarm = false;
    await pause(2500);

    say("the link is cut");
    await site.cutLink();
    isWarm = true;
    await pause(4000);
    isWarm = false;
    await site.restoreLink();
    await site.untilConnected();
    say("the link is back");
    latencies.push(...(await latency(site, ports.sensors, ledger, nextValue, 30)));

    say("the gateway is killed");
    opcua.unheard();
    await site.gateway.kill();
    await pause(500);
    await site.startGateway();
    await until("the OPC UA subscription", sourceIsUp);
    opcua.heard();
    await site.untilConnected();
    say("the gateway is back");
    await pause(1500);

    say("the server is killed");
    await site.server.kill();
    await pause(2500);
    await site.startServer();
    await site.untilConnected();
    say("the server is back");
    latencies.push(...(await latency(site, ports.sensors, ledger, nextValue, 30)));

    await Promise.all([...writers.map((writer) => writer.stop()), opcua.stop()]);
    say(`${ledger.confirmedCount} confirmed readings; comparing`);
    const comparison = await compareWhenDrained(site, ledger);
    const { findings, evidence } = await collectFindings(site);
    const alarms = await untilCleared(site);
    return { ...comparison, alarms, findings, evidence, latencies };
  } finally {
    clearInterval(acknowledging);
    await Promise.all(writers.map((writer) => writer.stop()));
    await Promise.all(peers.map((peer) => peer.stop()));
  }
}

function latency(
  site: Site,
  sensorPort: number,
  ledger: SentLedger,
  nextValue: () => number,
  count: number,
): Promise<readonly number[]> {
  return measureLatency({
    url: `mqtt://127.0.0.1:${sensorPort}`,
    topic: latencyTopic,
    pointId: latencyPoint,
    databaseFile: join(site.databaseFolder, "timeseries.sqlite"),
    count,
    pauseMs: 25,
    nextValue,
    onSent: (value, sentMs, acknowledgedMs) => {
      ledger.confirm(latencyPoint, { value, sourceTimeMs: null, sentMs, acknowledgedMs });
    },
  });
}

/** A person acknowledges what is there; refusals (already done, server away) are part of the game. */
async function acknowledgeAll(site: Site): Promise<void> {
  try {
    for (const alarm of await site.client.alarms(Site.siteId)) {
      if (alarm.state === "unacknowledged" || alarm.state === "returned-unacknowledged") {
        await site.client.acknowledge(alarm.alarmId);
      }
    }
  } catch {
    // asked again in half a second
  }
}

async function compareWhenDrained(site: Site, ledger: SentLedger): Promise<Comparison> {
  const read = async (): Promise<ReadonlyMap<string, readonly StoredReading[]>> => {
    const stored = new Map<string, readonly StoredReading[]>();
    for (const pointId of ledger.points) {
      stored.set(pointId, await site.client.samples(Site.siteId, pointId, startedMs - 60_000, Date.now() + 60_000));
    }
    return stored;
  };
  const deadlineMs = Date.now() + 10_000;
  for (;;) {
    const stored = await read();
    const comparison = ledger.compare(stored);
    if (comparison.lost === 0 || Date.now() > deadlineMs) {
      for (const line of [...ledger.missing(stored), ...comparison.wrong].slice(0, 20)) say(`  ${line}`);
      return comparison;
    }
    await pause(300);
  }
}

/** Findings, and how many of their pictures come back with the very bytes their name promises. */
async function collectFindings(site: Site): Promise<{ findings: readonly FindingView[]; evidence: number }> {
  const files = new Set<string>();
  let findings: readonly FindingView[] = [];
  await until(
    "a finding with its evidence",
    async () => {
      findings = await site.client.findings(Site.siteId);
      for (const { sha256, stored } of findings.flatMap((finding) => finding.evidence)) {
        if (!stored || files.has(sha256)) continue;
        const data = await site.client.evidence(sha256);
        if (createHash("sha256").update(data).digest("hex") === sha256) files.add(sha256);
      }
      return files.size > 0;
    },
    8000,
  ).catch((error: unknown) => say(String(error)));
  return { findings, evidence: files.size };
}

async function untilCleared(site: Site): Promise<readonly AlarmView[]> {
  let alarms: readonly AlarmView[] = [];
  await until(
    "the alarms to be over",
    async () => {
      alarms = await site.client.alarms(Site.siteId);
      return alarms.length > 0 && alarms.every((alarm) => alarm.clearedMs !== null);
    },
    5000,
  ).catch((error: unknown) => say(String(error)));
  return alarms;
}

const ports = await smokePorts();
const site = await Site.create({ name: "smoke", gateway: (folder) => smokeConfiguration(ports, join(folder, "plc")) });
let code = 1;
try {
  const outcome = await run(site, ports, join(site.folder, "plc"));
  const { sent, stored, lost, duplicates, wrong, alarms, findings, evidence, latencies } = outcome;
  say(`unconfirmed: ${outcome.unconfirmed}, of which stored ${outcome.unconfirmedStored}; wrong: ${wrong.length}`);
  const round = (ms: number): number => Math.round(ms * 10) / 10;
  const result = {
    sent,
    stored,
    lost,
    duplicates,
    alarmsRaised: alarms.length,
    alarmsCleared: alarms.filter((alarm) => alarm.clearedMs !== null).length,
    findings: findings.length,
    evidence,
    latencyMs: { p50: round(percentile(latencies, 0.5)), p99: round(percentile(latencies, 0.99)) },
  };
  const isGood =
    sent > 0 &&
    lost === 0 &&
    duplicates === 0 &&
    wrong.length === 0 &&
    result.alarmsRaised > 0 &&
    result.findings > 0 &&
    evidence > 0;
  code = isGood ? 0 : 1;
  say(isGood ? "good" : `NOT good; kept in ${site.folder}`);
  process.stdout.write(`${JSON.stringify(result)}\n`);
} catch (error) {
  say(`failed: ${error instanceof Error ? error.message : String(error)}`);
  say(`kept in ${site.folder}`);
} finally {
  await site.stop({ keepFolder: flags.keep || code !== 0 });
}
process.exit(code);
