import type { Socket } from "node:net";

import type { CancelTimer, Clock } from "@frostlight/kernel";
import type { Client } from "aedes";

import type { Permission } from "./broker-access.ts";
import type { ReceiptSeed } from "./delivery-receipt.ts";
import type { MqttTarget } from "./mqtt-messages.ts";
import type { OversizedFrame, PublishFrame, TapHandler } from "./publish-tap.ts";
import type { RepeatDeliveries } from "./repeat-deliveries.ts";
import type { BrokerPacket } from "./session-store.ts";
import { TokenBucket } from "./token-bucket.ts";

/** A message on its way: read, written, kept, acknowledged. */
export interface Delivery {
  readonly connection: BrokerConnection;
  readonly qos: number;
  /** 0 for QoS 0. */
  readonly messageId: number;
  readonly receipt: number;
  readonly topic: string;
  readonly payloadBytes: number;
  /** For subscribers; undefined when there can be none. */
  readonly packet: BrokerPacket | undefined;
  /** Called instead of a PUBACK by whom aedes waits for (QoS 2, wills). */
  readonly answer: ((error?: Error | null) => void) | undefined;
  /** Repeats that came while this one was being written. */
  followers: Delivery[] | undefined;
  isDone: boolean;
}

/** What is known of a topic on one connection. */
export interface KnownTopic {
  /** Why a client that publishes here is cut off; undefined: it may. */
  readonly refusal: { readonly code: string; readonly message: string } | undefined;
  /** Not for us and not for anybody: acknowledged, dropped, shown. */
  readonly isReserved: boolean;
  readonly targets: readonly MqttTarget[];
  readonly seed: ReceiptSeed;
  readonly mayBeHeard: boolean;
}

/** Public in aedes, missing in its types. */
interface ClientInside {
  readonly _keepaliveTimer: { refresh(): unknown } | null;
  readonly _disconnected: boolean;
}

const maxInFlight = 1_000;
const maxInFlightBytes = 1_048_576;
const maxKnownTopics = 1_000;
/** aedes's keep-alive timer is put back this often at most: well below half of the shortest keep-alive, 1 s. */
const keepaliveStepMs = 250;

export interface ConnectionOwner {
  readonly clock: Clock;
  readonly isOpen: boolean;
  readonly drainTimeoutMs: number;
  onPublish(connection: BrokerConnection, frame: PublishFrame): void;
  onOversized(connection: BrokerConnection, frame: OversizedFrame): void;
  onMalformed(connection: BrokerConnection, reason: string): void;
  onThrottled(connection: BrokerConnection, isThrottled: boolean): void;
  onFrozen(connection: BrokerConnection): void;
}

/** One client of the broker: when it may be read, and its acknowledgements in the order of its messages [MQTT-4.6.0-2]. */
export class BrokerConnection implements TapHandler {
  readonly socket: Socket;
  readonly topics = new Map<string, KnownTopic>();
  client: Client | undefined;
  permission: Permission | undefined;
  repeats: RepeatDeliveries<Delivery> | undefined;
  readonly #owner: ConnectionOwner;
  readonly #bucket: TokenBucket;
  readonly #unacknowledged: Delivery[] = [];
  #inFlight = 0;
  #inFlightBytes = 0;
  #waitMs = 0;
  #refreshedMs = -Infinity;
  #isThrottled = false;
  #isDraining = false;
  #isStarved = false;
  #isEarly = false;
  #cancelWait: CancelTimer | undefined;

  constructor(socket: Socket, owner: ConnectionOwner, messagesPerSecond: number) {
    this.socket = socket;
    this.#owner = owner;
    this.#bucket = new TokenBucket(messagesPerSecond, messagesPerSecond, owner.clock.monotonicMs());
    socket.once("close", () => this.#cancelWait?.());
  }

  get id(): string {
    return this.client?.id ?? "";
  }

  get isOpen(): boolean {
    return this.client?.connected === true && this.permission !== undefined && this.#owner.isOpen;
  }

  get isReading(): boolean {
    const isFull = this.#inFlight >= maxInFlight || this.#inFlightBytes >= maxInFlightBytes;
    if (!isFull && !this.#isThrottled && !this.#isDraining && !this.#isEarly) return true;
    this.#isStarved = true;
    return false;
  }

  /** It said goodbye. */
  get hasDisconnected(): boolean {
    return (this.client as unknown as ClientInside | undefined)?._disconnected === true; // see there
  }

  know(topic: string, known: KnownTopic): KnownTopic {
    if (this.topics.size >= maxKnownTopics) this.topics.clear();
    this.topics.set(topic, known);
    return known;
  }

  /** Counts a message against the client's rate; it is slowed down after the chunk. */
  countMessage(): void {
    this.#waitMs = Math.max(this.#waitMs, this.#bucket.take(this.#owner.clock.monotonicMs()));
  }

  onPublish(frame: PublishFrame): void {
    this.countMessage();
    this.#owner.onPublish(this, frame);
  }

  onChunk(): void {
    const nowMs = this.#owner.clock.monotonicMs();
    if (nowMs - this.#refreshedMs > keepaliveStepMs) {
      this.#refreshedMs = nowMs;
      (this.client as unknown as ClientInside | undefined)?._keepaliveTimer?.refresh(); // see there
    }
    this.acknowledge();
    const waitMs = this.#waitMs;
    this.#waitMs = 0;
    if (waitMs <= 0 || this.#isThrottled) return;
    this.#isThrottled = true;
    this.#owner.onThrottled(this, true);
    this.#cancelWait = this.#owner.clock.after(waitMs, () => {
      this.#isThrottled = false;
      this.#owner.onThrottled(this, false);
      this.#feed();
    });
  }

  onEarly(): void {
    this.#isEarly = true;
  }

  /** aedes is done with its CONNECT. */
  opened(): void {
    if (!this.#isEarly) return;
    this.#isEarly = false;
    this.#isStarved = true;
    this.#feed();
  }

  onOversized(frame: OversizedFrame): void {
    this.#owner.onOversized(this, frame);
    this.socket.destroy();
  }

  onMalformed(reason: string): void {
    this.#owner.onMalformed(this, reason);
    this.socket.destroy();
  }

  /** A message is on its way. */
  take(delivery: Delivery): void {
    this.#inFlight += 1;
    this.#inFlightBytes += delivery.payloadBytes;
    if (delivery.qos === 1 && delivery.answer === undefined) this.#unacknowledged.push(delivery);
  }

  /** A message is where it belongs; `acknowledge` tells its sender. @param isDurable false: it never is to be told */
  finish(delivery: Delivery, isDurable: boolean): void {
    delivery.isDone ||= isDurable;
    this.#inFlight -= 1;
    this.#inFlightBytes -= delivery.payloadBytes;
  }

  /** Answers what is done, as far as everything before it is done, in one write. */
  acknowledge(): void {
    let done = 0;
    while (this.#unacknowledged[done]?.isDone === true) done += 1;
    if (done > 0) this.#sendAcknowledgements(this.#unacknowledged.splice(0, done));
    if (this.#isStarved && this.isReading) this.#feed();
  }

  #sendAcknowledgements(deliveries: readonly Delivery[]): void {
    if (!this.socket.writable) return;
    const packets = Buffer.allocUnsafe(4 * deliveries.length);
    for (const [index, { messageId }] of deliveries.entries()) {
      // PUBACK, MQTT 3.1.1 section 3.4.
      packets.writeUInt16BE(0x4002, 4 * index);
      packets.writeUInt16BE(messageId, 4 * index + 2);
    }
    if (!this.socket.write(packets)) this.#awaitDrain();
  }

  /** A client that does not read its acknowledgements is not read either, and cut off in the end. */
  #awaitDrain(): void {
    if (this.#isDraining) return;
    this.#isDraining = true;
    const cancel = this.#owner.clock.after(this.#owner.drainTimeoutMs, () => {
      this.#owner.onFrozen(this);
      this.socket.destroy();
    });
    this.socket.once("close", cancel);
    this.socket.once("drain", () => {
      cancel();
      this.socket.off("close", cancel);
      this.#isDraining = false;
      this.#feed();
    });
  }

  /** Has what waits in the socket read, the way the stream itself would. */
  #feed(): void {
    if (!this.#isStarved || this.socket.destroyed) return;
    this.#isStarved = false;
    setImmediate(() => this.socket.emit("readable"));
  }
}
