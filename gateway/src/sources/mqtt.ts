import { join } from "node:path";

import { describeError, type Part, peerRetry, readState, retryDelayMs, writeFileAtomic } from "@frostlight/kernel";
import type { IClientOptions, IConnackPacket, IPublishPacket, MqttClient } from "mqtt";
import { z } from "zod";

import { defineSource, type PointBinding, type SourceContext } from "../core/source.ts";
import { deliveryReceipt, type ReceiptSeed, receiptSeed } from "./delivery-receipt.ts";
import { filtersOf, type MqttAddress, mqttAddress, mqttAddressExample } from "./mqtt-address.ts";
import { checkMqtt, discoverMqtt } from "./mqtt-check.ts";
import { MqttMessages } from "./mqtt-messages.ts";
import { mqttCredentials, mqttOptions, type MqttOptions } from "./mqtt-options.ts";
import { RepeatDeliveries } from "./repeat-deliveries.ts";

const stopTimeoutMs = 2_000;
const connectTimeoutMs = 10_000;
/** Room for topic and properties beside the payload. */
const envelopeBytes = 65_536;

const maxSeeds = 4_096;

/** A message of QoS 1 or 2 on its way into the journal. */
interface Taken {
  readonly messageId: number;
  readonly receipt: number;
  readonly written: Promise<void>;
}

/**
 * A client of somebody else's broker. The session is persistent and a PUBACK is sent only when the message is durable, so
 * the broker keeps what we could not write, also while we are down.
 */
export class MqttClientSource implements Part {
  readonly name: string;
  readonly #options: MqttOptions;
  readonly #context: SourceContext;
  readonly #messages: MqttMessages;
  readonly #filters: readonly string[];
  readonly #repeats: RepeatDeliveries<Taken>;
  readonly #seeds = new Map<string, ReceiptSeed>();
  readonly #stopping = new AbortController();
  readonly #waiting: (() => void)[] = [];
  #client: MqttClient | undefined;
  #running: Promise<void> | undefined;
  #inFlight = 0;
  #hasSubscribed = false;
  #isJournalFailing = false;
  #whenIdle: (() => void)[] = [];
  #clientId = "";
  #repeatCount = 0;

  constructor(options: MqttOptions, points: readonly PointBinding<MqttAddress>[], context: SourceContext) {
    this.name = `source ${context.sourceId}`;
    this.#options = options;
    this.#context = context;
    this.#messages = new MqttMessages(points, context, ({ topic, payload }) => {
      this.#client?.publish(topic, Buffer.from(payload), { qos: 0 });
    });
    this.#filters = [...new Set(points.flatMap((point) => filtersOf(point.address)))];
    this.#repeats = new RepeatDeliveries((receipt) => context.wasRecorded(receipt));
  }

  /** Messages that came again and were acknowledged without being stored again. */
  get repeatCount(): number {
    return this.#repeatCount;
  }

  async start(): Promise<void> {
    this.#context.setState({ state: "starting", code: "connecting", message: `connecting to ${this.#options.url}` });
    let clientOptions: IClientOptions;
    try {
      clientOptions = await this.#clientOptions();
    } catch (error) {
      this.#offline("not-ready", describeError(error));
      return;
    }
    if (!this.#stopping.signal.aborted) this.#running = this.#run(clientOptions);
  }

  async stop(): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    this.#stopping.abort();
    if (this.#running !== undefined) await this.#disconnect(this.#running);
    this.#offline("stopped", "stopped");
  }

  async #disconnect(running: Promise<void>): Promise<void> {
    const over = new AbortController();
    const limit = this.#context.clock.sleep(stopTimeoutMs, over.signal).catch(() => undefined);
    // What is being written may still be acknowledged: otherwise the broker would send it again.
    if (this.#inFlight > 0) {
      await Promise.race([new Promise<void>((resolve) => this.#whenIdle.push(resolve)), limit]);
    }
    const client = this.#client;
    if (client !== undefined) await Promise.race([client.endAsync(), limit]);
    client?.stream.destroy(); // mqtt.js ignores a second, forced end
    over.abort();
    await running;
  }

  async #clientOptions(): Promise<IClientOptions> {
    const { keepaliveSeconds } = this.#options;
    this.#clientId = this.#options.clientId ?? (await this.#ownClientId());
    return {
      ...this.#versionOptions(),
      clientId: this.#clientId,
      clean: false,
      reconnectPeriod: 0, // reconnecting is ours: with jitter, on the injected clock
      connectTimeout: connectTimeoutMs,
      keepalive: keepaliveSeconds,
      resubscribe: false,
      ...(await mqttCredentials(this.#options, this.#context.environment)),
    };
  }

  #versionOptions(): Pick<IClientOptions, "protocolVersion" | "properties"> {
    const { version, sessionExpiryHours, maxInFlight, payloadLimitBytes } = this.#options;
    if (version === "3.1.1") return { protocolVersion: 4 };
    return {
      protocolVersion: 5,
      properties: {
        sessionExpiryInterval: Math.round(sessionExpiryHours * 3_600), // seconds, MQTT 5 section 3.1.2.11.2
        receiveMaximum: maxInFlight,
        maximumPacketSize: payloadLimitBytes + envelopeBytes,
      },
    };
  }

  async #ownClientId(): Promise<string> {
    const file = join(this.#context.stateFolder, "client-id");
    const parse = z.string().regex(/^frostlight-[0-9a-f]{16}\n$/);
    const known = await readState(file, (text) => parse.parse(text).trim());
    if (known !== undefined) return known;
    const made = `frostlight-${Buffer.from(this.#context.random.bytes(8)).toString("hex")}`;
    await writeFileAtomic(file, `${made}\n`);
    return made;
  }

  async #run(clientOptions: IClientOptions): Promise<void> {
    const { clock, random } = this.#context;
    const { connect } = await import("mqtt");
    let failures = 0;
    while (!this.#stopping.signal.aborted) {
      const client = connect(this.#options.url, clientOptions);
      this.#client = client;
      if (await this.#live(client)) failures = 0;
      client.end(true);
      await clock.sleep(retryDelayMs(peerRetry, failures, random), this.#stopping.signal).catch(() => undefined);
      failures += 1;
    }
  }

  /** One connection, from CONNECT until it is closed. True when it came to life. */
  #live(client: MqttClient): Promise<boolean> {
    let problem = "connection closed";
    let wasConnected = false;
    client.handleMessage = (packet, callback): void => {
      this.#receive(client, packet, callback);
    };
    client.on("error", (error) => {
      problem = describeError(error);
    });
    client.on("connect", (connack) => {
      wasConnected = true;
      this.#connected(client, connack);
    });
    return new Promise((resolve) => {
      client.once("close", () => {
        if (wasConnected) this.#repeats.connectionEnded(false);
        if (!this.#stopping.signal.aborted) {
          const code = wasConnected ? "connection-lost" : "connect-failed";
          this.#offline(code, `${this.#options.url}: ${problem}`);
        }
        resolve(wasConnected);
      });
    });
  }

  #connected(client: MqttClient, connack: IConnackPacket): void {
    if (!connack.sessionPresent) this.#repeats.connectionEnded(true); // packet ids start over
    // A resumed session keeps its subscriptions; subscribing again would bring all retained messages again.
    if (this.#filters.length === 0 || (connack.sessionPresent && this.#hasSubscribed)) {
      this.#subscribed();
      return;
    }
    // Retain handling 1 (MQTT 5): retained messages only for subscriptions that are new.
    const { version } = this.#options;
    client.subscribe([...this.#filters], version === "5" ? { qos: 1, rh: 1 } : { qos: 1 }, (error, granted) => {
      const refused = (granted ?? []).filter((grant) => grant.qos >= 128).map((grant) => grant.topic);
      if (error !== null || refused.length > 0) {
        const what = refused.length > 0 ? refused.join(", ") : this.#filters.join(", ");
        const message = `${this.#options.url}: the broker refused the subscription to ${what.slice(0, 300)}`;
        this.#context.setState({ state: "degraded", code: "subscribe-refused", message });
        return;
      }
      this.#hasSubscribed = true;
      this.#subscribed();
    });
  }

  #subscribed(): void {
    this.#messages.connected();
    this.#reportConnected();
  }

  /**
   * mqtt.js takes the next packet only after `callback`, one at a time. So it is called at once, with an error, which makes
   * mqtt.js send no PUBACK (its documented way); ours follows when the message is durable, and many can be on their way.
   */
  #receive(client: MqttClient, packet: IPublishPacket, callback: (error?: Error) => void): void {
    if (this.#stopping.signal.aborted) return; // not taken any more: the broker keeps it
    const payload = typeof packet.payload === "string" ? Buffer.from(packet.payload) : packet.payload;
    const isAcknowledged = packet.qos > 0;
    const goOn = (): void => {
      callback(isAcknowledged ? new Error("acknowledged when durable") : undefined);
    };
    void this.#acknowledge(client, packet, this.#take(packet, payload));
    if (this.#inFlight < this.#options.maxInFlight) goOn();
    else this.#waiting.push(goOn);
  }

  /** What a message has to wait for before it is acknowledged. A repeat is not written again. */
  #take(packet: IPublishPacket, payload: Buffer): Promise<void> {
    const { messageId, topic } = packet;
    if (messageId === undefined || packet.qos === 0) return this.#write(packet, payload, []);
    const receipt = deliveryReceipt(this.#seedOf(topic), messageId, payload);
    const repeat = packet.dup ? this.#repeats.find(messageId, receipt) : undefined;
    if (repeat !== undefined && repeat.kind !== "new") {
      this.#repeatCount += 1;
      this.#context.logger.debug("repeat-acknowledged", { topic });
      return repeat.kind === "writing" ? repeat.first.written : Promise.resolve();
    }
    const written = this.#write(packet, payload, [receipt]);
    const taken = { messageId, receipt, written };
    this.#repeats.begin(taken, packet.dup);
    return written.then(() => {
      this.#repeats.recorded(taken, this.#context.clock.monotonicMs());
    });
  }

  #seedOf(topic: string): ReceiptSeed {
    const known = this.#seeds.get(topic);
    if (known !== undefined) return known;
    if (this.#seeds.size >= maxSeeds) this.#seeds.clear();
    const seed = receiptSeed(this.#clientId, topic);
    this.#seeds.set(topic, seed);
    return seed;
  }

  async #acknowledge(client: MqttClient, packet: IPublishPacket, written: Promise<void>): Promise<void> {
    const { stream } = client;
    this.#inFlight += 1;
    try {
      await written;
      const isSameConnection = client.connected && client.stream === stream && stream.writable;
      if (packet.qos > 0 && packet.messageId !== undefined && isSameConnection) {
        // PUBACK, section 3.4 of MQTT 3.1.1 and of MQTT 5 (without reason code: success).
        stream.write(Buffer.from([0x40, 2, packet.messageId >> 8, packet.messageId & 0xff]));
      }
    } catch {
      // Given up only because we stop: the broker keeps the message.
    }
    this.#inFlight -= 1;
    this.#waiting.shift()?.();
    if (this.#inFlight === 0) for (const tell of this.#whenIdle.splice(0)) tell();
  }

  /** Rejects only when the source is stopped before the journal took the message. */
  async #write(packet: IPublishPacket, payload: Buffer, receipts: readonly number[]): Promise<void> {
    const { topic, retain: retained } = packet;
    const { payloadLimitBytes } = this.#options;
    if (payload.byteLength > payloadLimitBytes) {
      const message = `payload of ${payload.byteLength} bytes, at most ${payloadLimitBytes} allowed`;
      this.#context.refuse({ address: topic.slice(0, 256), code: "payload-too-large", message });
      return;
    }
    const receivedMs = this.#context.clock.nowMs();
    const readings = this.#messages.read({ topic, payload, receivedMs, retained });
    if (readings.length === 0) return;
    for (let attempt = 0; ; attempt += 1) {
      try {
        await this.#context.submit(readings, receipts);
        if (this.#isJournalFailing) this.#reportConnected();
        return;
      } catch (error) {
        this.#reportJournal(error);
        await this.#context.clock.sleep(retryDelayMs(peerRetry, attempt, this.#context.random), this.#stopping.signal);
      }
    }
  }

  #reportConnected(): void {
    this.#isJournalFailing = false;
    this.#context.setState({ state: "ok", code: "connected", message: `connected to ${this.#options.url}` });
  }

  #reportJournal(error: unknown): void {
    if (this.#isJournalFailing) return;
    this.#isJournalFailing = true;
    const message = `messages wait unacknowledged: ${describeError(error)}`;
    this.#context.setState({ state: "degraded", code: "journal-not-writable", message });
  }

  #offline(code: string, message: string): void {
    this.#context.setState({ state: "offline", code, message });
  }
}

export const mqtt = defineSource({
  kind: "mqtt",
  options: mqttOptions,
  address: mqttAddress,
  example: { options: { url: "mqtt://127.0.0.1:1883" }, address: mqttAddressExample },
  open: (options, points, context): MqttClientSource => new MqttClientSource(options, points, context),
  check: checkMqtt,
  discover: discoverMqtt,
});
