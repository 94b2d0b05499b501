import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { connectAsync } from "mqtt";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { mqtt, MqttClientSource } from "../../../gateway/src/sources/mqtt.ts";
import { DeviceAuthority } from "../../security/device-certificates.ts";
import { mqttPoint, type RecordingContext, recordingContext, until } from "./harness.ts";
import { isInstalled, Mosquitto, mosquittoPub } from "./mosquitto.ts";

const hasMosquitto = isInstalled("mosquitto") && isInstalled("mosquitto_pub");
if (!hasMosquitto) console.warn("mosquitto is not installed: the tests of the source mqtt are skipped");
const points = [
  mqttPoint("room", "plain/room", { kind: "plain" }),
  mqttPoint("probe", "json/+/state", { kind: "json-path", path: "t", timePath: "at" }),
];
const numbers = (count: number): string[] => Array.from({ length: count }, (_, index) => String(index));

describe.skipIf(!hasMosquitto && process.env["CI"] !== "true")("the source mqtt with a real Mosquitto", () => {
  let broker: Mosquitto;
  let context: RecordingContext;
  let source: MqttClientSource;

  async function startSource(options: Record<string, unknown> = {}, port = broker.port): Promise<void> {
    source = new MqttClientSource(mqtt.options.parse({ url: `mqtt://127.0.0.1:${port}`, ...options }), points, context);
    await source.start();
  }

  async function startConnected(options: Record<string, unknown> = {}): Promise<void> {
    await startSource(options);
    await until("it is connected", () => context.lastState?.code === "connected");
  }

  const values = (): (number | null)[] => context.readings.map((reading) => reading.value);

  beforeEach(async () => {
    broker = await Mosquitto.create();
    context = await recordingContext({ environment: { BROKER_PASSWORD: "right" } });
  });

  afterEach(async () => {
    await source.stop();
    await broker.remove();
    await context.remove();
  });

  it.each([0, 1, 2])("hands over each message of QoS %d once and in order", async (qos) => {
    await startConnected();
    await mosquittoPub(broker.port, "plain/room", numbers(500), qos);
    await until("all have arrived", () => context.readings.length >= 500);
    expect(values()).toEqual(numbers(500).map(Number));
  });

  it("gets what it did not acknowledge again after a crash, and nothing else", async () => {
    await startConnected();
    await mosquittoPub(broker.port, "plain/room", ["1"]);
    await until("the first is written", () => context.readings.length === 1);
    context.journal = () => new Promise(() => undefined); // the disk hangs: nothing is durable from here on
    await mosquittoPub(broker.port, "plain/room", ["2", "3", "4"]);
    await source.stop();
    expect(values()).toEqual([1]);
    context.journal = () => Promise.resolve();
    await startConnected();
    await until("the rest has come again", () => context.readings.length >= 4);
    expect(values()).toEqual([1, 2, 3, 4]);
  });

  it("gets what was sent while it was away", async () => {
    await startConnected();
    await source.stop();
    await mosquittoPub(broker.port, "plain/room", numbers(50));
    await startConnected();
    await until("all have arrived", () => context.readings.length >= 50);
    expect(values()).toEqual(numbers(50).map(Number));
  });

  it("comes back by itself when the broker is restarted, without losing or doubling anything", async () => {
    await startConnected();
    await mosquittoPub(broker.port, "plain/room", ["1"]);
    await until("the first is written", () => context.readings.length === 1);
    await broker.stop();
    await until("it says so", () => context.lastState?.state === "offline");
    expect(context.lastState).toMatchObject({
      code: expect.stringMatching(/connection-lost|connect-failed/) as string,
    });
    await broker.start();
    await mosquittoPub(broker.port, "plain/room", ["2", "3"]);
    await until("the rest has arrived", () => context.readings.length >= 3);
    expect(values()).toEqual([1, 2, 3]);
  });

  it("writes a message once that comes again while the first is still being written", async () => {
    await startConnected();
    const written = Promise.withResolvers<void>();
    let writes = 0;
    context.journal = () => {
      writes += 1;
      return written.promise;
    };
    await mosquittoPub(broker.port, "plain/room", ["1", "2"]);
    await until("both are being written", () => writes === 2);
    await broker.stop();
    await until("the connection is lost", () => context.lastState?.state === "offline");
    await broker.start();
    await until("it is connected again", () => context.lastState?.code === "connected");
    await mosquittoPub(broker.port, "plain/room", ["3"]);
    await until("the third is being written", () => writes === 3);
    written.resolve();
    await until("all are written", () => context.readings.length === 3);
    expect(values().toSorted((a, b) => Number(a) - Number(b))).toEqual([1, 2, 3]);
    context.journal = () => Promise.resolve();
    await mosquittoPub(broker.port, "plain/room", ["4"]);
    await until("the fourth has arrived", () => context.readings.length >= 4);
    expect(writes).toBe(3);
  });

  it("tries again itself when the journal refuses, and keeps the message unacknowledged meanwhile", async () => {
    await startConnected();
    let refusals = 2;
    context.journal = () => {
      refusals -= 1;
      return refusals >= 0 ? Promise.reject(new Error("journal/full")) : Promise.resolve();
    };
    await mosquittoPub(broker.port, "plain/room", ["1"]);
    await until("it is written", () => context.readings.length === 1);
    expect(context.states.map((state) => state.code)).toEqual([
      "connecting",
      "connected",
      "journal-not-writable",
      "connected",
    ]);
  });

  it("lets as many messages wait for the journal together as the broker sends", async () => {
    await startConnected();
    const written = Promise.withResolvers<void>();
    let waiting = 0;
    context.journal = () => {
      waiting += 1;
      return written.promise;
    };
    await mosquittoPub(broker.port, "plain/room", numbers(60));
    await until("Mosquitto's window of 20 is full", () => waiting === 20);
    written.resolve();
    await until("all have arrived", () => context.readings.length === 60);
    expect(values()).toEqual(numbers(60).map(Number));
  });

  it("goes on when more messages come than it takes at once", async () => {
    await startConnected({ maxInFlight: 2 });
    await mosquittoPub(broker.port, "plain/room", numbers(200));
    await until("all have arrived", () => context.readings.length >= 200);
    expect(values()).toEqual(numbers(200).map(Number));
  });

  it("takes a retained message for old news of unknown age", async () => {
    const publisher = await connectAsync(`mqtt://127.0.0.1:${broker.port}`);
    await publisher.publishAsync("plain/room", "3", { qos: 1, retain: true });
    await publisher.publishAsync("json/a/state", '{"t":4,"at":"2026-01-01T00:00:00Z"}', { qos: 1, retain: true });
    await publisher.endAsync();
    await startConnected();
    await until("both have arrived", () => context.readings.length === 2);
    expect(context.readings).toMatchObject([
      { value: 3, quality: "uncertain", reason: "retained-age-unknown", backfill: true },
      { value: 4, quality: "good", sourceTimeMs: 1_767_225_600_000, backfill: true },
    ]);
  });

  it("acknowledges and shows what it cannot use", async () => {
    await startConnected({ payloadLimitBytes: 1_000 });
    await mosquittoPub(broker.port, "plain/room", ["warm", "x".repeat(1_001), "5"]);
    await until("the last has arrived", () => context.readings.length === 1);
    expect(context.refusals.map((refusal) => refusal.code)).toEqual(["not-a-number", "payload-too-large"]);
  });

  it("keeps trying while there is no broker, and stops at once when told", async () => {
    await startSource({}, 1);
    await until("it says so", () => context.lastState?.code === "connect-failed");
    const startedMs = performance.now();
    await source.stop();
    await source.stop();
    expect(performance.now() - startedMs).toBeLessThan(2_500);
    expect(context.lastState).toMatchObject({ state: "offline", code: "stopped" });
  });

  it("keeps its client id, which names its session, between starts", async () => {
    await startConnected();
    await source.stop();
    await startConnected();
    const second = await recordingContext();
    const other = new MqttClientSource(mqtt.options.parse({ url: `mqtt://127.0.0.1:${broker.port}` }), points, second);
    await other.start();
    await until("the other is connected too", () => second.lastState?.code === "connected");
    await mosquittoPub(broker.port, "plain/room", ["1"]);
    await until("both have it", () => context.readings.length === 1 && second.readings.length === 1);
    await other.stop();
    await second.remove();
    expect(context.lastState).toMatchObject({ code: "connected" });
  });

  it("says when the broker does not let it in or does not know its secret", async () => {
    await broker.remove();
    broker = await Mosquitto.create(["allow_anonymous false"]);
    await startSource({ username: "frostlight", password: { env: "BROKER_PASSWORD" } });
    await until("it says so", () => context.lastState?.code === "connect-failed");
    expect(context.lastState?.message).toMatch(/refused/i);
    await source.stop();
    await startSource({ username: "frostlight", password: { env: "NOT_SET" } });
    expect(context.lastState).toMatchObject({ state: "offline", code: "not-ready" });
  });

  it.each(["3.1.1", "5"])(
    "with version %s takes everything once and in order, over a restart of the broker",
    async (version) => {
      await startConnected({ version });
      await mosquittoPub(broker.port, "plain/room", numbers(300));
      await until("all have arrived", () => context.readings.length >= 300);
      await broker.stop();
      await until("it says so", () => context.lastState?.state === "offline");
      await broker.start();
      await mosquittoPub(broker.port, "plain/room", ["300", "301"]);
      await until("the rest has arrived", () => context.readings.length >= 302);
      expect(values()).toEqual(numbers(302).map(Number));
    },
  );

  it.each(["3.1.1", "5"])("with version %s finds in its session what came while it was away", async (version) => {
    await startConnected({ version });
    await source.stop();
    await mosquittoPub(broker.port, "plain/room", numbers(50));
    await startConnected({ version });
    await until("all have arrived", () => context.readings.length >= 50);
    expect(values()).toEqual(numbers(50).map(Number));
  });

  it.each(["3.1.1", "5"])(
    "with version %s knows what it had written before a crash kept it from saying so",
    async (version) => {
      await startConnected({ version });
      const written = Promise.withResolvers<void>();
      let arrived = 0;
      context.journal = (readings) => {
        arrived += readings.length;
        return written.promise;
      };
      await mosquittoPub(broker.port, "plain/room", ["1", "2", "3"]);
      await until("all three are being written", () => arrived === 3);
      await broker.stop(); // no acknowledgement can get through any more; it keeps the messages
      await until("the connection is lost", () => context.lastState?.state === "offline");
      written.resolve();
      await until("they are written", () => context.readings.length === 3);
      await source.stop();
      context.journal = () => Promise.resolve();
      await broker.start();
      await startConnected({ version });
      await mosquittoPub(broker.port, "plain/room", ["4"]);
      await until("the fourth has arrived", () => context.readings.some((reading) => reading.value === 4));
      expect(values()).toEqual([1, 2, 3, 4]);
      expect(source.repeatCount).toBe(3);
    },
  );

  it("with version 5 gets a retained message once, not at every reconnection", async () => {
    const publisher = await connectAsync(`mqtt://127.0.0.1:${broker.port}`);
    await publisher.publishAsync("plain/room", "3", { qos: 1, retain: true });
    await publisher.endAsync();
    await startConnected({ version: "5" });
    await until("it has arrived", () => context.readings.length === 1);
    await source.stop();
    await startConnected({ version: "5" });
    await mosquittoPub(broker.port, "plain/room", ["4"]);
    await until("the next has arrived", () => context.readings.length >= 2);
    expect(values()).toEqual([3, 4]);
  });

  it("shows its own certificate over TLS, and trusts only the authority it was given", async () => {
    const folder = await mkdtemp(join(tmpdir(), "frostlight-mqtts-"));
    try {
      const authority = new DeviceAuthority(folder);
      const [server, device] = [authority.issue("localhost"), authority.issue("gateway")];
      await broker.remove();
      broker = await Mosquitto.create([
        `cafile ${authority.caFile}`,
        `certfile ${server.certFile}`,
        `keyfile ${server.keyFile}`,
        "require_certificate true",
        "use_identity_as_username true",
        "allow_anonymous false",
      ]);
      const url = `mqtts://127.0.0.1:${broker.port}`;
      await startConnected({ url, caFile: authority.caFile, ...device });
      await source.stop();
      await startSource({ url, caFile: authority.caFile });
      await until("it is not let in without", () => context.lastState?.code === "connect-failed");
      await source.stop();
      const stranger = new DeviceAuthority(folder, "stranger");
      await startSource({ url, caFile: stranger.caFile, ...device });
      await until("it does not trust that broker", () => context.lastState?.code === "connect-failed");
      expect(mqtt.options.safeParse({ url, certFile: device.certFile }).success).toBe(false);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  it("does not disturb another source on the same broker", async () => {
    await startConnected();
    const second = await recordingContext();
    const other = new MqttClientSource(
      mqtt.options.parse({ url: `mqtt://127.0.0.1:${broker.port}`, version: "5" }),
      points,
      second,
    );
    await other.start();
    await until("the other is connected too", () => second.lastState?.code === "connected");
    second.journal = () => new Promise(() => undefined); // its disk hangs
    await mosquittoPub(broker.port, "plain/room", numbers(50));
    await until("the first has all", () => context.readings.length >= 50);
    await other.stop();
    await second.remove();
    expect(values()).toEqual(numbers(50).map(Number));
  });
});
