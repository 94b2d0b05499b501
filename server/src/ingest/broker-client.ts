import { readFile } from "node:fs/promises";

import { contractLimits, encodeCommand, gatewayOfBatchTopic, topics } from "@frostlight/contract";
import {
  type CancelTimer,
  type Clock,
  describeError,
  FrostlightError,
  type Logger,
  type Part,
  readSecret,
} from "@frostlight/kernel";
import type { IClientOptions, IPublishPacket, MqttClient } from "mqtt";

import type { BatchAcceptor, CommandDispatcher, GatewayAccess } from "../core/ingest.ts";
import type { LivePublisher } from "../core/live.ts";
import { AckOutbox } from "./ack-outbox.ts";
import type { ExternalBrokerOptions } from "./broker-options.ts";
import { Presence } from "./presence.ts";
import { RefusalLog } from "./refusal-log.ts";

/** The broker does not tell who is connected: a gateway silent for so long is taken to be away. */
const silentAfterMs = 180_000;
const sweepMs = 30_000;
const reconnectMs = 1_000;
/** Our own messages that the broker has not acknowledged. */
const maxUnacknowledged = 10_000;
/** Gateways whose ack outbox is kept ready. */
const keptOutboxes = 10_000;

export interface BrokerClientDeps {
  readonly options: ExternalBrokerOptions;
  readonly ingest: BatchAcceptor;
  readonly stateStore: Pick<GatewayAccess, "gatewayCredentials" | "setConnected" | "disconnectAll">;
  readonly commands: CommandDispatcher;
  /** Shared with other ways in; its own when left out. */
  readonly presence?: Presence;
  readonly live?: LivePublisher;
  readonly clock: Clock;
  readonly logger: Logger;
  /** For secret references only. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export interface BrokerClient extends Part {
  connectedGateways(): readonly string[];
  isConnected(): boolean;
  refusals(): Readonly<Record<string, number>>;
}

/**
 * Takes batches from an MQTT broker that is there already (Mosquitto, EMQX, …). Who may publish where is that broker's
 * matter; here the signature decides, and what fails it gets no answer, so a stranger on the broker cannot speak for a
 * gateway. At most `window` batches are unsettled; beyond, the broker's PUBLISHes wait for their PUBACK.
 */
export function createBrokerClient(deps: BrokerClientDeps): BrokerClient {
  return new ExternalBroker(deps);
}

class ExternalBroker implements BrokerClient {
  readonly name = "broker-client";
  readonly #deps: BrokerClientDeps;
  readonly #presence: Presence;
  readonly #refusals: RefusalLog;
  readonly #outboxes = new Map<string, AckOutbox>();
  readonly #lastSeenMs = new Map<string, number>();
  /** PUBACKs held back because the window is full, oldest first. */
  readonly #held: (() => void)[] = [];
  #unsettled = 0;
  #unacknowledged = 0;
  readonly #settling = new Set<Promise<void>>();
  #client: MqttClient | undefined;
  #cancelSweep: CancelTimer = () => undefined;

  constructor(deps: BrokerClientDeps) {
    this.#deps = deps;
    this.#presence = deps.presence ?? new Presence({ ...deps, store: deps.stateStore, live: deps.live });
    this.#refusals = new RefusalLog("broker-message-refused", deps.logger);
  }

  connectedGateways(): readonly string[] {
    return this.#presence.gatewayIds();
  }

  isConnected(): boolean {
    return this.#client?.connected ?? false;
  }

  refusals(): Readonly<Record<string, number>> {
    return this.#refusals.counts();
  }

  /** Returns when the first connection is being made; an absent broker is tried again and again. */
  async start(): Promise<void> {
    if (this.#client !== undefined) return;
    const { options, clock, commands } = this.#deps;
    await this.#presence.reset();
    const settings = await this.#settings();
    const { connect } = await import("mqtt");
    const client = connect(options.url, settings);
    this.#client = client;
    client.handleMessage = (packet, done) => {
      this.#take(packet, done);
    };
    this.#watch(client);
    this.#cancelSweep = clock.every(sweepMs, () => {
      this.#sweep();
    });
    commands.attach({
      isConnected: (gatewayId) => client.connected && this.#presence.has(gatewayId),
      sendCommand: (gatewayId, command) => this.#publish(topics.commands(gatewayId), encodeCommand(command)),
    });
  }

  async stop(): Promise<void> {
    const client = this.#client;
    if (client === undefined) return;
    this.#client = undefined;
    this.#cancelSweep();
    await Promise.all(this.#settling);
    await client.endAsync(true);
    await this.#presence.settled();
  }

  async #settings(): Promise<IClientOptions> {
    const { options, environment } = this.#deps;
    const settings: IClientOptions = {
      clientId: options.clientId,
      clean: false,
      protocolVersion: 4,
      reconnectPeriod: reconnectMs,
      resubscribe: false,
    };
    if (options.username !== undefined) settings.username = options.username;
    if (options.password !== undefined) settings.password = await readSecret(options.password, environment);
    if (options.caFile !== undefined) settings.ca = await readFile(options.caFile);
    return settings;
  }

  #watch(client: MqttClient): void {
    const { options, logger } = this.#deps;
    const plain = topics.allBatches;
    const filter = options.sharedGroup === undefined ? plain : `$share/${options.sharedGroup}/${plain}`;
    let complaint = "";
    client.on("connect", () => {
      complaint = "";
      client.subscribe(filter, { qos: 1 }, (error, grants) => {
        const isRefused = (grants ?? []).some((grant) => grant.qos > 2);
        if (error === null && !isRefused) logger.info("broker-subscribed", { url: options.url, filter });
        else logger.error("broker-subscription-refused", { filter, error: describeError(error ?? "refused") });
      });
    });
    client.on("error", (error) => {
      const text = describeError(error);
      if (text !== complaint) logger.warn("broker-error", { url: options.url, error: text });
      complaint = text;
    });
    client.on("close", () => {
      if (complaint === "closed") return;
      complaint = "closed";
      logger.warn("broker-away", { url: options.url });
    });
  }

  /** mqtt.js reads on, and sends this message's PUBACK, when `done` is called. */
  #take(packet: IPublishPacket, done: () => void): void {
    const gatewayId = gatewayOfBatchTopic(packet.topic);
    const { payload } = packet;
    if (gatewayId === undefined || gatewayId.length > contractLimits.identifierLength || typeof payload === "string") {
      this.#refusals.add("topic-unexpected", { topic: packet.topic.slice(0, 200) });
      done();
      return;
    }
    this.#unsettled += 1;
    const settling = this.#settle(gatewayId, payload).finally(() => {
      this.#settling.delete(settling);
      this.#unsettled -= 1;
      this.#held.shift()?.();
    });
    this.#settling.add(settling);
    if (this.#unsettled < this.#deps.options.window) done();
    else this.#held.push(done);
  }

  /** Never rejects. */
  async #settle(gatewayId: string, payload: Uint8Array): Promise<void> {
    try {
      const { epoch, outcome, authentic } = await this.#deps.ingest.accept(gatewayId, payload);
      if (!authentic) {
        this.#refusals.add(outcome.reason, { gatewayId });
        return;
      }
      await this.#seen(gatewayId);
      if (epoch !== "") await this.#outboxOf(gatewayId).add(epoch, outcome);
    } catch (error) {
      this.#refusals.add("ack-undelivered", { gatewayId, error: describeError(error) });
    }
  }

  async #seen(gatewayId: string): Promise<void> {
    this.#lastSeenMs.set(gatewayId, this.#deps.clock.monotonicMs());
    if (this.#presence.has(gatewayId)) return;
    const known = await this.#deps.stateStore.gatewayCredentials(gatewayId);
    if (known === undefined) return;
    this.#presence.set(known, true);
    this.#deps.commands.gatewayReady(gatewayId);
  }

  #sweep(): void {
    const silentSinceMs = this.#deps.clock.monotonicMs() - silentAfterMs;
    for (const [gatewayId, seenMs] of this.#lastSeenMs) {
      if (seenMs > silentSinceMs) continue;
      this.#lastSeenMs.delete(gatewayId);
      this.#presence.leave(gatewayId);
    }
  }

  #outboxOf(gatewayId: string): AckOutbox {
    const known = this.#outboxes.get(gatewayId);
    if (known !== undefined) return known;
    const made = new AckOutbox((payload) => this.#publish(topics.acks(gatewayId), payload));
    if (this.#outboxes.size >= keptOutboxes) this.#outboxes.clear();
    this.#outboxes.set(gatewayId, made);
    return made;
  }

  /**
   * Rejects at once while the broker is away or takes nothing: mqtt.js would queue without bound. Does not wait for the
   * PUBACK: while the window is full nothing is read, and it could never come.
   */
  async #publish(topic: string, payload: Uint8Array): Promise<void> {
    const client = this.#client;
    if (client?.connected !== true) throw new FrostlightError("broker/away", "peer", "the broker is not connected");
    if (this.#unacknowledged >= maxUnacknowledged) {
      throw new FrostlightError("broker/slow", "peer", "the broker acknowledges nothing");
    }
    this.#unacknowledged += 1;
    client.publish(topic, Buffer.from(payload), { qos: 1 }, () => {
      this.#unacknowledged -= 1;
    });
  }
}
