import { describeError, FrostlightError } from "@frostlight/kernel";
import type { Aedes, Client, PublishPacket } from "aedes";

import type { Reading } from "../core/reading.ts";
import type { SourceContext } from "../core/source.ts";
import type { BrokerAccess, Permission } from "./broker-access.ts";
import type { BrokerConnection, ConnectionOwner, Delivery, KnownTopic } from "./broker-connection.ts";
import { deliveryReceipt, receiptSeed } from "./delivery-receipt.ts";
import type { MqttMessages } from "./mqtt-messages.ts";
import type { OversizedFrame, PublishFrame } from "./publish-tap.ts";
import { RepeatDeliveries } from "./repeat-deliveries.ts";
import type { BrokerPacket, SessionStore } from "./session-store.ts";
import { WriteGroup } from "./write-group.ts";

interface PublishLimits {
  readonly payloadLimitBytes: number;
  readonly messagesPerSecond: number;
  readonly drainTimeoutMs: number;
}

/** What the gate needs of the broker around it. */
export interface GateParts {
  readonly limits: PublishLimits;
  readonly messages: MqttMessages;
  readonly access: BrokerAccess;
  readonly store: SessionStore;
  readonly context: SourceContext;
  /** True when somebody could be waiting for messages now. */
  readonly isHeard: () => boolean;
  /** Told when the journal stops taking messages (with the error) and when it takes them again. */
  readonly onJournal: (error: unknown) => void;
}

/** Public in aedes, missing in its types: delivers to the subscribers that are here. */
interface BrokerInside {
  readonly mq: { emit(packet: BrokerPacket, done: () => void): void };
}

type Done = (error?: Error | null) => void;

const maxTopicLevels = 100;
const maxKnownClients = 10_000;

/**
 * Where messages pass from the broker to the journal. A PUBLISH of QoS 0 or 1 comes from the tap and is acknowledged here;
 * one of QoS 2 and wills come through aedes's `authorizePublish`, the hook before PUBREC. Either way: permission, rate,
 * decode, written durably, kept for subscribers that are away, acknowledged, delivered to those that are here. What cannot
 * be written is not acknowledged and the connection is closed, so that its sender sends it again [MQTT-4.4.0-1].
 */
export class PublishGate implements ConnectionOwner {
  readonly #parts: GateParts;
  readonly #group: WriteGroup<Delivery>;
  readonly #connections = new WeakMap<Client, BrokerConnection>();
  readonly #repeats = new Map<string, RepeatDeliveries<Delivery>>();
  #broker: BrokerInside | undefined;
  #isJournalFailing = false;
  #onTheirWay = 0;
  #whenIdle: (() => void)[] = [];
  #repeatCount = 0;

  constructor(parts: GateParts) {
    this.#parts = parts;
    this.#group = new WriteGroup(
      (readings, receipts) => parts.context.submit(readings, receipts),
      (deliveries) => {
        this.#written(deliveries);
      },
      (delivery, error) => {
        this.#unwritten(delivery, error);
      },
    );
  }

  get clock(): SourceContext["clock"] {
    return this.#parts.context.clock;
  }

  get drainTimeoutMs(): number {
    return this.#parts.limits.drainTimeoutMs;
  }

  get isOpen(): boolean {
    return this.#broker !== undefined;
  }

  /** Messages that came again and were acknowledged without being stored again. */
  get repeatCount(): number {
    return this.#repeatCount;
  }

  open(broker: Aedes): void {
    this.#broker = broker as unknown as BrokerInside; // see there
  }

  shut(): void {
    this.#broker = undefined;
  }

  /** Resolves when no message is on its way. */
  idle(): Promise<void> {
    if (this.#onTheirWay === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#whenIdle.push(resolve);
    });
  }

  /** A client was let in: it may publish from now on. */
  admit(connection: BrokerConnection, client: Client, permission: Permission): void {
    connection.client = client;
    connection.permission = permission;
    connection.repeats = this.#repeatsOf(client.id);
    this.#connections.set(client, connection);
  }

  /** Its session is restored and its CONNACK is out. */
  opened(client: Client): void {
    this.#connections.get(client)?.opened();
  }

  left(client: Client): void {
    const connection = this.#connections.get(client);
    connection?.repeats?.connectionEnded(connection.hasDisconnected);
  }

  onPublish(connection: BrokerConnection, frame: PublishFrame): void {
    const { topic, payload, qos, messageId } = frame;
    const known = connection.topics.get(topic) ?? this.#know(connection, topic);
    const problem = known.refusal ?? this.#sizeProblem(payload.byteLength);
    if (problem !== undefined) {
      this.#refuse(topic, problem.code, problem.message);
      connection.socket.destroy();
      return;
    }
    const receipt = qos === 0 ? 0 : deliveryReceipt(known.seed, messageId, payload);
    const delivery: Delivery = {
      connection,
      qos,
      messageId,
      receipt,
      topic,
      payloadBytes: payload.byteLength,
      packet: this.#packetFor(connection, known, frame),
      answer: undefined,
      followers: undefined,
      isDone: false,
    };
    connection.take(delivery);
    this.#take(delivery, known, payload, frame.dup);
  }

  onOversized(connection: BrokerConnection, { declaredBytes, topic }: OversizedFrame): void {
    const { payloadLimitBytes } = this.#parts.limits;
    const where = topic === "" ? (connection.socket.remoteAddress ?? "unknown") : topic;
    const message = `packet of ${declaredBytes} bytes, at most ${payloadLimitBytes} bytes of payload allowed; client disconnected`;
    this.#refuse(where, "payload-too-large", message);
  }

  onMalformed(connection: BrokerConnection, reason: string): void {
    const message = `client "${connection.id.slice(0, 64)}" sent ${reason}; client disconnected`;
    this.#refuse(connection.socket.remoteAddress ?? "unknown", "connection-failed", message);
  }

  onThrottled(connection: BrokerConnection, isThrottled: boolean): void {
    const event = isThrottled ? "client-slowed-down" : "client-slow-enough";
    const { messagesPerSecond } = this.#parts.limits;
    this.#parts.context.logger.debug(event, { client: connection.id, perSecond: messagesPerSecond });
  }

  onFrozen(connection: BrokerConnection): void {
    const message = `client "${connection.id.slice(0, 64)}" did not read for ${this.drainTimeoutMs} ms; client disconnected`;
    this.#refuse(connection.socket.remoteAddress ?? "unknown", "client-frozen", message);
  }

  /** aedes's hook: QoS 2 and wills. */
  authorise(client: Client | null, packet: PublishPacket, done: Done): void {
    const connection = client === null ? undefined : this.#connections.get(client);
    if (!this.isOpen || connection === undefined) {
      done(new FrostlightError("mqtt/not-ready", "resource", "the broker is stopping or the client is unknown"));
      return;
    }
    const payload = typeof packet.payload === "string" ? Buffer.from(packet.payload) : packet.payload;
    const { topic, messageId = 0, dup } = packet;
    const known = connection.topics.get(topic) ?? this.#know(connection, topic);
    const problem = known.refusal ?? this.#sizeProblem(payload.byteLength);
    if (problem !== undefined) {
      this.#refuse(topic, problem.code, problem.message);
      done(new FrostlightError(`mqtt/${problem.code}`, "peer", `${topic.slice(0, 256)}: ${problem.message}`));
      return;
    }
    packet.dup = false; // towards subscribers it is the first time [MQTT-3.3.1-3]
    if (!known.mayBeHeard) packet.retain = false;
    const isTaken = packet.qos === 2 && this.#parts.store.hasIncoming({ id: connection.id }, messageId);
    if (isTaken || known.isReserved) {
      if (known.isReserved) packet.retain = false;
      done(null);
      return;
    }
    const receipt = packet.qos === 0 || messageId === 0 ? 0 : deliveryReceipt(known.seed, messageId, payload);
    const delivery: Delivery = {
      connection,
      qos: packet.qos,
      messageId,
      receipt,
      topic,
      payloadBytes: payload.byteLength,
      packet: undefined,
      answer: done,
      followers: undefined,
      isDone: false,
    };
    connection.take(delivery);
    this.#take(delivery, known, payload, dup);
  }

  #take(delivery: Delivery, known: KnownTopic, payload: Buffer, dup: boolean): void {
    const { connection, messageId, receipt, topic } = delivery;
    const { repeats } = connection;
    this.#onTheirWay += 1;
    if (dup && messageId !== 0 && repeats !== undefined) {
      const repeat = repeats.find(messageId, receipt);
      if (repeat.kind !== "new") {
        this.#repeatCount += 1;
        this.#parts.context.logger.debug("repeat-acknowledged", { topic, client: connection.id });
        if (repeat.kind === "recorded") this.#settle(delivery);
        else (repeat.first.followers ??= []).push(delivery);
        return;
      }
    }
    const receivedMs = this.clock.nowMs();
    // The retain flag of an incoming PUBLISH asks to keep the message; it does not say that it is old [MQTT-3.3.1-5].
    const readings: readonly Reading[] = known.isReserved
      ? []
      : this.#parts.messages.read({ topic, payload, receivedMs, retained: false }, known.targets);
    if (readings.length === 0) {
      this.#settle(delivery);
      return;
    }
    if (messageId !== 0) repeats?.begin(delivery, dup);
    this.#group.add(delivery, readings);
  }

  #written(deliveries: readonly Delivery[]): void {
    this.#noteJournal(undefined);
    const nowMs = this.clock.monotonicMs();
    const connections = new Set<BrokerConnection>();
    for (const delivery of deliveries) {
      if (delivery.messageId !== 0) delivery.connection.repeats?.recorded(delivery, nowMs);
      this.#settle(delivery);
      connections.add(delivery.connection);
      for (const follower of delivery.followers ?? []) {
        this.#settle(follower);
        connections.add(follower.connection);
      }
    }
    for (const connection of connections) connection.acknowledge();
  }

  #unwritten(delivery: Delivery, error: unknown): void {
    this.#noteJournal(error);
    if (delivery.messageId !== 0) delivery.connection.repeats?.failed(delivery);
    for (const one of [delivery, ...(delivery.followers ?? [])]) this.#giveUp(one, error);
  }

  #giveUp(delivery: Delivery, cause: unknown): void {
    const { connection, topic, qos, answer } = delivery;
    if (qos === 0) {
      this.#refuse(topic, "not-written", `reading lost, QoS 0 is not sent again: ${describeError(cause)}`);
    }
    const message = "the message could not be written";
    const error = new FrostlightError("mqtt/not-written", "resource", message, { cause });
    if (answer === undefined) connection.socket.destroy();
    this.#finish(delivery, false);
    answer?.(error);
  }

  /** Its readings are durable, or it has none: now the subscribers, then its sender. */
  #settle(delivery: Delivery): void {
    const { packet } = delivery;
    if (packet === undefined) {
      this.#finish(delivery, true);
      return;
    }
    this.#parts.store.number(packet);
    this.#parts.store.keep(packet).then(
      () => {
        this.#deliver(delivery, packet);
      },
      (error: unknown) => {
        this.#giveUp(delivery, error);
      },
    );
  }

  #deliver(delivery: Delivery, packet: BrokerPacket): void {
    const { connection } = delivery;
    delivery.isDone = true;
    connection.acknowledge();
    // A subscriber that does not read holds up those who publish to it, for as long as it is given to read.
    if (this.#broker === undefined) this.#finish(delivery, true);
    else {
      this.#broker.mq.emit(packet, () => {
        this.#finish(delivery, true);
        connection.acknowledge();
      });
    }
  }

  #finish(delivery: Delivery, isDurable: boolean): void {
    delivery.connection.finish(delivery, isDurable);
    if (isDurable) delivery.answer?.(null);
    this.#onTheirWay -= 1;
    if (this.#onTheirWay === 0) for (const tell of this.#whenIdle.splice(0)) tell();
  }

  #packetFor(connection: BrokerConnection, known: KnownTopic, frame: PublishFrame): BrokerPacket | undefined {
    if (!known.mayBeHeard || known.isReserved || !(frame.retain || this.#parts.isHeard())) return undefined;
    const { topic, payload, qos, retain } = frame;
    return { cmd: "publish", topic, payload: Buffer.from(payload), qos, retain, dup: false, clientId: connection.id };
  }

  #know(connection: BrokerConnection, topic: string): KnownTopic {
    const { access, messages } = this.#parts;
    const { permission } = connection;
    // "$" topics are the broker's own; a client that tries one harms nobody but gets no say in $SYS [MQTT-4.7.2-1].
    const isReserved = topic.startsWith("$") && !topic.startsWith("$SYS");
    if (isReserved) this.#refuse(topic, "topic-reserved", "topics that begin with $ are the broker's own: dropped");
    return connection.know(topic, {
      refusal: malformed(topic) ?? (isReserved ? undefined : notAllowed(topic, permission)),
      isReserved,
      targets: isReserved ? [] : messages.targets(topic),
      seed: receiptSeed(connection.id, topic),
      mayBeHeard: access.mayBeHeard(topic),
    });
  }

  #sizeProblem(bytes: number): KnownTopic["refusal"] {
    const { payloadLimitBytes } = this.#parts.limits;
    if (bytes <= payloadLimitBytes) return undefined;
    const message = `payload of ${bytes} bytes, at most ${payloadLimitBytes} allowed; client disconnected`;
    return { code: "payload-too-large", message };
  }

  #repeatsOf(clientId: string): RepeatDeliveries<Delivery> {
    const known = this.#repeats.get(clientId);
    this.#repeats.delete(clientId);
    const repeats = known ?? new RepeatDeliveries((receipt) => this.#parts.context.wasRecorded(receipt));
    this.#repeats.set(clientId, repeats);
    for (const longestAgo of this.#repeats.keys()) {
      if (this.#repeats.size <= maxKnownClients) break;
      this.#repeats.delete(longestAgo);
    }
    return repeats;
  }

  #noteJournal(failure: unknown): void {
    const isFailing = failure !== undefined;
    if (isFailing === this.#isJournalFailing) return;
    this.#isJournalFailing = isFailing;
    this.#parts.onJournal(failure);
  }

  #refuse(topic: string, code: string, message: string): void {
    this.#parts.context.refuse({ address: topic.slice(0, 256), code, message });
  }
}

function malformed(topic: string): KnownTopic["refusal"] {
  const isWrong = topic === "" || /[+#\0\uFFFD]/.test(topic) || topic.split("/").length > maxTopicLevels;
  if (!isWrong) return undefined;
  return { code: "connection-failed", message: "no topic of MQTT 3.1.1 (section 4.7.3); client disconnected" };
}

function notAllowed(topic: string, permission: Permission | undefined): KnownTopic["refusal"] {
  if (permission?.mayPublish(topic) === true) return undefined;
  const message = `user "${permission?.username ?? ""}" may not publish here; client disconnected`;
  return { code: "publish-not-allowed", message };
}
