import { once } from "node:events";
import type { Socket } from "node:net";

import { seededRandom } from "@frostlight/kernel/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import {
  BrokerRig,
  connectPacket,
  disconnectPacket,
  nextBytes,
  publishPacket,
} from "../conformance/sources/broker-rig.ts";
import { until } from "../conformance/sources/harness.ts";

/** Garbage on the embedded broker's socket. `MQTT_FUZZ_INPUTS` and `MQTT_FUZZ_SEED` make it longer or repeat it. */
const inputs = Number(process.env["MQTT_FUZZ_INPUTS"] ?? 1_500);
const seed = Number(process.env["MQTT_FUZZ_SEED"] ?? 20_261_122);

let rig: BrokerRig;

beforeEach(async () => {
  rig = await BrokerRig.start({ anonymous: { publish: ["#"], subscribe: ["fuzz/#"] }, maxConnections: 200 });
});

afterEach(async () => {
  await rig.remove();
});

describe(`the broker's socket, seed ${seed}`, () => {
  it(`takes ${inputs} broken byte streams without disturbing a neighbour`, { timeout: 120_000 }, async () => {
    const random = seededRandom(seed);
    const neighbour = await rig.client();
    let sent = 0;
    for (let round = 0; round < inputs; round += 25) {
      const batch = Array.from({ length: 25 }, () => attack(rig.rawSocket(), stream(random)));
      sent += 1;
      await neighbour.publishAsync("plain/room", String(sent), { qos: 1 });
      await Promise.all(batch);
    }
    expect(rig.context.readings.filter((reading) => reading.receivedMs > 0).length).toBeGreaterThanOrEqual(sent);
    expect(neighbour.connected).toBe(true);
    const fresh = await rig.client();
    await fresh.publishAsync("plain/room", "1", { qos: 1 });
  });

  it("takes every way of cutting a byte stream into pieces", async () => {
    const bytes = Buffer.concat([
      connectPacket("pieces"),
      publishPacket("plain/room", "1", { messageId: 1 }),
      publishPacket("plain/room", "2", { messageId: 2 }),
      publishPacket("plain/room", "3", { qos: 0 }),
      Buffer.from([0xc0, 0]),
      publishPacket("plain/room", "4", { messageId: 3 }),
    ]);
    for (let size = 1; size <= bytes.length; size += 1) {
      const socket = rig.rawSocket();
      const before = rig.context.readings.length;
      socket.resume().setNoDelay(true);
      for (let at = 0; at < bytes.length; at += size) {
        socket.write(bytes.subarray(at, at + size));
        await new Promise((resolve) => setImmediate(resolve));
      }
      await until("all four have arrived", () => rig.context.readings.length === before + 4);
      expect(rig.context.readings.slice(-4).map((reading) => reading.value)).toEqual([1, 2, 3, 4]);
      socket.write(disconnectPacket);
      await once(socket, "close");
    }
  });
});

describe("a client that does not read", () => {
  it("its acknowledgements is cut off, and its neighbours go on", { timeout: 30_000 }, async () => {
    await rig.broker.stop();
    await rig.again({
      anonymous: { publish: ["#"], subscribe: ["fuzz/#"] },
      drainTimeoutSeconds: 0.5,
      messagesPerSecond: 1_000_000,
    });
    const frozen = rig.rawSocket();
    frozen.write(connectPacket("frozen"));
    await nextBytes(frozen);
    frozen.pause();
    const block = Buffer.concat(
      Array.from({ length: 1_000 }, (_, index) => publishPacket("plain/room", "1", { messageId: index + 1 })),
    );
    const isCutOff = (): boolean => rig.context.refusals.some(({ code }) => code === "client-frozen");
    await until(
      "it is cut off",
      () => {
        while (!frozen.writableNeedDrain && !frozen.destroyed) frozen.write(block);
        return isCutOff();
      },
      25_000,
    );
    const neighbour = await rig.client();
    await neighbour.publishAsync("plain/room", "2", { qos: 1 });
    expect(rig.context.readings.at(-1)?.value).toBe(2);
  });

  it("what it subscribed to is cut off, and publishers go on", { timeout: 30_000 }, async () => {
    await rig.broker.stop();
    await rig.again({
      anonymous: { publish: ["#"], subscribe: ["fuzz/#"] },
      drainTimeoutSeconds: 0.5,
      messagesPerSecond: 1_000_000,
    });
    const { client } = await rig.listener({ clientId: "frozen" }, ["fuzz/#"], 0);
    client.stream.pause();
    const publisher = await rig.client();
    const payload = "y".repeat(10_000);
    while (!rig.context.refusals.some(({ code }) => code === "client-frozen")) {
      await publisher.publishAsync("fuzz/x", payload, { qos: 1 });
    }
    await publisher.publishAsync("plain/room", "2", { qos: 1 });
    expect(rig.context.readings).toHaveLength(1);
  });
});

async function shortly(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 50));
}

async function attack(socket: Socket, bytes: Buffer): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    socket.once("close", () => {
      resolve();
    });
  });
  socket.resume();
  socket.end(bytes);
  await Promise.race([closed, shortly()]);
  socket.destroy();
}

/** Pure noise, noise behind a CONNECT, or good packets with bytes changed, removed or doubled. */
function stream(random: ReturnType<typeof seededRandom>): Buffer {
  const pick = (count: number): number => Math.floor(random.next() * count);
  const noise = Buffer.from(random.bytes(1 + pick(300)));
  if (pick(4) === 0) return noise;
  const hello = connectPacket(`fuzz-${pick(50)}`, { clean: pick(2) === 0 });
  if (pick(4) === 0) return Buffer.concat([hello, noise]);
  const subscribe = Buffer.from([0x82, 11, 0, 1, 0, 6, ...Buffer.from("fuzz/#"), pick(3)]);
  const packets = [hello, subscribe, publishPacket("fuzz/a", "1", { qos: pick(3), messageId: 1 + pick(9) })];
  for (let more = pick(6); more > 0; more -= 1) {
    const messageId = pick(10);
    const two = [messageId >> 8, messageId & 0xff];
    const rest = [
      publishPacket("fuzz/b", String(more), { qos: pick(4), messageId, dup: pick(2) === 0 }),
      Buffer.from([0x40, 2, ...two]),
      Buffer.from([0x50, 2, ...two]),
      Buffer.from([0x62, 2, ...two]),
      Buffer.from([0x70, 2, ...two]),
      Buffer.from([0xc0, 0]),
      Buffer.from([0xa2, 10, ...two, 0, 6, ...Buffer.from("fuzz/#")]),
    ];
    packets.push(rest[pick(rest.length)] ?? disconnectPacket);
  }
  const bytes = Buffer.concat(packets);
  for (let change = pick(5); change > 0; change -= 1) bytes[pick(bytes.length)] = pick(256);
  return pick(3) === 0 ? bytes.subarray(0, pick(bytes.length)) : bytes;
}
