import { encodeBatch, encodeSealed, sealBody, topics } from "@frostlight/contract";
import { seededRandom } from "@frostlight/kernel/testing";
import type { MqttClient } from "mqtt";
import { afterEach, beforeEach, expect, test } from "vitest";

import { type BrokerRig, collectAcks, createBrokerRig } from "../../server/src/ingest/testing/broker-rig.ts";
import { alarmItem, FakeGateway, sampleItem } from "../../server/src/ingest/testing/fake-gateway.ts";

const t0 = 1_767_225_600_000;
let broker: BrokerRig;
let client: MqttClient;
let gateway: FakeGateway;

beforeEach(async () => {
  broker = await createBrokerRig();
  gateway = broker.rig.gateway;
  client = await broker.connect();
  await client.subscribeAsync(topics.acks(gateway.gatewayId), { qos: 1 });
});

afterEach(async () => {
  await broker.stop();
});

/** Publishes bytes as the gateway's batch; the answer to it, as the gateway sees it. */
async function answerTo(bytes: Uint8Array): Promise<string> {
  const acked = collectAcks(client, gateway.gatewayId, 1);
  client.publish(topics.batches(gateway.gatewayId), Buffer.from(bytes), { qos: 1 });
  const [ack] = await acked;
  const [outcome] = ack?.outcomes ?? [];
  return `${outcome?.sequence} ${outcome?.result} ${outcome?.reason}`.trim();
}

/** Publishes bytes that say nothing about which batch they are: no answer, the PUBACK only. */
async function publishUnanswerable(bytes: Uint8Array): Promise<void> {
  await client.publishAsync(topics.batches(gateway.gatewayId), Buffer.from(bytes), { qos: 1 });
}

async function nothingStored(): Promise<void> {
  expect(broker.rig.timeSeries.sampleCount()).toBe(0);
  expect(await broker.rig.store.alarms(broker.rig.scope, { limit: 10 })).toEqual([]);
  expect(await broker.rig.ingest.chainState(gateway.gatewayId)).toEqual([]);
}

test("a batch whose value was changed on the way is refused, the true one is stored", async () => {
  const made = gateway.seal([sampleItem("freezer", t0, -12.5)]);
  const changed = encodeBatch({
    ...made.batch,
    samples: made.batch.samples.map((sample) => ({ ...sample, value: -19 })),
  });
  const { signature } = sealBody(encodeBatch(made.batch), gateway.key.privateKey);
  expect(await answerTo(encodeSealed({ body: changed, signature }))).toBe("1 refused signature-invalid");
  await nothingStored();
  expect(await answerTo(made.bytes)).toBe("1 stored");
});

test("a batch signed with a short, long or missing signature is refused", async () => {
  const { batch } = gateway.seal([sampleItem("freezer", t0, 1)]);
  const body = encodeBatch(batch);
  const { signature } = sealBody(body, gateway.key.privateKey);
  for (const wrong of [new Uint8Array(), signature.subarray(0, 63), Buffer.concat([signature, Buffer.alloc(1)])]) {
    expect(await answerTo(encodeSealed({ body, signature: wrong }))).toBe("1 refused signature-invalid");
  }
  await nothingStored();
});

test("a replayed batch is a duplicate: nothing is stored twice", async () => {
  const { bytes } = gateway.seal([sampleItem("freezer", t0, 1), alarmItem("e1")]);
  expect(await answerTo(bytes)).toBe("1 stored");
  expect(await answerTo(bytes)).toBe("1 duplicate");
  expect(broker.rig.timeSeries.sampleCount()).toBe(1);
  expect(await broker.rig.store.alarms(broker.rig.scope, { limit: 10 })).toHaveLength(1);
});

test("a truncated batch is refused at every length", async () => {
  const { bytes } = gateway.seal([sampleItem("freezer", t0, 1)]);
  for (let length = 0; length < bytes.length; length += 1) await publishUnanswerable(bytes.subarray(0, length));
  const { malformed = 0, "signature-invalid": unsigned = 0 } = broker.rig.ingest.totals().refused;
  expect(malformed + unsigned).toBe(bytes.length);
  await nothingStored();
  expect(client.connected).toBe(true);
});

test("a batch of another gateway is refused, whoever signed it", async () => {
  const other = new FakeGateway();
  await other.enrol(broker.rig.store, "o2", "site-2");
  const foreign = other.seal([sampleItem("freezer", t0, 1)]);
  expect(await answerTo(foreign.bytes)).toBe("1 refused signature-invalid");
  const inOthersName = gateway.forge([sampleItem("freezer", t0, 1)], { gatewayId: other.gatewayId });
  expect(await answerTo(inOthersName.bytes)).toBe("1 refused gateway-mismatch");
  await nothingStored();
});

test("a fork of the chain is refused, and the chain goes on", async () => {
  const first = gateway.seal([sampleItem("freezer", t0, -12)]);
  const rewritten = gateway.forge([sampleItem("freezer", t0, -19)], {});
  const second = gateway.seal([sampleItem("freezer", t0 + 1, -12)]);
  const besides = gateway.forge([sampleItem("freezer", t0, -19)], { sequence: 2, previousHash: rewritten.hash });
  expect(await answerTo(first.bytes)).toBe("1 stored");
  expect(await answerTo(rewritten.bytes)).toBe("1 refused sequence-reused");
  expect(await answerTo(besides.bytes)).toBe("2 refused chain-broken");
  expect(await answerTo(second.bytes)).toBe("2 stored");
});

test("alarms of one gateway cannot be touched by another of the same organisation", async () => {
  const other = new FakeGateway();
  const secret = await other.enrol(broker.rig.store, "o1", "site-2");
  await answerTo(gateway.seal([alarmItem("e1")]).bytes);
  const id = other.gatewayId;
  const otherClient = await broker.connect({ clientId: id, username: id, password: secret });
  const cleared = other.seal([alarmItem("e1", { transition: "cleared", state: "normal" })]);
  await otherClient.publishAsync(topics.batches(id), Buffer.from(cleared.bytes), { qos: 1 });
  const alarms = await broker.rig.store.alarms(broker.rig.scope, { siteId: "site-1", limit: 10 });
  expect(alarms).toMatchObject([{ gatewayId: gateway.gatewayId, state: "unacknowledged" }]);
});

test("batches with random bytes turned over are all refused, and the server goes on", async () => {
  const seed = 20_261_122;
  const random = seededRandom(seed);
  const { bytes } = gateway.seal([sampleItem("freezer", t0, 1), alarmItem("e1")]);
  const tries = 500;
  for (let n = 0; n < tries; n += 1) {
    const spoiled = Buffer.from(bytes);
    const at = Math.floor(random.next() * spoiled.length);
    spoiled.writeUInt8(spoiled.readUInt8(at) ^ (1 + Math.floor(random.next() * 255)), at);
    const result = await broker.rig.ingest.accept(gateway.gatewayId, spoiled);
    expect(result.outcome.result, `seed ${seed}, try ${n}, byte ${at}`).toBe("refused");
  }
  await nothingStored();
  expect(await answerTo(bytes)).toBe("1 stored");
});

test("what people may not see never comes back in an answer: a refused stranger learns only the reason", async () => {
  const stranger = new FakeGateway();
  const { bytes } = stranger.seal([sampleItem("freezer", t0, 1)]);
  expect(await broker.rig.ingest.accept(stranger.gatewayId, bytes)).toEqual({
    epoch: "",
    outcome: { sequence: 0, result: "refused", reason: "gateway-unknown" },
    authentic: false,
  });
});
