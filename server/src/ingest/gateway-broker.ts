import { contractLimits, encodeCommand, topics } from "@frostlight/contract";
import { type Clock, describeError, FrostlightError, type Logger, type Part } from "@frostlight/kernel";
import { Aedes, type AuthenticateError, type Client, type PublishPacket } from "aedes";

import type { CertificateRegister, ServerCredentials } from "../core/authority.ts";
import type { BatchAcceptor, CommandDispatcher, GatewayAccess, KnownGateway } from "../core/ingest.ts";
import type { LivePublisher } from "../core/live.ts";
import { AckOutbox } from "./ack-outbox.ts";
import { BrokerListeners } from "./broker-listeners.ts";
import type { EmbeddedBrokerOptions } from "./broker-options.ts";
import { authenticateGateway } from "./gateway-auth.ts";
import { peerCertificateOf, refuseCertificate } from "./mutual-tls.ts";
import { limitPackets } from "./packet-limit.ts";
import { Presence } from "./presence.ts";
import { RefusalLog } from "./refusal-log.ts";

/** A batch, its seal, a topic and the headers. */
const packetBytes = contractLimits.batchBytes + 4_096;
/** Nobody has proven who they are yet: a CONNECT is small. */
const connectBytes = 4_096;

export interface GatewayBrokerDeps {
  readonly options: EmbeddedBrokerOptions;
  readonly ingest: BatchAcceptor;
  readonly stateStore: Pick<GatewayAccess, "gatewayCredentials" | "setConnected" | "disconnectAll" | "onRevoked"> &
    Pick<CertificateRegister, "certificateStanding">;
  /** Of the server's authority, for the listener with mutual TLS; without it there is none. */
  readonly credentials?: () => Promise<ServerCredentials>;
  readonly commands: CommandDispatcher;
  /** Told when gateways come and go. */
  readonly live?: LivePublisher;
  /** Shared with other ways in; its own when left out. */
  readonly presence?: Presence;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface GatewayBroker extends Part {
  /** The port listened on. Throws before `start`. */
  port(): number;
  /** The port of the listener with mutual TLS, if there is one. */
  mutualTlsPort(): number | undefined;
  connectedGateways(): readonly string[];
  /** Refused connections, topics and packets since the start, by reason. */
  refusals(): Readonly<Record<string, number>>;
}

/**
 * The embedded broker for gateways, and for nothing else: no retained messages, no wills, no sessions, no message from one
 * client to another. A batch is handed to the ingest inside the publish hook, so the connection is not read further than
 * one buffer ahead of the commits: memory stays bounded whatever gateways send.
 */
export function createGatewayBroker(deps: GatewayBrokerDeps): GatewayBroker {
  return new EmbeddedBroker(deps);
}

/** What is known of a connection after its CONNECT was accepted. */
interface Session {
  readonly gateway: KnownGateway;
  readonly acks: AckOutbox;
  readonly subscribed: Set<string>;
}

interface Running {
  readonly listeners: BrokerListeners;
  readonly aedes: Aedes;
  readonly forgetRevoked: () => void;
}

class EmbeddedBroker implements GatewayBroker {
  readonly name = "gateway-broker";
  readonly #deps: GatewayBrokerDeps;
  readonly #presence: Presence;
  readonly #refusals: RefusalLog;
  readonly #sessions = new Map<Client, Session>();
  readonly #clients = new Map<string, Client>();
  readonly #withWill = new WeakSet<Client>();
  #running: Running | undefined;

  constructor(deps: GatewayBrokerDeps) {
    this.#deps = deps;
    this.#presence = deps.presence ?? new Presence({ ...deps, store: deps.stateStore, live: deps.live });
    this.#refusals = new RefusalLog("gateway-connection-refused", deps.logger);
  }

  port(): number {
    const port = this.#running?.listeners.port();
    if (port !== undefined) return port;
    throw new FrostlightError("broker/not-started", "bug", "the gateway broker does not listen");
  }

  mutualTlsPort(): number | undefined {
    return this.#running?.listeners.mutualTlsPort();
  }

  connectedGateways(): readonly string[] {
    return this.#presence.gatewayIds();
  }

  refusals(): Readonly<Record<string, number>> {
    return this.#refusals.counts();
  }

  async start(): Promise<void> {
    if (this.#running !== undefined) return;
    const { stateStore, commands, credentials } = this.#deps;
    await this.#presence.reset();
    const aedes = await this.#createAedes();
    const listeners = new BrokerListeners({
      ...this.#deps,
      credentials,
      refusals: this.#refusals,
      onConnection: (socket) => {
        const client = aedes.handle(socket);
        limitPackets(socket, () => (this.#sessions.has(client) ? packetBytes : connectBytes));
      },
    });
    await listeners.open();
    const forgetRevoked = stateStore.onRevoked((gatewayId) => {
      for (const [client, session] of this.#sessions) if (session.gateway.gatewayId === gatewayId) client.close();
    });
    this.#running = { listeners, aedes, forgetRevoked };
    commands.attach({
      isConnected: (gatewayId) => this.#isReachable(gatewayId),
      sendCommand: (gatewayId, command) => this.#send(gatewayId, topics.commands(gatewayId), encodeCommand(command)),
    });
  }

  async stop(): Promise<void> {
    const running = this.#running;
    if (running === undefined) return;
    this.#running = undefined;
    running.forgetRevoked();
    const farewell = (): Promise<void> =>
      new Promise((resolve) => {
        running.aedes.close(() => {
          resolve();
        });
      });
    await running.listeners.close(farewell);
    await this.#presence.settled();
  }

  async #createAedes(): Promise<Aedes> {
    const { options, logger } = this.#deps;
    const aedes = await Aedes.createBroker({
      connectTimeout: options.connectTimeoutMs,
      drainTimeout: options.drainTimeoutMs,
      preConnect: (client, packet, done) => {
        // There are no sessions here: whatever a gateway missed it asks for by sending again.
        packet.clean = true;
        if (packet.will !== undefined) this.#withWill.add(client);
        done(null, true);
      },
      authenticate: (client, username, password, done) => {
        void relay(this.#authenticate(client, username, password), (error, refusal) => {
          if (error !== null) logger.warn("gateway-authentication-failed", { error: describeError(error) });
          const answer = error === null ? refusal : connectError(3, "the server cannot check credentials now");
          done(answer ?? null, answer === undefined);
        });
      },
      authorizePublish: (client, packet, done) => {
        void relay(this.#takePublish(client, packet), done);
      },
      authorizeSubscribe: (client, subscription, done) => {
        const session = this.#sessions.get(client);
        const id = session?.gateway.gatewayId ?? "";
        if (subscription.topic === topics.acks(id) || subscription.topic === topics.commands(id)) {
          done(null, subscription);
          return;
        }
        this.#refusals.add("topic-not-allowed", { gatewayId: id, topic: subscription.topic.slice(0, 200) });
        done(null, null);
      },
      published: (_packet, _client, done) => {
        done(null);
      },
    });
    aedes.on("clientReady", (client) => {
      const session = this.#sessions.get(client);
      if (session === undefined) return;
      this.#clients.set(session.gateway.gatewayId, client);
      this.#presence.set(session.gateway, true);
    });
    aedes.on("subscribe", (subscriptions, client) => {
      this.#subscribed(client, subscriptions);
    });
    aedes.on("unsubscribe", (unsubscribed, client) => {
      for (const topic of unsubscribed) this.#sessions.get(client)?.subscribed.delete(topic);
    });
    aedes.on("clientDisconnect", (client) => {
      this.#forget(client);
    });
    const onError = (client: Client, error: Error): void => {
      const gatewayId = this.#sessions.get(client)?.gateway.gatewayId ?? "";
      const reason = error instanceof RangeError ? "packet-too-large" : "connection-error";
      this.#refusals.add(reason, { gatewayId, error: describeError(error) });
    };
    aedes.on("clientError", onError);
    aedes.on("connectionError", onError);
    return aedes;
  }

  /** @returns what the CONNACK says when the connection is refused */
  async #authenticate(
    client: Client,
    username: string | undefined,
    password: Uint8Array | undefined,
  ): Promise<AuthenticateError | undefined> {
    const result = await authenticateGateway(this.#deps.stateStore, username, password);
    if (result.kind === "refused") {
      this.#refusals.add(result.reason, { gatewayId: username?.slice(0, contractLimits.identifierLength) ?? "" });
      return result.reason === "gateway-revoked" ? connectError(5, "revoked") : connectError(4, "bad credentials");
    }
    const { gateway } = result;
    const certificate = peerCertificateOf(client.conn);
    const refusal = certificate && (await refuseCertificate(this.#deps.stateStore, certificate, gateway.gatewayId));
    if (refusal !== undefined) {
      this.#refusals.add(refusal, { gatewayId: gateway.gatewayId, certificate: certificate?.commonName.slice(0, 128) });
      return connectError(5, refusal);
    }
    // A session belongs to its client id: with a free choice one gateway could throw out another.
    if (client.id !== gateway.gatewayId) {
      this.#refusals.add("client-id-not-gateway", { gatewayId: gateway.gatewayId, clientId: client.id.slice(0, 128) });
      return connectError(2, "the client id must be the gateway id");
    }
    if (this.#withWill.has(client)) {
      this.#refusals.add("will-not-allowed", { gatewayId: gateway.gatewayId });
      return connectError(5, "wills are not used here");
    }
    if (client.conn.destroyed) return undefined;
    const acks = new AckOutbox((payload) => this.#sendAck(client, gateway.gatewayId, payload));
    this.#sessions.set(client, { gateway, acks, subscribed: new Set() });
    client.conn.once("close", () => {
      this.#forget(client);
    });
    return undefined;
  }

  /** Resolves when the batch has its outcome; the PUBACK waits for that. Rejects to end the connection. */
  async #takePublish(client: Client | null, packet: PublishPacket): Promise<void> {
    const session = client === null ? undefined : this.#sessions.get(client);
    const gatewayId = session?.gateway.gatewayId ?? "";
    if (session === undefined || packet.topic !== topics.batches(gatewayId)) {
      this.#refusals.add("topic-not-allowed", { gatewayId, topic: packet.topic.slice(0, 200) });
      throw new Error("publishing to this topic is not allowed");
    }
    if (packet.qos === 2) throw new Error("batches go at QoS 1");
    const payload = typeof packet.payload === "string" ? Buffer.from(packet.payload) : packet.payload;
    // What aedes does with the packet after this hook concerns nobody: give it nothing to keep.
    packet.payload = Buffer.alloc(0);
    packet.retain = false;
    const { epoch, outcome } = await this.#deps.ingest.accept(gatewayId, payload);
    if (epoch !== "") await session.acks.add(epoch, outcome);
  }

  #subscribed(client: Client, subscriptions: readonly { readonly topic: string; readonly qos: number }[]): void {
    const session = this.#sessions.get(client);
    if (session === undefined) return;
    const { gatewayId } = session.gateway;
    for (const { topic, qos } of subscriptions) if (qos <= 2) session.subscribed.add(topic);
    if (session.subscribed.has(topics.commands(gatewayId))) this.#deps.commands.gatewayReady(gatewayId);
  }

  #forget(client: Client): void {
    const session = this.#sessions.get(client);
    if (session === undefined) return;
    this.#sessions.delete(client);
    const { gatewayId } = session.gateway;
    const current = this.#clients.get(gatewayId);
    if (current !== undefined && current !== client) return;
    this.#clients.delete(gatewayId);
    this.#presence.set(session.gateway, false);
  }

  #isReachable(gatewayId: string): boolean {
    const client = this.#clients.get(gatewayId);
    const session = client === undefined ? undefined : this.#sessions.get(client);
    return session?.subscribed.has(topics.commands(gatewayId)) ?? false;
  }

  async #send(gatewayId: string, topic: string, payload: Uint8Array): Promise<void> {
    const client = this.#clients.get(gatewayId);
    if (client === undefined) {
      throw new FrostlightError("broker/gateway-away", "peer", `gateway ${gatewayId} is not connected`);
    }
    await publishTo(client, topic, payload);
  }

  async #sendAck(client: Client, gatewayId: string, payload: Uint8Array): Promise<void> {
    const topic = topics.acks(gatewayId);
    if (this.#sessions.get(client)?.subscribed.has(topic) !== true) {
      this.#refusals.add("ack-without-listener", { gatewayId });
      return;
    }
    try {
      await publishTo(client, topic, payload);
    } catch (error) {
      this.#refusals.add("ack-undelivered", { gatewayId, error: describeError(error) });
    }
  }
}

function publishTo(client: Client, topic: string, payload: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    const packet: PublishPacket = {
      cmd: "publish",
      topic,
      payload: Buffer.from(payload),
      qos: 1,
      dup: false,
      retain: false,
    };
    client.publish(packet, (error) => {
      if (error === undefined || error === null) resolve();
      else reject(error);
    });
  });
}

/** Tells a callback how a promise ended. */
async function relay<T>(promise: Promise<T>, done: (error: Error | null, value?: T) => void): Promise<void> {
  let value: T;
  try {
    value = await promise;
  } catch (error) {
    done(error instanceof Error ? error : new Error(String(error)));
    return;
  }
  done(null, value);
}

/** CONNACK return codes of MQTT 3.1.1 table 3.1. */
function connectError(returnCode: 2 | 3 | 4 | 5, message: string): AuthenticateError {
  // oxlint-disable-next-line typescript/no-unsafe-enum-assignment -- aedes' codes are an enum of types only
  return Object.assign(new Error(message), { returnCode });
}
