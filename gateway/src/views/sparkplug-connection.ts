import { readFile } from "node:fs/promises";
import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";

import { type Clock, describeError, FrostlightError, readSecret } from "@frostlight/kernel";
import type { IClientOptions, MqttClient } from "mqtt";

import type { SparkplugMessage } from "./sparkplug-node.ts";
import type { SparkplugOptions } from "./sparkplug-options.ts";

const connectTimeoutMs = 10_000;
const goodbyeTimeoutMs = 2_000;
/** Of what is sent to us, where the protocol lets us say so. */
const maximumPacketSize = 1_048_576;
/** MQTT 5, section 3.14.2.1: the server publishes the will although the client says goodbye. */
const disconnectWithWill = 0x04;

/** What a connection needs besides the address; secrets are read anew for each, so that a renewed one is taken up. */
interface Credentials {
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly ca: Buffer | undefined;
  readonly cert: Buffer | undefined;
  readonly key: Buffer | undefined;
}

export async function readCredentials(
  options: SparkplugOptions,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<Credentials> {
  const { username, password, caFile, certFile, keyFile } = options;
  return {
    username,
    password: password === undefined ? undefined : await readSecret(password, environment),
    ca: caFile === undefined ? undefined : await readFile(caFile),
    cert: certFile === undefined ? undefined : await readFile(certFile),
    key: keyFile === undefined ? undefined : await readFile(keyFile),
  };
}

/** Opens the TCP or TLS connection alone: the birth and death number counts CONNECT packets, not attempts to reach somebody. */
export async function openSocket(
  server: string,
  credentials: Credentials,
  clock: Clock,
  signal: AbortSignal,
): Promise<Socket> {
  const url = new URL(server);
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const isTls = url.protocol === "mqtts:";
  const port = url.port === "" ? (isTls ? 8883 : 1883) : Number(url.port);
  const { ca, cert, key } = credentials;
  const socket = isTls
    ? connectTls({
        host,
        port,
        ...(isIP(host) === 0 ? { servername: host } : {}),
        ...(ca === undefined ? {} : { ca }),
        ...(cert === undefined ? {} : { cert }),
        ...(key === undefined ? {} : { key }),
      })
    : connectTcp({ host, port });
  const ready = new Promise<void>((resolve, reject) => {
    socket.once(isTls ? "secureConnect" : "connect", resolve);
    socket.once("error", reject);
  });
  try {
    await within(ready, clock, signal);
    return socket;
  } catch (cause) {
    socket.on("error", () => undefined).destroy();
    throw new FrostlightError("view/unreachable", "peer", `cannot reach ${server}`, { cause });
  }
}

/** Waits for a peer, but not for ever, and not when we are to stop. */
async function within(work: Promise<void>, clock: Clock, signal: AbortSignal): Promise<void> {
  const over = new AbortController();
  const limit = clock.sleep(connectTimeoutMs, AbortSignal.any([signal, over.signal])).then(() => {
    throw new Error(`no answer within ${connectTimeoutMs} ms`);
  });
  try {
    await Promise.race([work, limit]);
  } finally {
    over.abort(new Error("no longer waited for"));
  }
}

/** One MQTT connection of an edge node, from CONNECT to its end; never used twice. */
export class SparkplugConnection {
  /** Resolves with the reason when the connection is over. */
  readonly closed: Promise<string>;
  onMessage: (topic: string, payload: Uint8Array) => void = () => undefined;
  onPong: () => void = () => undefined;
  readonly #client: MqttClient;
  readonly #socket: Socket;
  readonly #clock: Clock;
  /** Called when there is room for more, or when nobody needs it any more. */
  readonly #waiting = new Set<() => void>();
  #lastError: unknown;
  #isOpen = true;

  private constructor(client: MqttClient, socket: Socket, clock: Clock) {
    this.#client = client;
    this.#socket = socket;
    this.#clock = clock;
    client.on("error", (error) => {
      this.#lastError = error;
    });
    client.on("message", (topic, payload) => {
      this.onMessage(topic, payload);
    });
    client.on("packetreceive", (packet) => {
      if (packet.cmd === "pingresp") this.onPong();
    });
    this.closed = new Promise((resolve) => {
      client.once("close", () => {
        this.#isOpen = false;
        for (const goOn of this.#waiting) goOn();
        resolve(this.#lastError === undefined ? "the connection was closed" : describeError(this.#lastError));
      });
    });
  }

  /** Sends CONNECT with the will over an open socket, and subscribes at QoS 1. Rejects when either is refused. */
  static async begin(parts: {
    readonly socket: Socket;
    readonly server: string;
    readonly options: SparkplugOptions;
    readonly credentials: Credentials;
    readonly clientId: string;
    readonly will: SparkplugMessage;
    readonly topics: readonly string[];
    readonly onMessage: (topic: string, payload: Uint8Array) => void;
    readonly clock: Clock;
    readonly signal: AbortSignal;
  }): Promise<SparkplugConnection> {
    const { socket, options, credentials, will, clock } = parts;
    const { MqttClient: Client } = await import("mqtt");
    const clientOptions: IClientOptions = {
      clientId: parts.clientId,
      // [tck-id-principles-persistence-clean-session-311], [-50]
      clean: true,
      ...(options.version === "5"
        ? { protocolVersion: 5, properties: { sessionExpiryInterval: 0, maximumPacketSize } }
        : { protocolVersion: 4 }),
      keepalive: options.keepaliveSeconds,
      reconnectPeriod: 0,
      connectTimeout: connectTimeoutMs,
      resubscribe: false,
      queueQoSZero: false,
      will: { topic: will.topic, payload: Buffer.from(will.payload), qos: 1, retain: false },
      ...(credentials.username === undefined ? {} : { username: credentials.username }),
      ...(credentials.password === undefined ? {} : { password: credentials.password }),
    };
    const connection = new SparkplugConnection(new Client(() => socket, clientOptions), socket, clock);
    connection.onMessage = parts.onMessage;
    try {
      await connection.#subscribe(parts.topics, parts.signal);
    } catch (cause) {
      connection.break();
      throw new FrostlightError("view/refused", "peer", `${parts.server} does not let us in`, { cause });
    }
    return connection;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** QoS 0, not retained; the order of calls is the order on the wire. Resolves when there is room for more. */
  async publish({ topic, payload }: SparkplugMessage): Promise<void> {
    if (!this.#isOpen) return;
    // Not a race against `closed`: a promise that lives as long as the connection would keep every one of these.
    await new Promise<void>((resolve) => {
      const goOn = (): void => {
        this.#waiting.delete(goOn);
        resolve();
      };
      this.#waiting.add(goOn);
      this.#client.publish(topic, Buffer.from(payload), { qos: 0, retain: false }, goOn);
    });
  }

  ping(): void {
    if (this.#isOpen) this.#client.sendPing();
  }

  /** Says goodbye, with an NDEATH when there was a birth. Ends in time. */
  async end(death: SparkplugMessage | undefined): Promise<void> {
    if (!this.#isOpen) return;
    const over = new AbortController();
    const limit = this.#clock.sleep(goodbyeTimeoutMs, over.signal).catch(() => undefined);
    if (death !== undefined) {
      // QoS 1 as the will: the DISCONNECT follows the server's PUBACK.
      const published = this.#client.publishAsync(death.topic, Buffer.from(death.payload), { qos: 1, retain: false });
      await Promise.race([published.catch(() => undefined), limit, this.closed]);
    }
    const ended = this.#client.endAsync(false, { reasonCode: disconnectWithWill });
    await Promise.race([ended.catch(() => undefined), limit]);
    over.abort(new Error("no longer waited for"));
    this.#socket.destroy();
  }

  /** Ends it without a goodbye: the server publishes the will. */
  break(): void {
    this.#client.end(true);
    this.#socket.destroy();
  }

  async #subscribe(topics: readonly string[], signal: AbortSignal): Promise<void> {
    const subscribed = async (): Promise<void> => {
      await new Promise<void>((resolve) => {
        this.#client.once("connect", () => {
          resolve();
        });
      });
      const grants = await this.#client.subscribeAsync([...topics], { qos: 1 });
      const refused = grants.find(({ qos }) => qos > 2);
      if (refused !== undefined) throw new Error(`the subscription to ${refused.topic} was refused`);
    };
    const refused = this.closed.then((reason) => {
      throw this.#lastError instanceof Error ? this.#lastError : new Error(reason);
    });
    await within(Promise.race([subscribed(), refused]), this.#clock, signal);
  }
}
