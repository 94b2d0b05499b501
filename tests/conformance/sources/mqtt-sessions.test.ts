import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { afterEach, describe, expect, it } from "vitest";

import { BrokerRig, connectPacket, disconnectPacket, nextBytes, publishPacket } from "./broker-rig.ts";
import { until } from "./harness.ts";

/** What the broker keeps for subscribers, over restarts, crashes and damage. */
const open = { anonymous: { publish: ["#"], subscribe: ["#"] } };
let rig: BrokerRig;

afterEach(async () => {
  await rig.remove();
});

const stateFile = (): string => join(rig.context.stateFolder, "sessions.log");

async function leaveSession(clientId: string, qos: 0 | 1 | 2 = 2): Promise<void> {
  const { client } = await rig.listener({ clientId, clean: false }, ["orders/#"], qos);
  await client.endAsync();
}

async function order(...payloads: readonly string[]): Promise<void> {
  const client = await rig.client();
  for (const payload of payloads) await client.publishAsync("orders/lamp", payload, { qos: 1 });
  await client.endAsync();
}

describe("sessions and retained messages", () => {
  it("outlive a restart of the gateway", async () => {
    rig = await BrokerRig.start(open);
    await leaveSession("bridge");
    const client = await rig.client();
    await client.publishAsync("orders/state", "7", { qos: 1, retain: true });
    await client.endAsync();
    await order("on", "off");
    await rig.broker.stop();
    await rig.again(open);
    const { heard } = await rig.listener({ clientId: "bridge", clean: false }, []);
    await until("all have come", () => heard.length >= 3);
    expect(heard.map((one) => one.payload)).toEqual(["7", "on", "off"]);
    const later = await rig.listener({}, ["orders/#"]);
    await until("the retained one has come", () => later.heard.length > 0);
    expect(later.heard).toMatchObject([{ topic: "orders/state", payload: "7", retain: true }]);
  });

  it("survive kill -9 of the process right after the PUBACK", { timeout: 60_000 }, async () => {
    rig = await BrokerRig.start(open);
    await rig.broker.stop();
    const child = spawn(process.execPath, [join(import.meta.dirname, "broker-child.ts"), rig.context.stateFolder], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [line] = (await once(child.stdout, "data")) as [Buffer]; // the child prints its port, nothing else
    const url = `mqtt://127.0.0.1:${line.toString().trim()}`;
    const bridge = await rig.client({ clientId: "bridge", clean: false }, url);
    await bridge.subscribeAsync("orders/#", { qos: 1 });
    await bridge.endAsync();
    const publisher = await rig.client({}, url);
    await publisher.publishAsync("orders/state", "7", { qos: 1, retain: true });
    for (let index = 0; index < 50; index += 1) await publisher.publishAsync("orders/lamp", String(index), { qos: 1 });
    child.kill("SIGKILL");
    await once(child, "exit");
    await rig.again(open);
    const { heard } = await rig.listener({ clientId: "bridge", clean: false }, []);
    await until("all 51 have come", () => heard.length >= 51);
    expect(heard.slice(1).map((one) => one.payload)).toEqual(Array.from({ length: 50 }, (_, index) => String(index)));
  });

  it("are redelivered with the same packet id and DUP until acknowledged", async () => {
    rig = await BrokerRig.start(open);
    await leaveSession("bridge", 1);
    await order("on");
    const first = rig.rawSocket();
    first.write(connectPacket("bridge", { clean: false }));
    const sent = await untilPublish(first);
    first.destroy();
    await rig.broker.stop();
    await rig.again(open);
    const second = rig.rawSocket();
    second.write(connectPacket("bridge", { clean: false }));
    const again = await untilPublish(second);
    expect((sent[0] ?? 0) & 0x08).toBe(0);
    expect((again[0] ?? 0) & 0x08).toBe(0x08);
    expect(again.subarray(1)).toEqual(sent.subarray(1));
  });

  it("give nothing more to a client whose right went away", async () => {
    rig = await BrokerRig.start(open);
    await leaveSession("bridge");
    await order("on");
    await rig.broker.stop();
    await rig.again({ anonymous: { publish: ["#"], subscribe: ["other/#"] } });
    const { client, heard } = await rig.listener({ clientId: "bridge", clean: false }, []);
    await order("off");
    await client.publishAsync("other/x", "1", { qos: 1 });
    expect(heard).toEqual([]);
  });

  it("belong to the user that made them", async () => {
    const users = ["anna", "ben"].map((username) => ({
      username,
      password: { env: "PASSWORD" },
      publish: ["orders/#"],
      subscribe: ["orders/#"],
    }));
    rig = await BrokerRig.start({ users }, { PASSWORD: "p" });
    const anna = { username: "anna", password: "p", clientId: "bridge", clean: false };
    const { client } = await rig.listener(anna, ["orders/#"], 1);
    await expect(rig.client({ ...anna, username: "ben" })).rejects.toThrow(/identifier rejected/i);
    expect(client.connected).toBe(true);
    await client.endAsync();
    const other = await rig.client({ username: "anna", password: "p" });
    await other.publishAsync("orders/lamp", "secret", { qos: 1 });
    const ben = await rig.listener({ ...anna, username: "ben" }, []);
    await ben.client.publishAsync("orders/lamp", "x", { qos: 1 });
    expect(ben.heard).toEqual([]);
  });

  it("keep no subscription that was refused beside one that was allowed", async () => {
    rig = await BrokerRig.start({ anonymous: { publish: ["#"], subscribe: ["orders/#"] } });
    const { client } = await rig.listener({ clientId: "bridge", clean: false }, []);
    await expect(client.subscribeAsync(["orders/#", "plain/#"], { qos: 1 })).rejects.toThrow(/error/i);
    await client.endAsync();
    expect(await readFile(stateFile(), "utf8")).not.toContain("plain/#");
  });

  it("are bounded: what does not fit into a queue is given up and shown", async () => {
    rig = await BrokerRig.start({ ...open, maxQueuedMessages: 3, maxRetainedMessages: 1 });
    await leaveSession("bridge");
    await order("1", "2", "3", "4", "5");
    const client = await rig.client();
    await client.publishAsync("a", "1", { qos: 1, retain: true });
    await client.publishAsync("b", "1", { qos: 1, retain: true });
    expect(rig.context.refusals.map((refusal) => refusal.code)).toEqual([
      "queue-full",
      "queue-full",
      "retained-store-full",
    ]);
    const { heard } = await rig.listener({ clientId: "bridge", clean: false }, []);
    await until("three have come", () => heard.length >= 3);
    expect(heard.map((one) => one.payload)).toEqual(["1", "2", "3"]);
  });

  it("lose only the damaged lines of a damaged file, which is kept aside, and say so", async () => {
    rig = await BrokerRig.start(open);
    await leaveSession("bridge");
    await order("on", "dim", "off");
    await rig.broker.stop();
    const text = await readFile(stateFile(), "utf8");
    const dim = Buffer.from("dim").toString("base64");
    await writeFile(stateFile(), `${text.replace(dim, "AAAA")}0badc0de {"k":"qu`);
    await rig.again(open);
    expect(rig.context.refusals).toMatchObject([{ code: "session-store-damaged", message: /^1 damaged lines/ }]);
    expect((await readdir(rig.context.stateFolder)).some((name) => name.startsWith("sessions.log.corrupt-"))).toBe(
      true,
    );
    const { heard } = await rig.listener({ clientId: "bridge", clean: false }, []);
    await until("the good ones have come", () => heard.length >= 2);
    expect(heard.map((one) => one.payload)).toEqual(["on", "off"]);
  });

  it("grant no higher QoS than subscribed to, also through wildcards", async () => {
    rig = await BrokerRig.start(open);
    const { client, heard } = await rig.listener({}, ["orders/+"], 1);
    await client.publishAsync("orders/lamp", "on", { qos: 2 });
    await until("it has come", () => heard.length > 0);
    expect(heard.map((one) => one.qos)).toEqual([1]);
  });

  it("take a retained message of QoS 2 to a persistent client without breaking off", async () => {
    rig = await BrokerRig.start(open);
    const publisher = await rig.client();
    await publisher.publishAsync("orders/state", "7", { qos: 2, retain: true });
    const { client, heard } = await rig.listener({ clientId: "bridge", clean: false }, ["orders/#"], 2);
    await until("it has come", () => heard.length > 0);
    await publisher.publishAsync("orders/lamp", "on", { qos: 2 });
    await until("the next has come", () => heard.length > 1);
    expect(client.connected).toBe(true);
  });
});

describe("a client that repeats itself", () => {
  const publish = publishPacket("plain/room", "5", { messageId: 9 });
  const repeated = publishPacket("plain/room", "5", { messageId: 9, dup: true });
  const puback = [0x40, 2, 0, 9];

  async function connected(): Promise<ReturnType<BrokerRig["rawSocket"]>> {
    const socket = rig.rawSocket();
    socket.write(connectPacket("sensor", { clean: false }));
    await nextBytes(socket);
    return socket;
  }

  it("after a lost PUBACK is acknowledged, and its reading is not stored again", async () => {
    rig = await BrokerRig.start(open);
    const first = await connected();
    first.write(publish);
    await nextBytes(first);
    first.destroy();
    const second = await connected();
    second.write(repeated);
    expect([...(await nextBytes(second))]).toEqual(puback);
    expect(rig.context.readings).toHaveLength(1);
    expect(rig.broker.repeatCount).toBe(1);
  });

  it("after a crash of the gateway is known by what the journal remembers", async () => {
    rig = await BrokerRig.start(open);
    const first = await connected();
    first.write(publish);
    await nextBytes(first);
    await rig.broker.stop();
    await rig.again(open);
    const second = await connected();
    second.write(repeated);
    expect([...(await nextBytes(second))]).toEqual(puback);
    expect(rig.context.readings).toHaveLength(1);
  });

  it("while the first is still being written waits for it", async () => {
    rig = await BrokerRig.start(open);
    const written = Promise.withResolvers<void>();
    let writes = 0;
    rig.context.journal = () => {
      writes += 1;
      return written.promise;
    };
    const first = await connected();
    first.write(publish);
    await until("it is being written", () => writes === 1);
    first.destroy();
    const second = await connected();
    second.write(repeated);
    await until("the repeat was noticed", () => rig.broker.repeatCount === 1);
    written.resolve();
    expect([...(await nextBytes(second))]).toEqual(puback);
    expect(rig.context.readings).toHaveLength(1);
  });

  it("is not mistaken for itself when it measures the same again with the same packet id", async () => {
    rig = await BrokerRig.start(open);
    const first = await connected();
    first.write(Buffer.concat([publish]));
    await nextBytes(first);
    first.write(disconnectPacket);
    await once(first, "close");
    // Woke up, measured the same, and the first try of it was lost on the way.
    const second = await connected();
    second.write(repeated);
    expect([...(await nextBytes(second))]).toEqual(puback);
    expect(rig.context.readings).toHaveLength(2);
  });

  it("is written when the journal refused its first try, though an older message looks the same", async () => {
    rig = await BrokerRig.start(open);
    const first = await connected();
    first.write(publish);
    await nextBytes(first);
    rig.context.journal = () => Promise.reject(new Error("journal/full"));
    first.write(publish);
    await once(first, "close");
    rig.context.journal = () => Promise.resolve();
    const second = await connected();
    second.write(repeated);
    expect([...(await nextBytes(second))]).toEqual(puback);
    expect(rig.context.readings).toHaveLength(2);
  });
});

/** The first PUBLISH that comes, without CONNACK before it. */
async function untilPublish(socket: ReturnType<BrokerRig["rawSocket"]>): Promise<Buffer> {
  let bytes = Buffer.alloc(0);
  socket.on("data", (chunk: Buffer) => (bytes = Buffer.concat([bytes, chunk])));
  await until("a PUBLISH has come", () => bytes.length > 4);
  return bytes.subarray(4);
}
