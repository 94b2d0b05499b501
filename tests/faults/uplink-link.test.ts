import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";

import type { Batch, Command } from "@frostlight/contract";
import { afterEach, expect, test } from "vitest";

import { startTcpProxy, type TcpProxy } from "../sims/tcp-proxy.ts";
import { startRig, until, type UplinkRig } from "./uplink-rig.ts";

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function rigWith(settings: Parameters<typeof startRig>[0] = {}): Promise<UplinkRig> {
  const rig = await startRig(settings);
  cleanups.push(() => rig.stop());
  return rig;
}

/** A rig whose broker is reached through a proxy, joined but not yet started. */
async function rigBehindProxy(
  uplink: Readonly<Record<string, unknown>> = {},
): Promise<{ rig: UplinkRig; proxy: TcpProxy }> {
  const rig = await rigWith({ start: false, uplink });
  const proxy = await startTcpProxy({ target: { port: rig.server.mqttPort } });
  cleanups.push(() => proxy.stop());
  rig.server.mqttUrl = `mqtt://127.0.0.1:${proxy.port}`;
  await rig.uplink.start();
  return { rig, proxy };
}

const values = (batches: readonly Batch[]): number[] =>
  batches.flatMap((batch) => batch.samples.map(({ value }) => value ?? Number.NaN)).toSorted((a, b) => a - b);
const numbers = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index);
const released = (rig: UplinkRig) => (): boolean => rig.journal.stats().unreleasedBatches === 0;

test("a gateway joins with its token, sends what it has, and releases only what the server stored", async () => {
  const rig = await rigWith();
  expect(rig.uplink.status()).toMatchObject({ state: "connecting", sentBatches: 0 });
  await rig.append(1, 20);
  await until(released(rig));
  expect(values(rig.server.stored)).toEqual(numbers(1, 20));
  expect(rig.uplink.status()).toMatchObject({
    state: "connected",
    unackedBatches: 0,
    refusedBatches: 0,
    lastError: null,
  });
  expect(rig.uplink.status().lastAckMs).not.toBeNull();
});

test("a PUBACK of the broker releases nothing", async () => {
  const rig = await rigWith();
  rig.server.verdict = () => undefined;
  await rig.append(1, 3);
  await until(() => rig.server.deliveries.size === 3);
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(rig.journal.stats().unreleasedBatches).toBe(3);
  expect(rig.uplink.status()).toMatchObject({ sentBatches: 3, unackedBatches: 3 });
});

test("a link cut in the middle loses nothing and the gateway reconnects by itself", async () => {
  const { rig, proxy } = await rigBehindProxy();
  await until(() => rig.uplink.status().state === "connected");
  await rig.append(1, 30);
  await proxy.cut();
  await rig.append(31, 80);
  await until(() => rig.uplink.status().state === "offline");
  await proxy.restore();
  await rig.append(81, 100);
  await until(released(rig));
  expect(values(rig.server.stored)).toEqual(numbers(1, 100));
  expect(rig.uplink.status()).toMatchObject({ state: "connected", reconnects: 1 });
});

test("what was acknowledged before a cut is not sent again after it", async () => {
  const { rig, proxy } = await rigBehindProxy();
  await rig.append(1, 40);
  await until(released(rig));
  await proxy.cut();
  await rig.append(41, 60);
  await proxy.restore();
  await until(released(rig));
  expect(numbers(1, 40).map((sequence) => rig.server.deliveries.get(sequence))).toEqual(numbers(1, 40).map(() => 1));
  expect(values(rig.server.stored)).toEqual(numbers(1, 60));
});

test("acks lost on the way are made good by sending again, and the server sees duplicates only", async () => {
  const rig = await rigWith({ uplink: { ackTimeoutMs: 1_000 } });
  rig.server.verdict = (_, deliveries) => (deliveries === 1 ? undefined : "stored");
  await rig.append(1, 5);
  await until(released(rig));
  expect(values(rig.server.stored)).toEqual(numbers(1, 5));
  expect(numbers(1, 5).every((sequence) => (rig.server.deliveries.get(sequence) ?? 0) >= 2)).toBe(true);
}, 60_000);

test("after a long outage new batches go first and the old ones follow, oldest first", async () => {
  const { rig, proxy } = await rigBehindProxy({ window: 8 });
  await until(() => rig.uplink.status().state === "connected");
  await proxy.cut();
  await rig.append(1, 200);
  // The server is slow, so that the back-fill is still going on when something new happens.
  const seen: number[] = [];
  rig.server.verdict = (batch) => {
    seen.push(batch.sequence);
    return "stored";
  };
  await proxy.restore();
  await until(() => seen.length >= 10);
  await rig.append(201, 201);
  await until(released(rig));
  const place = seen.indexOf(201);
  expect(seen.length).toBe(201);
  expect(place).toBeLessThan(150);
  expect(seen.filter((sequence) => sequence !== 201)).toEqual(numbers(1, 200));
});

test("a server that restarts and forgets its sessions gets everything it has not stored", async () => {
  const rig = await rigWith();
  await rig.append(1, 10);
  await until(released(rig));
  rig.server.verdict = () => undefined;
  await rig.append(11, 20);
  await until(() => rig.server.deliveries.size === 20);
  await rig.server.restartBroker();
  rig.server.verdict = () => "stored";
  await rig.append(21, 30);
  await until(released(rig));
  expect(values(rig.server.stored)).toEqual(numbers(1, 30));
});

test("a gateway that restarts sends only what was not acknowledged", async () => {
  const rig = await rigWith();
  await rig.append(1, 10);
  await until(released(rig));
  await rig.restartGateway();
  await rig.append(11, 12);
  await until(released(rig));
  expect(values(rig.server.stored)).toEqual(numbers(1, 12));
  expect(numbers(1, 12).map((sequence) => rig.server.deliveries.get(sequence))).toEqual(numbers(1, 12).map(() => 1));
  expect(rig.server.enrolAttempts()).toBe(1);
});

test("a refused batch is kept, counted, not sent again until a restart, and does not hold up the others", async () => {
  const rig = await rigWith();
  rig.server.verdict = (batch) => (batch.sequence === 2 ? "refused" : "stored");
  await rig.append(1, 5);
  await until(() => rig.journal.stats().unreleasedBatches === 1);
  await rig.append(6, 8);
  await until(() => rig.server.stored.length === 7);
  expect(rig.server.deliveries.get(2)).toBe(1);
  expect(rig.uplink.status().refusedBatches).toBe(1);
  expect(await rig.journal.read(2)).toBeDefined();
  rig.server.verdict = () => "stored";
  await rig.restartGateway();
  await until(released(rig));
  expect(values(rig.server.stored)).toEqual(numbers(1, 8));
});

test("a server that cannot store now is asked again later, gently", async () => {
  const rig = await rigWith();
  let isDown = true;
  rig.server.verdict = () => (isDown ? "retry-later" : "stored");
  await rig.append(1, 30);
  await until(() => rig.server.deliveries.size > 0);
  await new Promise((resolve) => setTimeout(resolve, 300));
  const asked = [...rig.server.deliveries.values()].reduce((sum, count) => sum + count, 0);
  expect(asked).toBeLessThanOrEqual(64);
  isDown = false;
  await until(released(rig));
  expect(values(rig.server.stored)).toEqual(numbers(1, 30));
}, 60_000);

test("a half-open link is noticed and replaced", async () => {
  const { rig, proxy } = await rigBehindProxy({ transport: { kind: "mqtt", keepaliveSeconds: 5 } });
  await rig.append(1, 5);
  await until(released(rig));
  proxy.blackhole();
  await rig.append(6, 10);
  await until(() => rig.uplink.status().state === "offline");
  await proxy.restore();
  await until(released(rig));
  expect(values(rig.server.stored)).toEqual(numbers(1, 10));
}, 60_000);

test("a command counts as delivered once it was carried out; one that fails comes again", async () => {
  const { rig, proxy } = await rigBehindProxy();
  await until(() => rig.uplink.status().state === "connected");
  const command: Command = {
    commandId: "c-1",
    actor: "li",
    issuedAtMs: 1,
    action: { kind: "acknowledge-alarm", alarmId: "a-1", comment: "" },
  };
  rig.onCommand = () => Promise.reject(new Error("the journal is full"));
  rig.server.sendCommand(rig.gatewayId, command);
  await until(() => rig.commands.length === 1);
  rig.onCommand = () => Promise.resolve();
  await rig.append(1, 3);
  await until(released(rig));
  proxy.resetConnections();
  await until(() => rig.commands.length === 2);
  expect(rig.commands).toEqual([command, command]);
  await rig.append(4, 6);
  await until(released(rig));
  proxy.resetConnections();
  await rig.append(7, 9);
  await until(released(rig));
  expect(rig.commands.length).toBe(2);
});

test("a command sent while the link is down waits in the broker's session", async () => {
  const { rig, proxy } = await rigBehindProxy();
  await until(() => rig.uplink.status().state === "connected");
  await proxy.cut();
  await until(() => rig.uplink.status().state === "offline");
  rig.server.sendCommand(rig.gatewayId, {
    commandId: "c-2",
    actor: "li",
    issuedAtMs: 1,
    action: { kind: "acknowledge-alarm", alarmId: "a-1", comment: "seen" },
  });
  await proxy.restore();
  await until(() => rig.commands.length === 1);
  expect(rig.commands[0]?.commandId).toBe("c-2");
});

test("the secrets of an enrolment are readable by their owner only", async () => {
  const rig = await rigWith();
  await until(() => rig.uplink.status().state === "connected");
  const folder = rig.identityFolder;
  expect(((await stat(join(folder, "enrolment.json"))).mode & 0o777).toString(8)).toBe("600");
  expect(((await stat(join(folder, "signing-key.pem"))).mode & 0o777).toString(8)).toBe("600");
  expect(await readFile(join(folder, "enrolment.json"), "utf8")).toContain("the-mqtt-password");
});

test("without a right token nothing joins, and the status says why", async () => {
  const rig = await rigWith({ token: "wrong" });
  await until(() => rig.server.enrolAttempts() > 0 && rig.uplink.status().lastError !== null);
  await rig.append(1, 2);
  expect(rig.uplink.status()).toMatchObject({ state: "not-enrolled", sentBatches: 0 });
  expect(rig.uplink.status().lastError).toContain("refused the enrolment token");
});
