import { connectAsync, type MqttClient } from "mqtt";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { rawSparkplug, type SparkplugDataType } from "../../../gateway/src/core/sparkplug/data-type.ts";
import type { SparkplugMetric } from "../../../gateway/src/core/sparkplug/payload.ts";
import { decodeSparkplug } from "../../../gateway/src/core/sparkplug/read-payload.ts";
import { encodeSparkplug } from "../../../gateway/src/core/sparkplug/write-payload.ts";
import { mqttBroker, MqttBroker } from "../../../gateway/src/sources/mqtt-broker.ts";
import { mqtt, MqttClientSource } from "../../../gateway/src/sources/mqtt.ts";
import { mqttPoint, type RecordingContext, recordingContext, until } from "../sources/harness.ts";
import { isInstalled, Mosquitto } from "../sources/mosquitto.ts";

const hasMosquitto = isInstalled("mosquitto");
if (!hasMosquitto) console.warn("mosquitto is not installed: Sparkplug B by way of another's broker is skipped");

const points = [
  mqttPoint("air", "spBv1.0/Plant/+/Edge 1/Freezer", { kind: "sparkplug-b", metric: "Air/Temperature" }),
  mqttPoint("supply", "spBv1.0/Plant/+/Edge 1", { kind: "sparkplug-b", metric: "Supply Voltage", unit: "V" }),
];

function metric(name: string | null, alias: number | null, type: SparkplugDataType, value: number): SparkplugMetric {
  return {
    name,
    alias: alias === null ? null : BigInt(alias),
    timestampMs: Date.now(),
    dataType: name === null ? null : type,
    isHistorical: false,
    isTransient: false,
    raw: rawSparkplug(value, type),
    properties: new Map(),
  };
}

/** An edge node that is born again when it is asked to be. */
class EdgeNode {
  readonly #client: MqttClient;
  #seq = 0;
  rebirths = 0;

  private constructor(client: MqttClient) {
    this.#client = client;
  }

  static async connect(port: number): Promise<EdgeNode> {
    const will = {
      topic: "spBv1.0/Plant/NDEATH/Edge 1",
      payload: Buffer.from(
        encodeSparkplug({ timestampMs: Date.now(), seq: null, metrics: [metric("bdSeq", null, "Int64", 0)] }),
      ),
      qos: 1,
      retain: false,
    } as const;
    const client = await connectAsync(`mqtt://127.0.0.1:${port}`, { will, reconnectPeriod: 0, clientId: "edge-1" });
    const node = new EdgeNode(client);
    client.on("message", (_, payload) => {
      const command = decodeSparkplug(payload);
      if (command.kind !== "ok" || command.value.metrics[0]?.name !== "Node Control/Rebirth") return;
      node.rebirths += 1;
      void node.birth();
    });
    await client.subscribeAsync("spBv1.0/Plant/NCMD/Edge 1", { qos: 1 });
    return node;
  }

  async birth(): Promise<void> {
    this.#seq = 0;
    await this.#send("NBIRTH/Edge 1", [metric("bdSeq", null, "Int64", 0), metric("Supply Voltage", 1, "Float", 12.3)]);
    await this.#send("DBIRTH/Edge 1/Freezer", [metric("Air/Temperature", 2, "Int16", -18)]);
  }

  async freezer(celsius: number): Promise<void> {
    await this.#send("DDATA/Edge 1/Freezer", [metric(null, 2, "Int16", celsius)]);
  }

  /** A message that nobody gets: the sequence goes on all the same. */
  lose(): void {
    this.#seq += 1;
  }

  async deviceDies(): Promise<void> {
    await this.#send("DDEATH/Edge 1/Freezer", []);
  }

  die(): void {
    this.#client.stream.destroy();
  }

  async end(): Promise<void> {
    await this.#client.endAsync(true);
  }

  async #send(topic: string, metrics: readonly SparkplugMetric[]): Promise<void> {
    const payload = Buffer.from(encodeSparkplug({ timestampMs: Date.now(), seq: this.#seq % 256, metrics }));
    this.#seq += 1;
    await this.#client.publishAsync(`spBv1.0/Plant/${topic}`, payload, { qos: 0 });
  }
}

const readingsOf = (context: RecordingContext, pointId: string): unknown[] =>
  context.readings
    .filter((reading) => reading.pointId === pointId)
    .map((reading) => [reading.value, reading.quality, reading.reason]);

describe.skipIf(!hasMosquitto && process.env["CI"] !== "true")("Sparkplug B by way of a real Mosquitto", () => {
  let broker: Mosquitto;
  let context: RecordingContext;
  let source: MqttClientSource;
  let node: EdgeNode;

  beforeEach(async () => {
    broker = await Mosquitto.create();
    context = await recordingContext();
    node = await EdgeNode.connect(broker.port);
    source = new MqttClientSource(mqtt.options.parse({ url: `mqtt://127.0.0.1:${broker.port}` }), points, context);
  });

  afterEach(async () => {
    await node.end();
    await source.stop();
    await broker.remove();
    await context.remove();
  });

  it("asks for a birth when it connects, follows aliases, and knows a death at once", async () => {
    await source.start();
    await until("the births it asked for are read", () => readingsOf(context, "air").length > 0);
    expect(node.rebirths).toBe(1);
    await node.freezer(-19);
    await until("the alias is read", () => readingsOf(context, "air").length === 2);
    await node.deviceDies();
    await until("the device's death is read", () => readingsOf(context, "air").length === 3);
    expect(readingsOf(context, "supply")).toEqual([[12.3, "good", null]]);
    await node.birth();
    await until("the new birth is read", () => readingsOf(context, "air").length === 4);
    node.die();
    await until("the node's death is read", () => readingsOf(context, "air").length === 5);
    expect(readingsOf(context, "air")).toEqual([
      [-18, "good", null],
      [-19, "good", null],
      [null, "stale", "device-offline"],
      [-18, "good", null],
      [null, "stale", "device-offline"],
    ]);
    expect(readingsOf(context, "supply").at(-1)).toEqual([null, "stale", "device-offline"]);
  });

  it("doubts aliases after a lost message until the node is born again", async () => {
    await source.start();
    await until("it is born", () => readingsOf(context, "air").length > 0);
    node.lose();
    await node.freezer(-20);
    await until("the doubtful value is read", () => readingsOf(context, "air").length === 2);
    expect(readingsOf(context, "air").at(-1)).toEqual([-20, "uncertain", "sequence-gap"]);
  });
});

describe("Sparkplug B on the embedded broker", () => {
  let context: RecordingContext;
  let broker: MqttBroker;

  beforeEach(async () => {
    context = await recordingContext();
    const options = { port: 0, anonymous: { publish: ["spBv1.0/#"], subscribe: ["spBv1.0/Plant/NCMD/#"] } };
    broker = new MqttBroker(mqttBroker.options.parse(options), points, context);
    await broker.start();
  });

  afterEach(async () => {
    await broker.stop();
    await context.remove();
  });

  it("asks an edge node that sends data without a birth to be born, and follows it from then on", async () => {
    await until("the broker listens", () => broker.port !== undefined);
    const node = await EdgeNode.connect(broker.port ?? 0);
    await node.freezer(-19);
    await until("the birth it asked for is read", () => readingsOf(context, "air").length > 0);
    expect(context.refusals.map((refusal) => refusal.code)).toEqual(["no-birth"]);
    await node.freezer(-20);
    await until("the alias is read", () => readingsOf(context, "air").length === 2);
    node.die();
    await until("the death is read", () => readingsOf(context, "air").length === 3);
    expect(readingsOf(context, "air")).toEqual([
      [-18, "good", null],
      [-20, "good", null],
      [null, "stale", "device-offline"],
    ]);
    await node.end();
  });
});
