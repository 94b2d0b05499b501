import { topics } from "@frostlight/contract";
import { describeError, FrostlightError } from "@frostlight/kernel";
import type { MqttClient } from "mqtt";
import { z } from "zod";

import { defineTransport, type Link, type MutualTls, type TransportContext } from "../transport.ts";

const options = z.strictObject({
  /** Address of the broker when it is not the one the server named. */
  url: z.url({ protocol: /^(mqtts?|wss?)$/ }).optional(),
  /** A link on which nothing is heard for one and a half of these is dead. */
  keepaliveSeconds: z.number().int().min(5).max(600).default(15),
  /** From the first packet to the broker's subscription answer. */
  connectTimeoutMs: z.number().int().min(1_000).max(120_000).default(15_000),
});
type Options = z.output<typeof options>;

/** A packet as mqtt.js hands it to `handleMessage`. */
interface Incoming {
  readonly topic?: string;
  readonly payload?: string | Uint8Array;
}

/**
 * MQTT 3.1.1 at QoS 1 with a persistent session, so that acks and commands sent while the link is down wait in the broker.
 * Each connection is a new client object: mqtt.js would otherwise send again by itself what it holds unconfirmed, although
 * the server may have acknowledged it long since.
 */
export const mqttTransport = defineTransport({
  kind: "mqtt",
  options,
  example: { url: "mqtts://frostlight.example:8883" },
  open: (settings, context) => ({ connect: (signal) => connect(settings, context, signal) }),
});

async function connect(settings: Options, context: TransportContext, signal: AbortSignal): Promise<Link> {
  const { connect: connectMqtt } = await import("mqtt");
  const mutual = settings.url === undefined ? context.mutualTls?.() : undefined;
  const url = settings.url ?? mutual?.url ?? context.mqttUrl;
  signal.throwIfAborted();
  const client = connectMqtt(url, {
    clientId: context.gatewayId,
    username: context.username,
    password: context.password,
    clean: false,
    protocolVersion: 4,
    keepalive: settings.keepaliveSeconds,
    connectTimeout: settings.connectTimeoutMs,
    reconnectPeriod: 0,
    resubscribe: false,
    queueQoSZero: false,
    ...(context.ca === undefined ? {} : { ca: context.ca }),
    ...(mutual === undefined ? {} : tlsOf(mutual)),
  });
  const link = new MqttLink(client, context);
  try {
    await link.ready(settings.connectTimeoutMs, signal);
  } catch (cause) {
    await link.close();
    throw new FrostlightError(codeOf(cause), "peer", `cannot connect to ${url} as ${context.username}`, { cause });
  }
  return link;
}

/**
 * The server's own authority is believed and no other, and it certifies one server: its certificate's fixed name is checked,
 * not the host name under which the gateway happens to reach it.
 */
function tlsOf({ keyPem, certificatePem, caPem }: MutualTls) {
  return { key: keyPem, cert: certificatePem, ca: caPem, servername: "frostlight-server" };
}

/** MQTT 3.1.1, 3.2.2.3: return codes 4 and 5 mean wrong credentials and not authorised. */
function codeOf(error: unknown): string {
  const code: unknown = typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
  return code === 4 || code === 5 ? "uplink/not-authorised" : "uplink/unreachable";
}

class MqttLink implements Link {
  readonly closed: Promise<string>;
  readonly via = "mqtt";
  readonly #client: MqttClient;
  readonly #context: TransportContext;
  #lastError: unknown;

  constructor(client: MqttClient, context: TransportContext) {
    this.#client = client;
    this.#context = context;
    client.on("error", (error) => {
      this.#lastError = error;
    });
    this.closed = new Promise((resolve) => {
      client.once("close", () => {
        resolve(this.#lastError === undefined ? "the connection was closed" : describeError(this.#lastError));
      });
    });
    client.handleMessage = (packet, done) => {
      void this.#handle(packet, done);
    };
  }

  /** Resolves when the broker has confirmed the subscriptions. */
  async ready(timeoutMs: number, signal: AbortSignal): Promise<void> {
    const { gatewayId, clock } = this.#context;
    const stop = new AbortController();
    const stopOnAbort = (): void => {
      stop.abort(signal.reason);
    };
    signal.addEventListener("abort", stopOnAbort, { once: true });
    try {
      await Promise.race([
        this.#subscribe([topics.acks(gatewayId), topics.commands(gatewayId)]),
        this.closed.then((reason) => {
          throw this.#lastError instanceof Error ? this.#lastError : new Error(reason);
        }),
        clock.sleep(timeoutMs, stop.signal).then(() => {
          throw new Error(`no answer within ${timeoutMs} ms`);
        }),
      ]);
    } finally {
      signal.removeEventListener("abort", stopOnAbort);
      stop.abort(new Error("no longer waited for"));
    }
  }

  send(sealed: Uint8Array): void {
    // The broker's PUBACK says nothing about the server's disk, so nobody waits for it.
    this.#client.publish(topics.batches(this.#context.gatewayId), Buffer.from(sealed), { qos: 1 }, (error) => {
      if (error) this.#lastError = error;
    });
  }

  async close(): Promise<void> {
    const client = this.#client;
    await new Promise<void>((resolve) => {
      client.end(true, {}, () => {
        resolve();
      });
    });
  }

  async #subscribe(topicNames: string[]): Promise<void> {
    const client = this.#client;
    await new Promise<void>((resolve) => {
      client.once("connect", () => {
        resolve();
      });
    });
    const grants = await client.subscribeAsync(topicNames, { qos: 1 });
    const refused = grants.find(({ qos }) => qos > 2);
    if (refused !== undefined) throw new Error(`the broker refused the subscription to ${refused.topic}`);
  }

  /** `done` without an error sends the PUBACK. With one, mqtt.js goes on without; the broker repeats it at the next connection. */
  async #handle({ topic, payload }: Incoming, done: (error?: Error) => void): Promise<void> {
    const context = this.#context;
    const bytes = typeof payload === "string" ? Buffer.from(payload) : (payload ?? new Uint8Array());
    try {
      if (topic === topics.acks(context.gatewayId)) context.onAck(bytes);
      else if (topic === topics.commands(context.gatewayId)) await context.onCommand(bytes);
      done();
    } catch (error) {
      context.logger.warn("message-not-taken", { topic, error: describeError(error) });
      done(error instanceof Error ? error : new Error(describeError(error)));
    }
  }
}
