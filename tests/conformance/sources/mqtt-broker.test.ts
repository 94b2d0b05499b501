import { connect as connectTcp, type Socket } from "node:net";

import { connectAsync, type IClientOptions, type MqttClient } from "mqtt";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { mqttBroker, MqttBroker } from "../../../gateway/src/sources/mqtt-broker.ts";
import { mqttPoint, type RecordingContext, recordingContext, until } from "./harness.ts";

const points = [
  mqttPoint("room", "plain/room", { kind: "plain" }),
  mqttPoint("probe", "json/+/state", { kind: "json-path", path: "t", timePath: "at" }),
];

let context: RecordingContext;
let broker: MqttBroker;
const clients: MqttClient[] = [];
const sockets: Socket[] = [];

async function startBroker(options: Record<string, unknown> = { anonymous: true }): Promise<void> {
  broker = new MqttBroker(mqttBroker.options.parse({ port: 0, ...options }), points, context);
  await broker.start();
}

async function client(options: IClientOptions = {}): Promise<MqttClient> {
  const connected = await connectAsync(`mqtt://127.0.0.1:${broker.port}`, { reconnectPeriod: 100, ...options });
  connected.on("error", () => undefined);
  clients.push(connected);
  return connected;
}

function closing(sensor: MqttClient): Promise<void> {
  return new Promise((resolve) => {
    sensor.once("close", () => {
      resolve();
    });
  });
}

function rawSocket(): Socket {
  const socket = connectTcp(broker.port ?? 0, "127.0.0.1");
  socket.on("error", () => undefined);
  sockets.push(socket);
  return socket;
}

const connectPacket = (flags: number, clientId: string): Buffer =>
  Buffer.concat([
    Buffer.from([0x10, 12 + clientId.length, 0, 4, ...Buffer.from("MQTT"), 4, flags, 0, 60, 0, clientId.length]),
    Buffer.from(clientId),
  ]);

beforeEach(async () => {
  context = await recordingContext({ environment: { SENSOR_PASSWORD: "right" } });
});

afterEach(async () => {
  for (const open of clients.splice(0)) open.end(true);
  for (const socket of sockets.splice(0)) socket.destroy();
  await broker.stop();
  await context.remove();
});

describe("acknowledging", () => {
  it.each([0, 1, 2] as const)("hands over each message of QoS %d once", async (qos) => {
    await startBroker();
    const sensor = await client();
    await Promise.all(
      Array.from({ length: 200 }, (_, index) => sensor.publishAsync("plain/room", String(index), { qos })),
    );
    await until("all have arrived", () => context.readings.length >= 200);
    expect(context.readings.map((reading) => reading.value)).toEqual(Array.from({ length: 200 }, (_, index) => index));
  });

  it.each([1, 2] as const)("answers a message of QoS %d only after it is durable", async (qos) => {
    await startBroker();
    const written = Promise.withResolvers<void>();
    context.journal = () => written.promise;
    const sensor = await client();
    let isAnswered = false;
    const published = sensor.publishAsync("plain/room", "1", { qos }).then(() => {
      isAnswered = true;
      return undefined;
    });
    const ping = await client();
    await ping.publishAsync("unknown/topic", "x", { qos: 1 });
    expect(isAnswered).toBe(false);
    written.resolve();
    await published;
    expect(context.readings).toHaveLength(1);
  });

  it("lets many messages of one client wait for the journal together", async () => {
    await startBroker();
    const written = Promise.withResolvers<void>();
    let waiting = 0;
    context.journal = (readings) => {
      waiting += readings.length;
      return written.promise;
    };
    const sensor = await client();
    const all = Array.from({ length: 100 }, (_, index) => sensor.publishAsync("plain/room", String(index), { qos: 1 }));
    await until("all 100 are in the journal's hands", () => waiting === 100);
    expect(context.readings).toEqual([]);
    written.resolve();
    await Promise.all(all);
    expect(context.readings).toHaveLength(100);
  });

  it.each([1, 2] as const)("gets a message of QoS %d again when the journal refused it", async (qos) => {
    await startBroker();
    let refusals = 2;
    context.journal = () => {
      refusals -= 1;
      return refusals >= 0 ? Promise.reject(new Error("journal/full")) : Promise.resolve();
    };
    const sensor = await client({ clean: false, clientId: "stubborn" });
    await sensor.publishAsync("plain/room", "7", { qos });
    expect(context.readings.map((reading) => reading.value)).toEqual([7]);
    expect(context.states.map((state) => state.code)).toContain("journal-not-writable");
    await until("the state is good again", () => context.lastState?.code === "listening");
  });

  it("shows a message of QoS 0 that the journal refused, since it never comes again", async () => {
    await startBroker();
    context.journal = () => Promise.reject(new Error("journal/full"));
    const sensor = await client();
    await sensor.publishAsync("plain/room", "7");
    await until("the loss is shown", () => context.refusals.length > 0);
    expect(context.refusals).toMatchObject([{ address: "plain/room", code: "not-written" }]);
  });

  it("takes a message of QoS 2 sent again before PUBREL once", async () => {
    await startBroker();
    const publish = Buffer.from([0x34, 15, 0, 10, ...Buffer.from("plain/room"), 0, 9, 0x35]);
    const again = Buffer.from(publish);
    again[0] = 0x3c;
    const first = rawSocket();
    first.write(connectPacket(0, "twice"));
    await new Promise((resolve) => first.once("data", resolve));
    first.write(publish);
    await new Promise((resolve) => first.once("data", resolve));
    first.destroy();
    const second = rawSocket();
    second.write(connectPacket(0, "twice"));
    await new Promise((resolve) => second.once("data", resolve));
    second.write(again);
    const answer = await new Promise<Buffer>((resolve) => second.once("data", resolve));
    expect(answer[0]).toBe(0x50);
    expect(context.readings.map((reading) => reading.value)).toEqual([5]);
  });

  it("does not take the retain flag of a sensor for an old value", async () => {
    await startBroker();
    const sensor = await client();
    await sensor.publishAsync("plain/room", "3", { qos: 1, retain: true });
    expect(context.readings[0]).toMatchObject({ value: 3, quality: "good", backfill: false });
  });

  it("takes a will as a message", async () => {
    await startBroker();
    const sensor = await client({
      will: { topic: "plain/room", payload: Buffer.from("unavailable"), qos: 1, retain: true },
    });
    sensor.stream.destroy();
    sensor.end(true);
    await until("the will has arrived", () => context.readings.length === 1);
    expect(context.readings[0]).toMatchObject({ value: null, reason: "no-value" });
  });
});

describe("bad input", () => {
  it("acknowledges and shows a payload that is no number", async () => {
    await startBroker();
    const sensor = await client();
    await sensor.publishAsync("plain/room", "warm", { qos: 1 });
    expect(context.readings).toEqual([]);
    expect(context.refusals).toEqual([
      { address: "plain/room", code: "not-a-number", message: 'point room: expected a plain number, found "warm"' },
    ]);
  });

  it("refuses a payload over the limit, disconnects its sender and disturbs nobody else", async () => {
    await startBroker();
    const neighbour = await client();
    const sensor = await client({ reconnectPeriod: 0 });
    const closed = closing(sensor);
    sensor.publish("json/big/state", "x".repeat(70_000), { qos: 1 });
    await closed;
    expect(context.refusals).toMatchObject([{ address: "json/big/state", code: "payload-too-large" }]);
    await neighbour.publishAsync("plain/room", "4", { qos: 1 });
    expect(context.readings).toHaveLength(1);
  });

  it("refuses a payload one byte over the limit and takes one that just fits", async () => {
    await startBroker({ anonymous: true, payloadLimitBytes: 1_000 });
    const sensor = await client({ reconnectPeriod: 0 });
    await sensor.publishAsync("json/a/state", JSON.stringify({ t: 1, x: "y".repeat(1_000 - 14) }), { qos: 1 });
    expect(context.readings).toHaveLength(1);
    const closed = closing(sensor);
    sensor.publish("json/a/state", JSON.stringify({ t: 1, x: "y".repeat(1_000 - 13) }), { qos: 1 });
    await closed;
    expect(context.refusals).toMatchObject([{ code: "payload-too-large" }]);
    expect(context.readings).toHaveLength(1);
  });

  it("cuts off a client that announces 256 MiB before it sends them", async () => {
    await startBroker();
    const socket = rawSocket();
    socket.write(
      Buffer.concat([connectPacket(2, "big"), Buffer.from([0x30, 0xff, 0xff, 0xff, 0x7f, 0, 4]), Buffer.from("a/b/")]),
    );
    await new Promise((resolve) => socket.once("close", resolve));
    expect(context.refusals).toMatchObject([{ code: "payload-too-large", address: "a/b/" }]);
  });

  it("answers an empty client id with clean session off by CONNACK 2", async () => {
    await startBroker();
    const socket = rawSocket();
    socket.write(connectPacket(0, ""));
    const answer = await new Promise<Buffer>((resolve) => socket.once("data", resolve));
    expect([...answer]).toEqual([0x20, 2, 0, 2]);
    await new Promise((resolve) => socket.once("close", resolve));
    expect(context.refusals).toMatchObject([{ code: "client-id-missing" }]);
  });

  it("shows and survives bytes that are no MQTT", async () => {
    await startBroker();
    const socket = rawSocket();
    socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    await new Promise((resolve) => socket.once("close", resolve));
    await until("it is shown", () => context.refusals.length > 0);
    const sensor = await client();
    await sensor.publishAsync("plain/room", "4", { qos: 1 });
    expect(context.readings).toHaveLength(1);
  });

  it("refuses a connection over the limit", async () => {
    await startBroker({ anonymous: true, maxConnections: 1 });
    await client();
    const socket = rawSocket();
    await new Promise((resolve) => socket.once("close", resolve));
    expect(context.refusals).toMatchObject([{ code: "too-many-connections" }]);
  });

  it("slows a client down that sends faster than allowed, and loses nothing", async () => {
    await startBroker({ anonymous: true, messagesPerSecond: 100 });
    const sensor = await client();
    const startedMs = performance.now();
    // What one read brings is taken together; the client is not read again before its rate allows.
    await Promise.all(Array.from({ length: 150 }, () => sensor.publishAsync("plain/room", "1", { qos: 1 })));
    await sensor.publishAsync("plain/room", "2", { qos: 1 });
    expect(performance.now() - startedMs).toBeGreaterThan(400);
    expect(context.readings).toHaveLength(151);
  });
});

describe("access", () => {
  const users = [{ username: "sensor", password: { env: "SENSOR_PASSWORD" }, publish: ["plain/+"] }];

  it("lets nobody in by default and says so", async () => {
    await startBroker({});
    expect(context.lastState).toMatchObject({ state: "degraded", code: "nobody-allowed" });
    await expect(client({ reconnectPeriod: 0 })).rejects.toThrow(/Bad username or password|Not authorized/i);
    expect(context.refusals).toMatchObject([{ code: "wrong-credentials" }]);
  });

  it.each([
    ["a wrong password", "sensor", "wrong"],
    ["a wrong name", "nobody", "right"],
    ["no name", undefined, undefined],
  ])("refuses %s", async (_, username, password) => {
    await startBroker({ users });
    const credentials = username === undefined ? {} : { username, password };
    await expect(client({ reconnectPeriod: 0, ...credentials })).rejects.toThrow(
      /Bad username or password|Not authorized/i,
    );
    expect(context.refusals).toMatchObject([{ code: "wrong-credentials" }]);
    expect(JSON.stringify(context.refusals)).not.toContain("right");
  });

  it("lets a user publish where it may and nowhere else", async () => {
    await startBroker({ users });
    const sensor = await client({ username: "sensor", password: "right", reconnectPeriod: 0 });
    await sensor.publishAsync("plain/room", "4", { qos: 1 });
    const closed = closing(sensor);
    sensor.publish("json/a/state", '{"t":1}', { qos: 1 });
    await closed;
    expect(context.readings.map((reading) => reading.pointId)).toEqual(["room"]);
    expect(context.refusals).toMatchObject([{ address: "json/a/state", code: "publish-not-allowed" }]);
  });

  it("does not let a client speak for the broker itself", async () => {
    await startBroker();
    const sensor = await client({ reconnectPeriod: 0 });
    const closed = closing(sensor);
    sensor.publish("$SYS/other/new/clients", "x", { qos: 0 });
    await closed;
    expect(context.refusals).toMatchObject([{ code: "publish-not-allowed" }]);
  });

  it("reports a secret that is missing instead of starting open", async () => {
    await startBroker({ users: [{ username: "a", password: { env: "NOT_SET" } }] });
    expect(context.lastState).toMatchObject({ state: "offline", code: "secret-missing" });
    expect(broker.port).toBeUndefined();
  });

  it("lets nobody subscribe unless topics are named", async () => {
    await startBroker();
    const sensor = await client();
    await expect(sensor.subscribeAsync("#")).rejects.toThrow("Unspecified error");
    expect(context.refusals).toMatchObject([{ address: "#", code: "subscribe-not-allowed" }]);
  });

  it("forwards what may be subscribed to, and only that", async () => {
    await startBroker({ anonymous: true, subscribe: ["bridge/#"] });
    const bridge = await client();
    await bridge.subscribeAsync("bridge/+/set", { qos: 1 });
    await expect(bridge.subscribeAsync("plain/#")).rejects.toThrow("Unspecified error");
    const heard: string[] = [];
    bridge.on("message", (topic, payload) => heard.push(`${topic} ${payload.toString()}`));
    const other = await client();
    await other.publishAsync("plain/room", "1", { qos: 1 });
    await other.publishAsync("bridge/lamp/set", "ON", { qos: 1 });
    await until("the order has arrived", () => heard.length > 0);
    expect(heard).toEqual(["bridge/lamp/set ON"]);
  });
});

it("lives through a QoS 0 backlog when the last subscriber leaves", async () => {
  await startBroker({ anonymous: true, subscribe: ["flood/#"], messagesPerSecond: 1_000_000 });
  const subscriber = await client();
  await subscriber.subscribeAsync("flood/#");
  const publishers = await Promise.all(Array.from({ length: 5 }, () => client()));
  subscriber.stream.pause(); // a subscriber that does not read: everything for it piles up
  for (let round = 0; round < 20_000; round += 1) {
    for (const publisher of publishers) publisher.publish("flood/x", "y".repeat(100));
  }
  await new Promise((resolve) => setTimeout(resolve, 500));
  subscriber.stream.destroy();
  subscriber.end(true);
  const sensor = await client();
  await sensor.publishAsync("plain/room", "4", { qos: 1 });
  expect(context.readings).toHaveLength(1);
});

describe("discovery", () => {
  it("tells of topics that no point is configured for, with an address that would fit", async () => {
    await startBroker();
    const sensor = await client();
    await sensor.publishAsync("zigbee2mqtt/new", '{"temperature":3,"linkquality":9}', { qos: 1 });
    await sensor.publishAsync("odd/topic", "~~~", { qos: 1 });
    expect(context.discoveries).toMatchObject([
      { dialect: "zigbee2mqtt", quantity: "temperature", value: 3 },
      { label: "odd/topic", dialect: null, value: null },
    ]);
    const address = mqttBroker.address.parse(context.discoveries[0]?.address);
    expect(address).toMatchObject({ topic: "zigbee2mqtt/new", decode: { kind: "zigbee2mqtt" } });
  });

  it("looks at few messages of a flood of unknown topics, and takes all readings meanwhile", async () => {
    await startBroker();
    const sensor = await client();
    for (let index = 0; index < 2_000; index += 1) sensor.publish(`many/${index}`, "1", { qos: 0 });
    await sensor.publishAsync("plain/room", "4", { qos: 1 });
    expect(context.discoveries.length).toBeGreaterThan(10);
    expect(context.discoveries.length).toBeLessThan(100);
    expect(context.readings).toHaveLength(1);
  });
});

it("tries again when its port is taken", async () => {
  await startBroker();
  const taken = broker.port;
  const other = await recordingContext();
  const second = new MqttBroker(mqttBroker.options.parse({ port: taken, anonymous: true }), points, other);
  await second.start();
  expect(other.lastState).toMatchObject({ state: "offline", code: "listen-failed" });
  await broker.stop();
  await until("the second listens", () => other.lastState?.code === "listening");
  await second.stop();
  await other.remove();
});
