import { once } from "node:events";
import { connect as connectSocket } from "node:net";

import { decodeCommand, topics } from "@frostlight/contract";
import type { IClientOptions, MqttClient } from "mqtt";
import { afterEach, beforeEach, expect, test } from "vitest";

import { type BrokerRig, collectAcks, createBrokerRig } from "./testing/broker-rig.ts";
import { alarmItem, FakeGateway, sampleItem } from "./testing/fake-gateway.ts";

const t0 = 1_767_225_600_000;
let broker: BrokerRig;
let id: string;

function closing(client: MqttClient): Promise<void> {
  return new Promise((resolve) => {
    client.once("close", () => {
      resolve();
    });
  });
}

beforeEach(async () => {
  broker = await createBrokerRig();
  id = broker.rig.gateway.gatewayId;
});

afterEach(async () => {
  await broker.stop();
});

test("batches published over MQTT are stored and acknowledged by sequence", async () => {
  const client = await broker.connect();
  await client.subscribeAsync(topics.acks(id), { qos: 1 });
  const acked = collectAcks(client, id, 40);
  for (let n = 0; n < 40; n += 1) {
    const { bytes } = broker.rig.gateway.seal([sampleItem("p", t0 + n, n)]);
    client.publish(topics.batches(id), Buffer.from(bytes), { qos: 1 });
  }
  const acks = await acked;
  expect(acks.flatMap((ack) => ack.outcomes)).toEqual(
    Array.from({ length: 40 }, (_, n) => ({ sequence: n + 1, result: "stored", reason: "" })),
  );
  expect(acks.length).toBeLessThan(40);
  expect(broker.rig.timeSeries.sampleCount()).toBe(40);
});

test("a PUBACK means the batch is settled", async () => {
  const client = await broker.connect();
  await client.publishAsync(topics.batches(id), Buffer.from(broker.rig.gateway.seal([alarmItem("e1")]).bytes), {
    qos: 1,
  });
  expect(await broker.rig.store.alarms(broker.rig.scope, { limit: 1 })).toHaveLength(1);
});

test("connecting and leaving are seen", async () => {
  const client = await broker.connect();
  await expect.poll(() => broker.broker.connectedGateways()).toEqual([id]);
  await expect.poll(async () => (await broker.rig.store.gateways(broker.rig.scope))[0]?.connected).toBe(true);
  await client.endAsync();
  await expect.poll(async () => (await broker.rig.store.gateways(broker.rig.scope))[0]?.connected).toBe(false);
  expect(broker.rig.events.filter((event) => event.kind === "gateway").map((event) => event.connected)).toEqual([
    true,
    false,
  ]);
});

test("a second connection of the same gateway replaces the first and stays connected", async () => {
  const first = await broker.connect();
  await broker.connect();
  if (first.connected) await closing(first);
  await expect.poll(() => broker.broker.connectedGateways()).toEqual([id]);
  await expect.poll(async () => (await broker.rig.store.gateways(broker.rig.scope))[0]?.connected).toBe(true);
});

test.each<[string, IClientOptions, number]>([
  ["a wrong password", { password: "wrong" }, 4],
  ["an empty password", { password: "" }, 4],
  ["an unknown gateway", { username: "gw-0000000000000000" }, 4],
  ["a client id that is not the gateway's", { clientId: "somebody" }, 2],
  ["an empty client id", { clientId: "", clean: true }, 2],
  ["a will", { will: { topic: "x", payload: Buffer.from("y"), qos: 0, retain: false } }, 5],
])("%s is refused", async (_name, change, code) => {
  await expect(broker.connect(change)).rejects.toMatchObject({ code });
  expect(broker.broker.connectedGateways()).toEqual([]);
});

test("a revoked gateway is thrown out at once and not let in again", async () => {
  const client = await broker.connect();
  const closed = closing(client);
  await broker.rig.store.revokeGateway(broker.rig.scope, id, t0);
  await closed;
  await expect(broker.connect()).rejects.toMatchObject({ code: 5 });
});

test("another gateway's topics can be neither published to nor subscribed", async () => {
  const other = new FakeGateway();
  await other.enrol(broker.rig.store, "o2", "site-2");
  const client = await broker.connect();
  const topicsOfOthers = [topics.acks(other.gatewayId), topics.commands(other.gatewayId), "#", "frostlight/v1/+/acks"];
  for (const topic of [...topicsOfOthers, "$SYS/#"]) {
    const [grant] = await client.subscribeAsync(topic).catch(() => [{ qos: 128 }]);
    expect(grant?.qos).toBe(128);
  }
  const closed = closing(client);
  client.publish(topics.batches(other.gatewayId), Buffer.from(other.seal([sampleItem("p", t0, 1)]).bytes), { qos: 1 });
  await closed;
  expect(broker.rig.timeSeries.sampleCount()).toBe(0);
  expect(broker.broker.refusals()["topic-not-allowed"]).toBe(6);
});

test("publishing to an acks or command topic is not allowed either", async () => {
  for (const topic of [topics.acks(id), topics.commands(id), "anything"]) {
    const client = await broker.connect();
    const closed = closing(client);
    client.publish(topic, "x", { qos: 1 });
    await closed;
  }
  expect(broker.broker.refusals()["topic-not-allowed"]).toBe(3);
});

test("a packet over the limit ends its connection before it is collected, and nothing else", async () => {
  const bystander = new FakeGateway();
  const secret = await bystander.enrol(broker.rig.store, "o2", "site-2");
  const other = await broker.connect({
    clientId: bystander.gatewayId,
    username: bystander.gatewayId,
    password: secret,
  });
  const client = await broker.connect();
  const closed = closing(client);
  client.publish(topics.batches(id), Buffer.alloc(2 * 1_048_576), { qos: 1 });
  await closed;
  expect(broker.broker.refusals()["packet-too-large"]).toBe(1);
  await other.publishAsync(topics.batches(bystander.gatewayId), Buffer.from(bystander.seal([]).bytes), { qos: 1 });
  expect(other.connected).toBe(true);
});

test("a stranger may send a few kilobytes at most before proving who it is", async () => {
  const socket = connectSocket(broker.broker.port(), "127.0.0.1");
  socket.on("error", () => undefined);
  await once(socket, "connect");
  const closed = once(socket, "close");
  // CONNECT with a remaining length of 1 MiB.
  socket.write(Buffer.from([0x10, 0x80, 0x80, 0x40]));
  await closed;
  expect(broker.broker.refusals()["packet-too-large"]).toBe(1);
});

test("bytes that are no MQTT end the connection and are counted", async () => {
  const socket = connectSocket(broker.broker.port(), "127.0.0.1");
  socket.on("error", () => undefined);
  await once(socket, "connect");
  const closed = once(socket, "close");
  socket.write("GET / HTTP/1.1\r\n\r\n");
  await closed;
  await expect.poll(() => broker.broker.refusals()["connection-error"]).toBe(1);
});

test("a batch that is no batch gets its PUBACK, is counted, and the connection lives", async () => {
  const client = await broker.connect();
  await client.publishAsync(topics.batches(id), "not a batch", { qos: 1 });
  expect(broker.rig.ingest.totals().refused).toEqual({ malformed: 1 });
  expect(client.connected).toBe(true);
});

test("a retained batch is stored once and retained for nobody", async () => {
  const client = await broker.connect();
  const { bytes } = broker.rig.gateway.seal([sampleItem("p", t0, 1)]);
  await client.publishAsync(topics.batches(id), Buffer.from(bytes), { qos: 1, retain: true });
  expect(broker.rig.timeSeries.sampleCount()).toBe(1);
});

test("commands go to the gateway they are for when it has subscribed", async () => {
  await broker.rig.ingest.accept(id, broker.rig.gateway.seal([alarmItem("e1")]).bytes);
  const action = { kind: "acknowledge-alarm", alarmId: "alarm-1", comment: "" } as const;
  await broker.outbox.enqueue(
    broker.rig.scope,
    { siteId: "site-1", gatewayId: id },
    { commandId: "c1", actor: "ada", issuedAtMs: t0, action },
  );
  const client = await broker.connect();
  const message = new Promise<readonly [string, Buffer]>((resolve) => {
    client.once("message", (topic, payload) => {
      resolve([topic, payload]);
    });
  });
  await client.subscribeAsync(topics.commands(id), { qos: 1 });
  const [topic, payload] = await message;
  expect(topic).toBe(topics.commands(id));
  expect(decodeCommand(payload)).toMatchObject({ kind: "ok", value: { commandId: "c1", actor: "ada", action } });
});

test("stopping closes every connection, and twice is harmless", async () => {
  const client = await broker.connect();
  const closed = closing(client);
  await broker.broker.stop();
  await closed;
  await broker.broker.stop();
  expect(() => broker.broker.port()).toThrow(/does not listen/);
});
