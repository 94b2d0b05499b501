import { describeError, FrostlightError, readSecret, secretReference } from "@frostlight/kernel";
import type { MqttClient } from "mqtt";
import { z } from "zod";

import { defineOutput, type Output, type OutputContext } from "../core/output.ts";

const payload = z.string().max(1_000);

const options = z.strictObject({
  url: z.url({ protocol: /^mqtts?$/ }),
  username: z.string().min(1).max(200).optional(),
  password: secretReference.optional(),
  /** Where the siren listens, e.g. cmnd/siren/POWER or zigbee2mqtt/siren/set. */
  topic: z
    .string()
    .min(1)
    .max(500)
    .regex(/^[^+#]+$/, "expected a topic without + and #"),
  on: payload,
  off: payload,
  /** The broker keeps the last command for a siren that was away. */
  retain: z.boolean().default(false),
  timeoutSeconds: z.number().min(1).max(60).default(10),
});
type Options = z.output<typeof options>;

/** A siren or beacon behind an MQTT broker on the local network: QoS 1, so that the broker has said it has it. */
export const mqttOutput = defineOutput({
  kind: "mqtt",
  options,
  example: { options: { url: "mqtt://127.0.0.1:1883", topic: "cmnd/siren/POWER", on: "ON", off: "OFF" } },
  open: (given, context): Output => new MqttOutput(given, context),
});

class MqttOutput implements Output {
  readonly #options: Options;
  readonly #context: OutputContext;
  #client: MqttClient | undefined;

  constructor(given: Options, context: OutputContext) {
    this.#options = given;
    this.#context = context;
  }

  async set(isOn: boolean, signal: AbortSignal): Promise<void> {
    const { topic, on, off, retain, url, timeoutSeconds } = this.#options;
    const ends = AbortSignal.any([signal, AbortSignal.timeout(timeoutSeconds * 1_000)]);
    try {
      this.#client ??= await this.#connect();
      await ended(this.#client.publishAsync(topic, isOn ? on : off, { qos: 1, retain }), ends);
    } catch (cause) {
      // The next try begins with a new connection: nothing old is left that could arrive late.
      await this.close();
      const message = `${url} did not take the command for ${topic}: ${describeError(cause)}`;
      throw new FrostlightError("outputs/mqtt-failed", "peer", message, { cause });
    }
  }

  async close(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    await client?.endAsync(true);
  }

  async #connect(): Promise<MqttClient> {
    const { url, username, password } = this.#options;
    const { connect } = await import("mqtt");
    const client = connect(url, {
      clean: true,
      reconnectPeriod: 0,
      clientId: `frostlight-${this.#context.outputId}-${Math.trunc(this.#context.clock.nowMs())}`,
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password: await readSecret(password, this.#context.environment) }),
    });
    // Every failure shows at the publish that waits for it.
    client.on("error", (error) => {
      this.#context.logger.debug("output-connection", { output: this.#context.outputId, error: describeError(error) });
    });
    return client;
  }
}

/** Gives up waiting when the signal says so. */
function ended<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener(
      "abort",
      () => {
        reject(new Error("no answer in time"));
      },
      { once: true },
    );
    promise.then(resolve, reject);
  });
}
