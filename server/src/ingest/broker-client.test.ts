import { decodeAck, decodeCommand, topics } from "@frostlight/contract";
import { silentLogger } from "@frostlight/kernel";
import { seededRandom } from "@frostlight/kernel/testing";
import mqtt, { type MqttClient } from "mqtt";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { type BrokerClient, createBrokerClient } from "./broker-client.ts";
import { externalBrokerOptions } from "./broker-options.ts";
import { createCommandOutbox, type DurableCommandOutbox } from "./command-outbox.ts";
import { collectAcks } from "./testing/broker-rig.ts";
import { alarmItem, FakeGateway, sampleItem } from "./testing/fake-gateway.ts";
import { hasMosquitto, Mosquitto } from "./testing/mosquitto.ts";
import { createRig, type Rig } from "./testing/rig.ts";

const t0 = 1_767_225_600_000;

describe.skipIf(!hasMosquitto())("with a real Mosquitto between (skipped when it is not installed)", () => {
  let mosquitto: Mosquitto;
  let rig: Rig;
  let outbox: DurableCommandOutbox;
  let server: BrokerClient;
  let gatewayClient: MqttClient;
  let id: string;

  function serve(options: Record<string, unknown> = {}): BrokerClient {
    return createBrokerClient({
      options: externalBrokerOptions.parse({ kind: "external", url: mosquitto.url, ...options }),
      ingest: rig.ingest,
      stateStore: rig.store,
      commands: outbox,
      clock: rig.clock,
      logger: silentLogger,
      environment: {},
    });
  }

  beforeEach(async () => {
    mosquitto = await Mosquitto.create();
    rig = await createRig();
    id = rig.gateway.gatewayId;
    outbox = createCommandOutbox({
      stateStore: rig.store,
      clock: rig.clock,
      random: seededRandom(1),
      logger: silentLogger,
    });
    await outbox.start();
    server = serve();
    await server.start();
    await vi.waitUntil(() => server.isConnected());
    gatewayClient = await mqtt.connectAsync(mosquitto.url, { clientId: id, clean: false, reconnectPeriod: 50 });
    gatewayClient.on("error", () => undefined);
    await gatewayClient.subscribeAsync([topics.acks(id), topics.commands(id)], { qos: 1 });
  });

  afterEach(async () => {
    await gatewayClient.endAsync(true);
    await server.stop();
    await outbox.stop();
    await rig.remove();
    await mosquitto.remove();
  });

  test("batches come in, are stored and acknowledged", async () => {
    const acked = collectAcks(gatewayClient, id, 300);
    for (let n = 0; n < 300; n += 1) {
      const { bytes } = rig.gateway.seal([sampleItem("p", t0 + n, n)]);
      gatewayClient.publish(topics.batches(id), Buffer.from(bytes), { qos: 1 });
    }
    const outcomes = (await acked).flatMap((ack) => ack.outcomes);
    expect(new Set(outcomes.map((outcome) => outcome.result))).toEqual(new Set(["stored"]));
    expect(rig.timeSeries.sampleCount()).toBe(300);
    expect(server.connectedGateways()).toEqual([id]);
  });

  test("a window of one batch never blocks its own answers", async () => {
    await server.stop();
    server = serve({ window: 1 });
    await server.start();
    const acked = collectAcks(gatewayClient, id, 50);
    for (let n = 0; n < 50; n += 1) {
      gatewayClient.publish(topics.batches(id), Buffer.from(rig.gateway.seal([]).bytes), { qos: 1 });
    }
    expect((await acked).flatMap((ack) => ack.outcomes)).toHaveLength(50);
  });

  test("a shared subscription gives each batch to one of two servers", async () => {
    await server.stop();
    server = serve({ sharedGroup: "frostlight", clientId: "server-1" });
    const second = serve({ sharedGroup: "frostlight", clientId: "server-2" });
    await server.start();
    await second.start();
    await expect.poll(() => server.isConnected() && second.isConnected()).toBe(true);
    const acked = collectAcks(gatewayClient, id, 40);
    for (let n = 0; n < 40; n += 1) {
      gatewayClient.publish(topics.batches(id), Buffer.from(rig.gateway.seal([]).bytes), { qos: 1 });
    }
    const outcomes = (await acked).flatMap((ack) => ack.outcomes);
    await second.stop();
    expect(outcomes.filter((outcome) => outcome.result === "stored")).toHaveLength(40);
  });

  test("what a stranger publishes in a gateway's name is counted and gets no answer", async () => {
    const stranger = new FakeGateway();
    const answers: Buffer[] = [];
    gatewayClient.on("message", (_topic, payload) => answers.push(payload));
    const forged = stranger.forge([sampleItem("p", t0, 1)], { gatewayId: id });
    await gatewayClient.publishAsync(topics.batches(id), Buffer.from(forged.bytes), { qos: 1 });
    await expect.poll(() => server.refusals()).toEqual({ "signature-invalid": 1 });
    const acked = collectAcks(gatewayClient, id, 1);
    gatewayClient.publish(topics.batches(id), Buffer.from(rig.gateway.seal([]).bytes), { qos: 1 });
    await acked;
    expect(answers.map((answer) => decodeAck(answer))).toMatchObject([
      { value: { outcomes: [{ sequence: 1, result: "stored" }] } },
    ]);
  });

  test("commands reach a gateway that has spoken", async () => {
    await rig.ingest.accept(id, rig.gateway.seal([alarmItem("e1")]).bytes);
    const action = { kind: "acknowledge-alarm", alarmId: "alarm-1", comment: "" } as const;
    const command = { commandId: "c1", actor: "ada", issuedAtMs: t0, action };
    await outbox.enqueue(rig.scope, { siteId: "site-1", gatewayId: id }, command);
    const received = new Promise<Buffer>((resolve) => {
      gatewayClient.on("message", (topic, payload) => {
        if (topic === topics.commands(id)) resolve(payload);
      });
    });
    await gatewayClient.publishAsync(topics.batches(id), Buffer.from(rig.gateway.seal([]).bytes), { qos: 1 });
    expect(decodeCommand(await received)).toMatchObject({ kind: "ok", value: { commandId: "c1" } });
  });

  test("a gateway that falls silent is shown as away", async () => {
    await gatewayClient.publishAsync(topics.batches(id), Buffer.from(rig.gateway.seal([]).bytes), { qos: 1 });
    await expect.poll(() => server.connectedGateways()).toEqual([id]);
    await rig.clock.advance(240_000);
    expect(server.connectedGateways()).toEqual([]);
  });

  test("after the broker was killed and came back, batches flow again", async () => {
    await mosquitto.kill();
    await expect.poll(() => server.isConnected()).toBe(false);
    await mosquitto.start();
    await expect.poll(() => server.isConnected() && gatewayClient.connected, { timeout: 15_000 }).toBe(true);
    await gatewayClient.subscribeAsync(topics.acks(id), { qos: 1 });
    const acked = collectAcks(gatewayClient, id, 1);
    gatewayClient.publish(topics.batches(id), Buffer.from(rig.gateway.seal([]).bytes), { qos: 1 });
    expect(await acked).toMatchObject([{ outcomes: [{ result: "stored" }] }]);
  });
});
