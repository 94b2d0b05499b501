import mqtt from "mqtt";

/** Readings a device keeps while it cannot send; then the oldest goes. */
const keptMessages = 5000;

export interface MqttDeviceOptions {
  readonly url: string;
  readonly clientId: string;
  readonly username?: string;
  readonly password?: string;
}

/**
 * A battery sensor with memory: publishes at QoS 1 one message after the other, keeps what was not acknowledged and goes
 * on with it after a lost connection.
 */
export class MqttDevice {
  readonly #client: mqtt.MqttClient;
  readonly #waiting: { readonly topic: string; readonly payload: string }[] = [];
  #sending = false;
  #stopped = false;
  acknowledged = 0;
  dropped = 0;

  constructor(options: MqttDeviceOptions) {
    this.#client = mqtt.connect(options.url, {
      clientId: options.clientId,
      clean: true,
      reconnectPeriod: 1000,
      connectTimeout: 5000,
      keepalive: 20,
      ...(options.username === undefined ? {} : { username: options.username }),
      ...(options.password === undefined ? {} : { password: options.password }),
    });
    // mqtt.js reconnects by itself; each failed try is an event here.
    this.#client.on("error", () => undefined);
  }

  send(topic: string, payload: string): void {
    if (this.#waiting.length >= keptMessages) {
      this.#waiting.shift();
      this.dropped += 1;
    }
    this.#waiting.push({ topic, payload });
    void this.#drain();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#client.endAsync(true);
  }

  /** The message in flight stays with mqtt.js, which repeats it after a reconnect; its promise resolves at the PUBACK. */
  async #drain(): Promise<void> {
    if (this.#sending) return;
    this.#sending = true;
    try {
      for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
        await this.#client.publishAsync(next.topic, next.payload, { qos: 1 });
        this.acknowledged += 1;
      }
    } catch (error) {
      if (!this.#stopped) process.stderr.write(`not published: ${String(error)}\n`);
    } finally {
      this.#sending = false;
    }
  }
}
