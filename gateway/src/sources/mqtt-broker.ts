import type { Server, Socket } from "node:net";

import {
  type CancelTimer,
  describeError,
  errorCode,
  FrostlightError,
  type Part,
  peerRetry,
  retryDelayMs,
} from "@frostlight/kernel";
import type { Aedes, AuthenticateError, Client, ConnectPacket, Subscription } from "aedes";
import { z } from "zod";

import { defineSource, type PointBinding, type SourceContext } from "../core/source.ts";
import { accessOptions, BrokerAccess } from "./broker-access.ts";
import { type MqttAddress, mqttAddress, mqttAddressExample } from "./mqtt-address.ts";
import { guardFrames } from "./mqtt-frame-guard.ts";
import { MqttMessages } from "./mqtt-messages.ts";
import { PublishGate } from "./publish-gate.ts";
import type { UnconfiguredTopic } from "./unconfigured-topics.ts";

/** Room for topic, packet id and header beside the payload. */
const envelopeBytes = 1_024;
const authenticationDelayMs = 250;
const stopTimeoutMs = 2_000;
const maxKeptSessions = 2_000;

const options = z.strictObject({
  /** Address to listen on; "0.0.0.0" for sensors on the network. */
  host: z.string().min(1).default("127.0.0.1"),
  /** 0: any free port. */
  port: z.int().min(0).max(65_535).default(1883),
  ...accessOptions,
  /** Larger payloads are refused and the client is disconnected. */
  payloadLimitBytes: z.int().min(64).max(1_048_576).default(65_536),
  maxConnections: z.int().min(1).max(10_000).default(500),
  /** Per client; what comes faster waits. */
  messagesPerSecond: z.int().min(1).max(1_000_000).default(5_000),
});
type Options = z.infer<typeof options>;

/**
 * The gateway's own broker for sensors: a PUBACK (or PUBREC) leaves only after `submit` resolved. Sensors publish; nobody
 * consumes through the broker unless `subscribe` names topics.
 */
export class MqttBroker implements Part {
  readonly name: string;
  readonly #options: Options;
  readonly #context: SourceContext;
  readonly #messages: MqttMessages;
  readonly #gate: PublishGate;
  readonly #sockets = new Set<Socket>();
  /** Client ids with a session that outlives the connection. */
  readonly #keptSessions = new Set<string>();
  #access: BrokerAccess | undefined;
  #broker: Aedes | undefined;
  #server: Server | undefined;
  #cancelRetry: CancelTimer | undefined;
  #isStopping = false;

  constructor(options: Options, points: readonly PointBinding<MqttAddress>[], context: SourceContext) {
    this.name = `source ${context.sourceId}`;
    this.#options = options;
    this.#context = context;
    this.#messages = new MqttMessages(points, context);
    this.#gate = new PublishGate(options, this.#messages, context, (error) => {
      this.#reportJournal(error);
    });
  }

  /** The port in use, once listening. */
  get port(): number | undefined {
    const address = this.#server?.address();
    return typeof address === "object" && address !== null ? address.port : undefined;
  }

  unconfigured(): readonly UnconfiguredTopic[] {
    return this.#messages.unconfigured.all;
  }

  async start(): Promise<void> {
    this.#context.setState({ state: "starting", code: "starting", message: "starting the broker" });
    try {
      this.#access = await BrokerAccess.load(this.#options, this.#context.environment);
    } catch (error) {
      this.#context.setState({ state: "offline", code: "secret-missing", message: describeError(error) });
      this.#context.logger.error("broker-secret-missing", { error: describeError(error) });
      return;
    }
    const { Aedes: Broker } = await import("aedes");
    const broker = await Broker.createBroker({
      concurrency: 0, // no queue in the emitter: its backlog is what overflows the stack when the last subscriber leaves
      drainTimeout: 5_000, // a frozen subscriber holds up the publishers: give it up soon
      queueLimit: 64,
      preConnect: (client, packet, done) => {
        this.#preConnect(client, packet, done);
      },
      authenticate: (client, username, password, done) => {
        this.#authenticate(client, username, password, done);
      },
      authorizePublish: (client, packet, done) => {
        this.#gate.authorise(client, packet, done);
      },
      authorizeSubscribe: (client, subscription, done) => {
        this.#authorizeSubscribe(client, subscription, done);
      },
    });
    if (this.#isStopping) {
      broker.close();
      return;
    }
    this.#broker = broker;
    const onTrouble = (client: Client, error: Error): void => {
      this.#refuseConnection(client, error);
    };
    broker.on("clientError", onTrouble);
    broker.on("connectionError", onTrouble);
    broker.addListener("error", (error: unknown) => {
      this.#context.logger.error("broker-error", { error: describeError(error) });
    });
    this.#gate.open(broker);
    await this.#listen(0);
  }

  async stop(): Promise<void> {
    if (this.#isStopping) return;
    this.#isStopping = true;
    this.#gate.shut();
    this.#cancelRetry?.();
    const server = this.#server;
    const closed =
      server === undefined ? Promise.resolve() : new Promise<void>((resolve) => server.close(() => resolve()));
    // What is being written may still be acknowledged: otherwise its senders would send it again.
    await this.#within(stopTimeoutMs, this.#gate.idle());
    const broker = this.#broker;
    if (broker !== undefined) {
      await this.#within(stopTimeoutMs, new Promise<void>((resolve) => broker.close(resolve)));
    }
    for (const socket of this.#sockets) socket.destroy();
    await closed;
    this.#context.setState({ state: "offline", code: "stopped", message: "stopped" });
  }

  /** Waits for work that may never end. */
  async #within(limitMs: number, work: Promise<void>): Promise<void> {
    const over = new AbortController();
    const limit = this.#context.clock.sleep(limitMs, over.signal).catch(() => undefined);
    await Promise.race([work, limit]);
    over.abort();
  }

  async #listen(attempt: number): Promise<void> {
    const broker = this.#broker;
    if (broker === undefined || this.#isStopping) return;
    const { createServer } = await import("node:net");
    const server = createServer({ noDelay: true }, (socket) => {
      this.#accept(broker, socket);
    });
    server.maxConnections = this.#options.maxConnections;
    server.on("drop", (peer) => {
      this.#refuse(
        peer?.remoteAddress ?? "unknown",
        "too-many-connections",
        `more than ${this.#options.maxConnections} connections`,
      );
    });
    const { host, port } = this.#options;
    try {
      await new Promise<void>((resolve, reject) => {
        server.once("error", reject);
        server.listen(port, host, () => {
          server.off("error", reject);
          resolve();
        });
      });
    } catch (error) {
      const waitMs = retryDelayMs(peerRetry, attempt, this.#context.random);
      this.#context.setState({
        state: "offline",
        code: "listen-failed",
        message: `cannot listen on ${host}:${port}: ${describeError(error)}`,
      });
      this.#cancelRetry = this.#context.clock.after(waitMs, () => {
        void this.#listen(attempt + 1);
      });
      return;
    }
    server.on("error", (error) => {
      this.#context.logger.error("broker-listener-error", { error: describeError(error) });
    });
    this.#server = server;
    this.#reportListening();
  }

  #reportListening(): void {
    const where = `${this.#options.host}:${this.port ?? this.#options.port}`;
    this.#context.setState(
      this.#access?.letsSomebodyIn === true
        ? { state: "ok", code: "listening", message: `listening on ${where}` }
        : {
            state: "degraded",
            code: "nobody-allowed",
            message: `listening on ${where}, but no users are configured and anonymous is off: nobody may connect`,
          },
    );
  }

  #accept(broker: Aedes, socket: Socket): void {
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
    const { payloadLimitBytes } = this.#options;
    guardFrames(socket, payloadLimitBytes + envelopeBytes, ({ declaredBytes, topic }) => {
      this.#refuse(
        topic === "" ? (socket.remoteAddress ?? "unknown") : topic,
        "payload-too-large",
        `packet of ${declaredBytes} bytes, at most ${payloadLimitBytes} bytes of payload allowed; client disconnected`,
      );
    });
    broker.handle(socket);
  }

  #preConnect(client: Client, packet: ConnectPacket, done: (error: Error | null, isAllowed: boolean) => void): void {
    if (packet.clientId !== "" || packet.clean === true) {
      if (packet.clean !== true) this.#boundSessions(packet);
      done(null, true);
      return;
    }
    // [MQTT-3.1.3-8]: an empty client id with clean=false is answered with CONNACK 0x02. Nobody could ever come back to
    // such a session, it would only be kept.
    this.#refuse(remoteOf(client), "client-id-missing", "empty client id with clean session off");
    client.conn.write(Buffer.from([0x20, 2, 0, 2]));
    done(new FrostlightError("mqtt/client-id-missing", "peer", "empty client id with clean session off"), false);
  }

  /** What is kept of a session while its client is away is small, but client ids are the clients' to invent. */
  #boundSessions(packet: ConnectPacket): void {
    if (this.#keptSessions.has(packet.clientId)) return;
    if (this.#keptSessions.size < maxKeptSessions) this.#keptSessions.add(packet.clientId);
    else packet.clean = true;
  }

  #authenticate(
    client: Client,
    username: string | undefined,
    password: Buffer | undefined,
    done: (error: AuthenticateError | null, isAllowed: boolean | null) => void,
  ): void {
    const permission = this.#access?.authenticate(username, password);
    if (permission !== undefined) {
      this.#gate.admit(client, permission);
      done(null, true);
      return;
    }
    const who = username === undefined ? "no user name" : `user name "${username.slice(0, 64)}"`;
    this.#refuse(
      remoteOf(client),
      "wrong-credentials",
      `client "${client.id.slice(0, 64)}" with ${who} was not let in`,
    );
    // Slows down guessing.
    this.#context.clock.after(authenticationDelayMs, () => {
      const error = new FrostlightError("mqtt/wrong-credentials", "peer", "wrong user name or password");
      done(Object.assign(error, { returnCode: 4 }), null);
    });
  }

  #authorizeSubscribe(
    client: Client,
    subscription: Subscription,
    done: (error: Error | null, subscription?: Subscription | null) => void,
  ): void {
    const isAllowed = this.#access?.maySubscribe(subscription.topic) === true;
    // QoS 0 only, so that nothing is ever queued for a subscriber that is away. aedes stores all subscriptions of a packet
    // once the first is allowed: each must be changed before any is answered, hence the next turn.
    subscription.qos = 0;
    if (!isAllowed) {
      const topic = subscription.topic.slice(0, 256);
      this.#refuse(topic, "subscribe-not-allowed", `client "${client.id.slice(0, 64)}" may not subscribe`);
    }
    setImmediate(done, null, isAllowed ? subscription : null);
  }

  #reportJournal(error: unknown): void {
    if (error === undefined) this.#reportListening();
    else {
      const message = `readings are not acknowledged: ${describeError(error)}`;
      this.#context.setState({ state: "degraded", code: "journal-not-writable", message });
    }
  }

  /** Broken packets and the like; a connection that simply went away is nothing to show. */
  #refuseConnection(client: Client, error: Error): void {
    const isOurs = error instanceof FrostlightError || "returnCode" in error || "errorCode" in error;
    const id = client.id as string | null; // null until CONNECT was read
    this.#context.logger.debug("client-error", { client: id, error: describeError(error) });
    if (isOurs || errorCode(error) !== undefined || this.#isStopping) return;
    const who = id === null ? "a client that did not say who it is" : `client "${id.slice(0, 64)}"`;
    this.#refuse(remoteOf(client), "connection-failed", `${who}: ${describeError(error)}`);
  }

  #refuse(address: string, code: string, message: string): void {
    this.#context.refuse({ address, code, message });
  }
}

function remoteOf(client: Client): string {
  return ("remoteAddress" in client.conn ? client.conn.remoteAddress : undefined) ?? "unknown";
}

export const mqttBroker = defineSource({
  kind: "mqtt-broker",
  options,
  address: mqttAddress,
  example: {
    options: { host: "127.0.0.1", port: 0, anonymous: true },
    address: mqttAddressExample,
  },
  open: (options, points, context): MqttBroker => new MqttBroker(options, points, context),
});
