import type { Socket } from "node:net";
import { join } from "node:path";

import { type CancelTimer, describeError, errorCode, FrostlightError, type Part } from "@frostlight/kernel";
import type { Aedes, AuthenticateError, Client, ConnectPacket, Subscription } from "aedes";

import { defineSource, type PointBinding, type SourceContext } from "../core/source.ts";
import { BrokerAccess, type Permission } from "./broker-access.ts";
import { checkBroker } from "./broker-check.ts";
import { BrokerConnection } from "./broker-connection.ts";
import { BrokerListener, clientCertificate } from "./broker-listener.ts";
import { type BrokerOptions, brokerOptions } from "./broker-options.ts";
import { type MqttAddress, mqttAddress, mqttAddressExample } from "./mqtt-address.ts";
import { MqttMessages, requestPacket } from "./mqtt-messages.ts";
import { PublishGate } from "./publish-gate.ts";
import { tapSocket } from "./publish-tap.ts";
import { SessionStore } from "./session-store.ts";
import { Subscribers } from "./subscribers.ts";

/** Room for topic, packet id and header beside the payload. */
const envelopeBytes = 1_024;
const authenticationDelayMs = 250;
const stopTimeoutMs = 2_000;
const hourMs = 3_600_000;
const maxSessions = 2_000;

/**
 * The gateway's own broker for sensors: a PUBACK (or PUBREC) leaves only after the readings are durable. aedes speaks MQTT;
 * who may do what, the way into the journal, and what is kept are ours.
 */
export class MqttBroker implements Part {
  readonly name: string;
  readonly #options: BrokerOptions;
  readonly #context: SourceContext;
  readonly #messages: MqttMessages;
  readonly #store: SessionStore;
  readonly #connections = new Map<Socket, BrokerConnection>();
  readonly #permissions = new WeakMap<object, Permission>();
  readonly #subscribers: Subscribers;
  #access: BrokerAccess | undefined;
  #gate: PublishGate | undefined;
  #broker: Aedes | undefined;
  #listeners: readonly BrokerListener[] = [];
  #cancelExpiry: CancelTimer | undefined;
  #journalFailure: unknown;
  #isStopping = false;

  constructor(options: BrokerOptions, points: readonly PointBinding<MqttAddress>[], context: SourceContext) {
    this.name = `source ${context.sourceId}`;
    this.#options = options;
    this.#context = context;
    this.#messages = new MqttMessages(points, context, (request) => {
      this.#broker?.publish(requestPacket(request), () => undefined);
    });
    this.#subscribers = new Subscribers(
      (client) => this.#permissions.get(client),
      (drop) => {
        context.refuse(drop);
      },
    );
    const limits = {
      expiryMs: options.sessionExpiryHours * hourMs,
      maxSessions,
      maxQueued: options.maxQueuedMessages,
      maxQueuedBytes: 4_194_304,
      maxRetained: options.maxRetainedMessages,
      maxRetainedBytes: 8_388_608,
    };
    const ownerOf = (client: object): string => this.#permissions.get(client)?.username ?? "";
    this.#store = new SessionStore(
      join(context.stateFolder, "sessions.log"),
      context.clock,
      limits,
      ownerOf,
      (drop) => {
        context.refuse(drop);
      },
    );
  }

  /** The plain listener's port in use, once listening. */
  get port(): number | undefined {
    return this.#options.port === null ? undefined : this.#listeners[0]?.port;
  }

  get tlsPort(): number | undefined {
    return this.#options.tls === undefined ? undefined : this.#listeners.at(-1)?.port;
  }

  /** Messages that came again and were acknowledged without being stored again. */
  get repeatCount(): number {
    return this.#gate?.repeatCount ?? 0;
  }

  async start(): Promise<void> {
    this.#context.setState({ state: "starting", code: "starting", message: "starting the broker" });
    let access: BrokerAccess;
    try {
      access = await BrokerAccess.load(this.#options, this.#context.environment);
      await this.#restore();
    } catch (error) {
      const code = errorCode(error) === "config/secret-missing" ? "secret-missing" : "not-ready";
      this.#context.setState({ state: "offline", code, message: describeError(error) });
      this.#context.logger.error(`broker-${code}`, { error: describeError(error) });
      return;
    }
    this.#access = access;
    const gate = this.#openGate(access);
    const broker = await this.#openBroker(gate);
    if (this.#isStopping) {
      broker.close();
      await this.#store.close();
      return;
    }
    this.#broker = broker;
    gate.open(broker);
    this.#cancelExpiry = this.#context.clock.every(hourMs, () => {
      this.#noteStore(this.#store.expire());
    });
    this.#listeners = this.#makeListeners(broker, gate);
    await Promise.all(this.#listeners.map((listener) => listener.listen()));
  }

  async stop(): Promise<void> {
    if (this.#isStopping) return;
    this.#isStopping = true;
    this.#cancelExpiry?.();
    const closed = Promise.all(this.#listeners.map((listener) => listener.close()));
    // What is being written may still be acknowledged: otherwise its senders would send it again.
    this.#gate?.shut();
    await this.#within(stopTimeoutMs, this.#gate?.idle() ?? Promise.resolve());
    const broker = this.#broker;
    if (broker !== undefined) {
      await this.#within(stopTimeoutMs, new Promise<void>((resolve) => broker.close(resolve)));
    }
    for (const socket of this.#connections.keys()) socket.destroy();
    await closed;
    if (broker !== undefined) await this.#within(stopTimeoutMs, this.#store.close());
    this.#context.setState({ state: "offline", code: "stopped", message: "stopped" });
  }

  async #restore(): Promise<void> {
    const damaged = await this.#store.load();
    if (damaged === 0) return;
    const message = `${damaged} damaged lines of what was kept for subscribers are left out; the file was kept aside`;
    this.#context.refuse({ address: "sessions.log", code: "session-store-damaged", message });
  }

  #openGate(access: BrokerAccess): PublishGate {
    const { payloadLimitBytes, messagesPerSecond, drainTimeoutSeconds } = this.#options;
    this.#gate = new PublishGate({
      limits: { payloadLimitBytes, messagesPerSecond, drainTimeoutMs: drainTimeoutSeconds * 1_000 },
      messages: this.#messages,
      access,
      store: this.#store,
      context: this.#context,
      isHeard: () => this.#subscribers.count > 0 || this.#store.sessionCount > 0,
      onJournal: (error) => {
        this.#journalFailure = error;
        this.#report();
      },
    });
    return this.#gate;
  }

  async #openBroker(gate: PublishGate): Promise<Aedes> {
    const { Aedes: Broker } = await import("aedes");
    const broker = await Broker.createBroker({
      concurrency: 0, // no queue in the emitter: its backlog is what overflows the stack when the last subscriber leaves
      drainTimeout: this.#options.drainTimeoutSeconds * 1_000,
      queueLimit: 64,
      persistence: this.#store,
      preConnect: (client, packet, done) => {
        this.#preConnect(client, packet, done);
      },
      authenticate: (client, username, password, done) => {
        void this.#authenticate(client, username, password, done);
      },
      authorizePublish: (client, packet, done) => {
        gate.authorise(client, packet, done);
      },
      authorizeSubscribe: (client, subscription, done) => {
        this.#authorizeSubscribe(client, subscription, done);
      },
      authorizeForward: (client, packet) => this.#subscribers.forward(client, packet),
    });
    const onTrouble = (client: Client, error: Error): void => {
      this.#noteTrouble(client, error);
    };
    broker.on("clientError", onTrouble);
    broker.on("connectionError", onTrouble);
    broker.on("clientReady", (client) => {
      this.#subscribers.note(client);
      gate.opened(client);
    });
    broker.on("subscribe", (_, client) => this.#subscribers.note(client));
    broker.on("clientDisconnect", (client) => {
      this.#subscribers.left(client);
      gate.left(client);
      if (!client.clean) this.#noteStore(this.#store.leave(client.id));
    });
    broker.addListener("error", (error: unknown) => {
      this.#context.logger.error("broker-error", { error: describeError(error) });
    });
    return broker;
  }

  #makeListeners(broker: Aedes, gate: PublishGate): readonly BrokerListener[] {
    const { host, port, tls, maxConnections, payloadLimitBytes, messagesPerSecond } = this.#options;
    const shared = {
      mayConnect: () => this.#connections.size < maxConnections,
      onSocket: (socket: Socket) => {
        const connection = new BrokerConnection(socket, gate, messagesPerSecond);
        this.#connections.set(socket, connection);
        socket.once("close", () => this.#connections.delete(socket));
        tapSocket(socket, payloadLimitBytes + envelopeBytes, connection);
        broker.handle(socket);
      },
      onRefused: (address: string, code: string, message: string) => {
        this.#refuse(address, code, message);
      },
      onChange: () => {
        this.#report();
      },
    };
    const plain = port === null ? [] : [{ ...shared, host, port, tls: undefined }];
    const secure = tls === undefined ? [] : [{ ...shared, host: tls.host, port: tls.port, tls }];
    return [...plain, ...secure].map((target) => new BrokerListener(target, this.#context));
  }

  #preConnect(client: Client, packet: ConnectPacket, done: (error: Error | null, isAllowed: boolean) => void): void {
    if (packet.clientId !== "" || packet.clean === true) {
      // What is kept of a session is small, but client ids are the clients' to invent.
      if (packet.clean !== true && !this.#store.hasRoomFor(packet.clientId)) {
        packet.clean = true;
        this.#refuse(remoteOf(client), "too-many-sessions", `more than ${maxSessions} sessions: this one is not kept`);
      }
      done(null, true);
      return;
    }
    // [MQTT-3.1.3-8]: an empty client id with clean=false is answered with CONNACK 0x02. Nobody could ever come back to
    // such a session, it would only be kept.
    this.#refuse(remoteOf(client), "client-id-missing", "empty client id with clean session off");
    client.conn.write(Buffer.from([0x20, 2, 0, 2]));
    done(new FrostlightError("mqtt/client-id-missing", "peer", "empty client id with clean session off"), false);
  }

  async #authenticate(
    client: Client,
    username: string | undefined,
    password: Buffer | undefined,
    done: (error: AuthenticateError | null, isAllowed: boolean | null) => void,
  ): Promise<void> {
    const shown = clientCertificate(client.conn);
    const certificate = shown.kind === "verified" ? shown.name : undefined;
    const permission =
      shown.kind === "wrong" ? undefined : await this.#access?.authenticate({ username, password, certificate });
    const id = client.id.slice(0, 64);
    const connection = this.#connections.get(client.conn as Socket); // every stream that aedes handles is one of ours
    if (permission !== undefined && connection !== undefined && !this.#isTaken(client, permission)) {
      this.#permissions.set(client, permission);
      this.#gate?.admit(connection, client, permission);
      await this.#store.claim(client.id, permission.username).catch(() => undefined); // in memory it is claimed
      done(null, true);
      return;
    }
    const said = username === undefined ? "no user name" : `user name "${username.slice(0, 64)}"`;
    const who = certificate === undefined ? said : `the certificate of "${certificate.slice(0, 64)}"`;
    const [code, why] =
      shown.kind === "wrong"
        ? ["certificate-not-trusted", `a certificate that is not trusted (${shown.reason})`]
        : permission === undefined
          ? ["wrong-credentials", who]
          : ["client-id-taken", `${who}: a client of somebody else's has this id`];
    this.#refuse(remoteOf(client), code, `client "${id}" with ${why} was not let in`);
    // Slows down guessing.
    this.#context.clock.after(authenticationDelayMs, () => {
      const error = new FrostlightError(`mqtt/${code}`, "peer", why);
      done(Object.assign(error, { returnCode: code === "client-id-taken" ? 2 : 4 }), null);
    });
  }

  /** A client may take over its own connection [MQTT-3.1.4-2], not that of another user. */
  #isTaken(client: Client, permission: Permission): boolean {
    for (const { client: other, permission: held } of this.#connections.values()) {
      if (other !== client && other?.id === client.id && !other.closed) return held?.username !== permission.username;
    }
    return false;
  }

  #authorizeSubscribe(
    client: Client,
    subscription: Subscription,
    done: (error: Error | null, subscription?: Subscription | null) => void,
  ): void {
    const isAllowed = this.#permissions.get(client)?.maySubscribe(subscription.topic) === true;
    if (!isAllowed) {
      const topic = subscription.topic.slice(0, 256);
      this.#store.refuse(subscription, client.id, subscription.topic);
      this.#refuse(topic, "subscribe-not-allowed", `client "${client.id.slice(0, 64)}" may not subscribe`);
    }
    // aedes stores all subscriptions of a packet once the first is allowed: each must be judged before any is answered,
    // hence the next turn.
    setImmediate(done, null, isAllowed ? subscription : null);
  }

  #report(): void {
    if (this.#isStopping) return;
    const failures = this.#listeners.flatMap(({ failure }) => failure ?? []);
    const where = this.#listeners.filter(({ failure }) => failure === undefined).map(({ place }) => place);
    const set = (state: "ok" | "degraded" | "offline", code: string, message: string): void => {
      this.#context.setState({ state, code, message });
    };
    if (where.length === 0) set("offline", "listen-failed", failures.join("; "));
    else if (failures.length > 0) set("degraded", "listen-failed", failures.join("; "));
    else if (this.#journalFailure !== undefined) {
      set("degraded", "journal-not-writable", `readings are not acknowledged: ${describeError(this.#journalFailure)}`);
    } else if (this.#access?.letsSomebodyIn === true) set("ok", "listening", `listening on ${where.join(", ")}`);
    else {
      const why = "no users are configured and anonymous is off: nobody may connect";
      set("degraded", "nobody-allowed", `listening on ${where.join(", ")}, but ${why}`);
    }
  }

  /** Broken packets and the like; a connection that simply went away is nothing to show. */
  #noteTrouble(client: Client, error: Error): void {
    const isOurs = error instanceof FrostlightError || "returnCode" in error || "errorCode" in error;
    const id = client.id as string | null; // null until CONNECT was read
    this.#context.logger.debug("client-error", { client: id, error: describeError(error) });
    if (isOurs || errorCode(error) !== undefined || this.#isStopping) return;
    const who = id === null ? "a client that did not say who it is" : `client "${id.slice(0, 64)}"`;
    const code = error.message === "drain timeout" ? "client-frozen" : "connection-failed"; // aedes's own text: pinned version
    this.#refuse(remoteOf(client), code, `${who}: ${describeError(error)}`);
  }

  /** What cannot be kept for subscribers is logged; the sensors go on. */
  #noteStore(work: Promise<void>): void {
    work.catch((error: unknown) => {
      this.#context.logger.error("broker-store-failed", { error: describeError(error) });
    });
  }

  /** Waits for work that may never end. */
  async #within(limitMs: number, work: Promise<void>): Promise<void> {
    const over = new AbortController();
    const limit = this.#context.clock.sleep(limitMs, over.signal).catch(() => undefined);
    await Promise.race([work, limit]);
    over.abort();
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
  options: brokerOptions,
  address: mqttAddress,
  example: {
    options: { host: "127.0.0.1", port: 0, anonymous: true },
    address: mqttAddressExample,
  },
  open: (options, points, context): MqttBroker => new MqttBroker(options, points, context),
  check: checkBroker,
});
