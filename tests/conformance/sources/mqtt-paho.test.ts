/**
 * The MQTT 3.1.1 cases of the Eclipse Paho interoperability suite (`interoperability/client_test.py`), with its names, its
 * topics and its expectations, against the embedded broker with an access rule in place.
 */
import { once } from "node:events";

import type { IClientOptions, MqttClient } from "mqtt";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { BrokerRig, connectPacket, type Heard, nextBytes } from "./broker-rig.ts";
import { until } from "./harness.ts";

const topics = ["TopicA", "TopicA/B", "Topic/C", "TopicA/C", "/TopicA"] as const;
const wildtopics = ["TopicA/+", "+/C", "#", "/#", "/+", "+/+", "TopicA/#"] as const;
const nosubscribe = "nosubscribe";

const allowed = ["TopicA/#", "+/+"];
const rule = {
  users: [{ username: "paho", password: { env: "PAHO_PASSWORD" }, publish: allowed, subscribe: allowed }],
};
const credentials = { username: "paho", password: "interop" };
const a: IClientOptions = { ...credentials, clientId: "myclientid" };
const b: IClientOptions = { ...credentials, clientId: "myclientid2" };

let rig: BrokerRig;

beforeEach(async () => {
  rig = await BrokerRig.start(rule, { PAHO_PASSWORD: "interop" });
});

afterEach(async () => {
  await rig.remove();
});

const bytes = (texts: readonly Heard[]): string[] => texts.map((one) => one.payload).toSorted();

/** Time for what must not come to come. */
async function settle(client: MqttClient): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(client.connected).toBe(true);
}

async function publishThree(client: MqttClient, payloads: readonly [string, string, string], retain: boolean) {
  for (const [index, payload] of payloads.entries()) {
    await client.publishAsync(topics[index + 1] ?? "", payload, { qos: index as 0 | 1 | 2, retain }); // 0 to 2
  }
}

describe("Eclipse Paho interoperability suite, MQTT 3.1.1", () => {
  it("basic_test", async () => {
    await (await rig.client(a)).endAsync();
    const { client, heard } = await rig.listener(a, [topics[0]]);
    await client.publishAsync(topics[0], "qos 0");
    await client.publishAsync(topics[0], "qos 1", { qos: 1 });
    await client.publishAsync(topics[0], "qos 2", { qos: 2 });
    await until("three messages have come", () => heard.length >= 3);
    await client.endAsync();
    expect(bytes(heard)).toEqual(["qos 0", "qos 1", "qos 2"]);

    const second = rig.rawSocket();
    second.write(connectPacket("myclientid", credentials));
    expect([...(await nextBytes(second))]).toEqual([0x20, 2, 0, 0]);
    second.write(connectPacket("myclientid", credentials)); // a second CONNECT on the same connection
    await once(second, "close");

    const wrong = rig.rawSocket();
    wrong.write(connectPacket("myclientid", { ...credentials, protocol: "hj" }));
    await once(wrong, "close");
    expect(wrong.bytesRead).toBe(0);
  });

  it("retained_message_test", async () => {
    const publisher = await rig.client(b);
    await publishThree(publisher, ["qos 0", "qos 1", "qos 2"], true);
    const { client, heard } = await rig.listener(a, [wildtopics[5]]);
    await until("three retained messages have come", () => heard.length >= 3);
    await settle(client);
    await client.endAsync();
    expect(heard.map(({ topic, qos, retain }) => ({ topic, qos, retain }))).toEqual([
      { topic: topics[1], qos: 0, retain: true },
      { topic: topics[2], qos: 1, retain: true },
      { topic: topics[3], qos: 2, retain: true },
    ]);

    await publishThree(publisher, ["", "", ""], true);
    const later = await rig.listener(a, [wildtopics[5]]);
    await settle(later.client);
    expect(later.heard).toEqual([]);
  });

  it("offline_message_queueing_test", async () => {
    const { client } = await rig.listener({ ...a, clean: false }, [wildtopics[5]]);
    await client.endAsync();
    const publisher = await rig.client(b);
    await publishThree(publisher, ["qos 0", "qos 1", "qos 2"], false);
    await publisher.endAsync();
    const { client: back, heard } = await rig.listener({ ...a, clean: false }, []);
    await until("the kept messages have come", () => heard.length >= 2);
    await settle(back);
    expect(bytes(heard)).toEqual(["qos 1", "qos 2"]); // QoS 0 is not queued
  });

  it("will_message_test", async () => {
    const dying = await rig.client({
      ...a,
      keepalive: 2,
      will: { topic: topics[2], payload: Buffer.from("client not disconnected"), qos: 0, retain: false },
    });
    const { heard } = await rig.listener({ ...b, clean: false }, [topics[2]]);
    dying.stream.destroy();
    await until("the will has come", () => heard.length > 0);
    expect(bytes(heard)).toEqual(["client not disconnected"]);
  });

  it("overlapping_subscriptions_test", async () => {
    const { client, heard } = await rig.listener(a, []);
    await client.subscribeAsync({ [wildtopics[6]]: { qos: 2 }, [wildtopics[0]]: { qos: 1 } });
    await client.publishAsync(topics[3], "overlapping topic filters", { qos: 2 });
    await until("it has come", () => heard.length > 0);
    await settle(client);
    // One message for all matching subscriptions, with the highest QoS of them [MQTT-3.3.5-1].
    expect(heard.map((one) => one.qos)).toEqual([2]);
  });

  it("keepalive_test", { timeout: 20_000 }, async () => {
    const { heard } = await rig.listener({ ...b, keepalive: 0 }, [topics[4]]);
    const silent = rig.rawSocket();
    const will = { topic: topics[4], message: "keepalive expiry" };
    silent.write(connectPacket("myclientid", { ...credentials, keepaliveSeconds: 1, will }));
    await nextBytes(silent);
    await once(silent, "close");
    await until("the will has come", () => heard.length > 0);
    expect(bytes(heard)).toEqual(["keepalive expiry"]);
  });

  it("redelivery_on_reconnect_test", async () => {
    const { client } = await rig.listener({ ...b, clean: false }, [wildtopics[6]]);
    client.handleMessage = () => undefined; // takes nothing and acknowledges nothing from here on
    const publisher = await rig.client(a);
    await publisher.publishAsync(topics[1], "", { qos: 1 });
    await publisher.publishAsync(topics[3], "", { qos: 2 });
    await settle(client);
    client.stream.destroy();
    const { heard } = await rig.listener({ ...b, clean: false }, []);
    await until("both have come again", () => heard.length >= 2);
    expect(heard.map((one) => one.topic).toSorted()).toEqual([topics[1], topics[3]]);
  });

  it("zero_length_clientid_test", async () => {
    const refused = rig.rawSocket();
    refused.write(connectPacket("", { ...credentials, clean: false }));
    expect([...(await nextBytes(refused))]).toEqual([0x20, 2, 0, 2]);
    await once(refused, "close");
    const taken = rig.rawSocket();
    taken.write(connectPacket("", { ...credentials, clean: true }));
    expect([...(await nextBytes(taken))]).toEqual([0x20, 2, 0, 0]);
  });

  it("subscribe_failure_test", async () => {
    const socket = rig.rawSocket();
    socket.write(connectPacket("myclientid", credentials));
    await nextBytes(socket);
    const filter = Buffer.from(nosubscribe);
    socket.write(Buffer.from([0x82, 5 + filter.length, 0, 7, 0, filter.length, ...filter, 2]));
    expect([...(await nextBytes(socket))]).toEqual([0x90, 3, 0, 7, 0x80]);
  });

  it("dollar_topics_test", async () => {
    const { client, heard } = await rig.listener({ ...b, keepalive: 0 }, [wildtopics[5]]);
    await client.publishAsync(`$${topics[1]}`, "", { qos: 1 });
    await settle(client);
    expect(heard).toEqual([]);
    expect(rig.context.refusals).toMatchObject([{ address: "$TopicA/B", code: "topic-reserved" }]);
  });
});
