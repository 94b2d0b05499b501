import { type Ack, decodeAck, topics } from "@frostlight/contract";
import { silentLogger } from "@frostlight/kernel";
import { seededRandom } from "@frostlight/kernel/testing";
import mqtt, { type IClientOptions, type MqttClient } from "mqtt";

import { embeddedBrokerOptions } from "../broker-options.ts";
import { createCommandOutbox, type DurableCommandOutbox } from "../command-outbox.ts";
import { createGatewayBroker, type GatewayBroker } from "../gateway-broker.ts";
import { createRig, type Rig } from "./rig.ts";

/** A running broker on a free port before a real ingest and state store. */
export interface BrokerRig {
  readonly rig: Rig;
  readonly broker: GatewayBroker;
  readonly outbox: DurableCommandOutbox;
  /** A real MQTT client with the gateway's credentials; `change` spoils them. */
  connect(change?: IClientOptions): Promise<MqttClient>;
  stop(): Promise<void>;
}

export async function createBrokerRig(options: Record<string, unknown> = {}): Promise<BrokerRig> {
  const rig = await createRig();
  const { clock } = rig;
  const outbox = createCommandOutbox({ stateStore: rig.store, clock, random: seededRandom(1), logger: silentLogger });
  const broker = createGatewayBroker({
    options: embeddedBrokerOptions.parse({ kind: "embedded", port: 0, ...options }),
    ingest: rig.ingest,
    stateStore: rig.store,
    commands: outbox,
    live: { publish: (event) => rig.events.push(event) },
    clock,
    logger: silentLogger,
  });
  await outbox.start();
  await broker.start();
  const clients: MqttClient[] = [];
  return {
    rig,
    broker,
    outbox,
    async connect(change = {}) {
      const client = mqtt.connect(`mqtt://127.0.0.1:${broker.port()}`, {
        clientId: rig.gateway.gatewayId,
        username: rig.gateway.gatewayId,
        password: rig.secret,
        reconnectPeriod: 0,
        connectTimeout: 5_000,
        ...change,
      });
      clients.push(client);
      await new Promise<void>((resolve, reject) => {
        client.once("connect", () => {
          resolve();
        });
        client.once("error", reject);
        client.once("close", () => {
          reject(new Error("closed before connected"));
        });
      });
      client.on("error", () => undefined);
      return client;
    },
    async stop() {
      await Promise.all(clients.map((client) => client.endAsync(true)));
      await broker.stop();
      await outbox.stop();
      await rig.remove();
    },
  };
}

/** Collects acks until every one of `count` outcomes came. */
export function collectAcks(client: MqttClient, gatewayId: string, count: number): Promise<readonly Ack[]> {
  const acks: Ack[] = [];
  return new Promise((resolve, reject) => {
    client.on("message", (topic, payload) => {
      if (topic !== topics.acks(gatewayId)) return;
      const ack = decodeAck(payload);
      if (ack.kind === "invalid") {
        reject(new Error(ack.reason));
        return;
      }
      acks.push(ack.value);
      if (acks.reduce((sum, item) => sum + item.outcomes.length, 0) >= count) resolve(acks);
    });
  });
}
