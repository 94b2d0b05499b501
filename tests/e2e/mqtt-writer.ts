import mqtt from "mqtt";

import type { Dialect } from "../sims/dialects.ts";
import { encodeMessage } from "../sims/dialects.ts";
import type { SentLedger } from "./sent-ledger.ts";

export interface MqttWriterOptions {
  readonly url: string;
  readonly pointId: string;
  readonly topic: string;
  readonly dialect: Dialect;
  readonly intervalMs: number;
  /** The next value; never the same twice. */
  readonly nextValue: () => number;
  readonly ledger: SentLedger;
}

/** Dialects whose time comes through to the sample. */
const timedDialects: ReadonlySet<Dialect> = new Set(["zigbee2mqtt", "chirpstack-v4", "the-things-stack", "json"]);

/**
 * A device that publishes at QoS 1, one reading at a time, and remembers which were acknowledged. A reading whose PUBACK
 * did not come before the connection broke is not sent again, so that its fate can be told apart: repeating it is allowed
 * by QoS 1 and may store it twice, which would hide whether the road itself makes duplicates.
 */
export class MqttWriter {
  readonly #options: MqttWriterOptions;
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;
  #counter = 0;

  constructor(options: MqttWriterOptions) {
    this.#options = options;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Ends after the reading in flight. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const client = await this.#connect();
      if (client === undefined) {
        await pause(200);
        continue;
      }
      try {
        await this.#publishWhileConnected(client);
      } finally {
        client.end(true);
      }
    }
  }

  async #connect(): Promise<mqtt.MqttClient | undefined> {
    const client = mqtt.connect(this.#options.url, {
      clientId: `smoke-${this.#options.pointId}`,
      clean: true,
      reconnectPeriod: 0,
      connectTimeout: 3000,
    });
    client.on("error", () => undefined);
    return new Promise((resolve) => {
      client.once("connect", () => {
        resolve(client);
      });
      client.once("close", () => {
        client.end(true);
        resolve(undefined);
      });
    });
  }

  async #publishWhileConnected(client: mqtt.MqttClient): Promise<void> {
    const closed = new Promise<"closed">((resolve) => {
      client.once("close", () => {
        resolve("closed");
      });
    });
    const { pointId, topic, dialect, intervalMs, ledger } = this.#options;
    while (!this.#stop.signal.aborted && client.connected) {
      const value = this.#options.nextValue();
      const sentMs = Date.now();
      this.#counter += 1;
      const payload = encodeMessage(dialect, {
        device: pointId,
        timeMs: sentMs,
        counter: this.#counter,
        celsius: value,
        humidityPercent: 50,
        doorOpen: false,
      });
      const acknowledged = client.publishAsync(topic, payload, { qos: 1 }).then(
        () => "acknowledged" as const,
        () => "closed" as const,
      );
      if ((await Promise.race([acknowledged, closed])) !== "acknowledged") {
        ledger.leaveOpen(pointId, value);
        return;
      }
      const sourceTimeMs = timedDialects.has(dialect) ? sentMs : null;
      ledger.confirm(pointId, { value, sourceTimeMs, sentMs, acknowledgedMs: Date.now() });
      await pause(intervalMs);
    }
  }
}

function pause(durationMs: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, durationMs));
}
