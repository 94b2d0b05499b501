import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { HealthEvent } from "@frostlight/contract";
import { silentLogger, systemClock, systemRandom } from "@frostlight/kernel";
import { afterEach, expect, test } from "vitest";

import { journalOptions, openEvidenceSpool, openJournal } from "../../gateway/src/journal/index.ts";
import { sampleItem } from "../../gateway/src/journal/testing/journal-fixture.ts";
import { createUplink, openIdentity, uplinkOptions } from "../../gateway/src/uplink/index.ts";
import { startTcpProxy } from "../sims/tcp-proxy.ts";
import { startUplinkServer } from "../sims/uplink-server.ts";
import { startRig, until } from "./uplink-rig.ts";

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

const transport = { kind: "mqtt", keepaliveSeconds: 5, connectTimeoutMs: 2_000 };
const servers = { fallBackAfterSeconds: 5, returnCheckSeconds: 5, returnStableSeconds: 1 };

/** A gateway that knows two servers, each with its own enrolment. */
async function gatewayWithTwoServers() {
  const folder = await mkdtemp(join(tmpdir(), "frostlight-servers-"));
  cleanups.push(() => rm(folder, { recursive: true, force: true }));
  const [first, second] = [await startUplinkServer("token-a"), await startUplinkServer("token-b")];
  cleanups.push(
    () => first.stop().catch(() => undefined),
    () => second.stop(),
  );
  const shared = { clock: systemClock, logger: silentLogger };
  const identity = await openIdentity(join(folder, "identity"));
  const journal = await openJournal({
    ...shared,
    folder: join(folder, "journal"),
    gatewayId: identity.gatewayId,
    signingKey: identity.signingKey,
    random: systemRandom,
    bootId: "boot",
    isClockSynchronised: () => true,
    options: journalOptions.parse({ commitIntervalMs: 0 }),
  });
  const evidence = await openEvidenceSpool({
    ...shared,
    folder: join(folder, "evidence"),
    options: journalOptions.parse({}),
  });
  const health: HealthEvent[] = [];
  const uplink = createUplink({
    ...shared,
    options: uplinkOptions.parse({ transport, servers }),
    serverUrl: first.httpUrl,
    folder: join(folder, "identity"),
    readToken: () => Promise.resolve("token-a"),
    standby: [
      { serverUrl: second.httpUrl, folder: join(folder, "second"), readToken: () => Promise.resolve("token-b") },
    ],
    identity,
    journal,
    evidence,
    random: systemRandom,
    onCommand: () => Promise.resolve(),
    onHealth: (event) => {
      health.push(event);
      return Promise.resolve();
    },
    softwareVersion: "test",
  });
  cleanups.push(async () => {
    await uplink.stop();
    await journal.close();
  });
  const append = async (from: number, to: number): Promise<void> => {
    for (let n = from; n <= to; n += 1) await journal.append([sampleItem(n)]);
  };
  const isReleased = (): boolean => journal.stats().unreleasedBatches === 0;
  return { first, second, journal, uplink, health, append, isReleased };
}

const stored = (server: { readonly stored: readonly { readonly sequence: number }[] }): readonly number[] =>
  server.stored.map(({ sequence }) => sequence).toSorted((a, b) => a - b);
const numbers = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index);

test("a server that stores nothing is left for the next, and returned to when it works again", async () => {
  const { first, second, uplink, health, append, isReleased } = await gatewayWithTwoServers();
  let isWorking = true;
  first.verdict = () => (isWorking ? "stored" : "retry-later");
  await uplink.start();
  await append(1, 10);
  await until(isReleased);
  expect(stored(first)).toEqual(numbers(1, 10));

  isWorking = false;
  await append(11, 20);
  await until(isReleased);
  expect(uplink.status()).toMatchObject({ server: second.httpUrl, standby: true });
  expect(stored(second)).toEqual(numbers(11, 20));

  isWorking = true;
  await until(() => uplink.status().standby === false);
  await append(21, 30);
  await until(isReleased);
  expect(stored(first)).toEqual([...numbers(1, 10), ...numbers(21, 30)]);
  expect(stored(second)).toEqual(numbers(11, 20));
  expect(health.map(({ state, explanation: { parameters } }) => [state, parameters["now"], parameters["to"]])).toEqual([
    ["standby", second.httpUrl, 20],
    ["ok", first.httpUrl, 20],
  ]);
}, 90_000);

test("a gateway whose first server is away joins the second and sends there", async () => {
  const { first, second, uplink, append, isReleased } = await gatewayWithTwoServers();
  await first.stop();
  await append(1, 5);
  await uplink.start();
  await until(isReleased);
  expect(stored(second)).toEqual(numbers(1, 5));
}, 90_000);

test("where MQTT is blocked batches go over HTTPS by themselves, and over MQTT again when that works", async () => {
  let proxy: Awaited<ReturnType<typeof startTcpProxy>> | undefined;
  const rig = await startRig({
    uplink: async (server) => {
      proxy = await startTcpProxy({ target: { port: server.mqttPort } });
      await proxy.cut();
      const url = `mqtt://127.0.0.1:${proxy.port}`;
      const mqtt = { url, connectTimeoutMs: 2_000, keepaliveSeconds: 5 };
      return { transport: { kind: "auto", mqtt, https: { pollMs: 1_000 }, retryMqttMinutes: 0.05 } };
    },
  });
  cleanups.push(
    () => rig.stop(),
    async () => proxy?.stop(),
  );
  await rig.append(1, 10);
  await until(() => rig.journal.stats().unreleasedBatches === 0);
  expect(rig.uplink.status()).toMatchObject({ state: "connected", via: "https" });
  await proxy?.restore();
  await until(() => rig.uplink.status().via === "mqtt");
  await rig.append(11, 20);
  await until(() => rig.journal.stats().unreleasedBatches === 0);
  expect(stored(rig.server)).toEqual(numbers(1, 20));
  expect(numbers(1, 20).map((sequence) => rig.server.deliveries.get(sequence))).toEqual(numbers(1, 20).map(() => 1));
}, 90_000);

test("a proxy on the way that takes only small requests gets small requests", async () => {
  const rig = await startRig({
    start: false,
    uplink: { transport: { kind: "https", requestBytes: 524_288 }, window: 1_000 },
  });
  cleanups.push(() => rig.stop());
  const sizes: number[] = [];
  rig.server.batchStatus = ({ bytes }) => {
    sizes.push(bytes);
    return bytes > 10_000 ? 413 : undefined;
  };
  await rig.append(1, 600);
  await rig.uplink.start();
  await until(() => rig.journal.stats().unreleasedBatches === 0);
  expect(stored(rig.server)).toEqual(numbers(1, 600));
  expect(Math.max(...sizes)).toBeGreaterThan(10_000);
  expect(rig.uplink.status().reconnects).toBe(0);
}, 60_000);
