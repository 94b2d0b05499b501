import { Readable } from "node:stream";

import type { Clock } from "@frostlight/kernel";

import { type SessionChange, SessionLog } from "./session-log.ts";
import { type QueuedMessage, SessionState } from "./session-state.ts";
import { matchesFilter, TopicRoutes } from "./topic-routes.ts";

/** A packet as aedes hands it to its persistence. */
export interface BrokerPacket {
  cmd?: string;
  brokerId?: string | undefined;
  brokerCounter?: number | undefined;
  readonly topic: string;
  readonly payload: Buffer;
  readonly qos: number;
  readonly retain?: boolean;
  readonly dup?: boolean;
  messageId?: number | undefined;
  /** Who published it. */
  readonly clientId?: string;
}

export interface SessionLimits {
  /** A session whose client was away for longer ends. */
  readonly expiryMs: number;
  readonly maxSessions: number;
  /** Messages waiting in one session, and their bytes. */
  readonly maxQueued: number;
  readonly maxQueuedBytes: number;
  readonly maxRetained: number;
  readonly maxRetainedBytes: number;
}

interface ClientName {
  readonly id: string;
}

interface Subscribed {
  readonly clientId: string;
  readonly topic: string;
  readonly qos: number;
}

/** Told of everything the store gives up. */
type OnDrop = (drop: { readonly address: string; readonly code: string; readonly message: string }) => void;

/**
 * What the broker keeps for subscribers: retained messages, persistent sessions with their subscriptions, and the messages
 * that wait for them. aedes's persistence interface; every change goes to a log that survives the process. It differs from
 * aedes's own store where that would break off a connection or lose something: see the README.
 */
export class SessionStore {
  readonly #limits: SessionLimits;
  readonly #clock: Clock;
  readonly #ownerOf: (client: ClientName) => string;
  readonly #onDrop: OnDrop;
  readonly #state = new SessionState();
  readonly #log: SessionLog;
  /** Kept by the process only: a QoS 2 repeat after a crash is known by its receipt, a will dies with the broker. */
  readonly #incoming = new Map<string, Set<number>>();
  readonly #wills = new Map<string, BrokerPacket>();
  /** aedes hands refused subscriptions over for keeping, together with those that were allowed. */
  readonly #refused = new WeakSet();
  #routes: TopicRoutes<Subscribed> | undefined;
  #broker: { counter: number; readonly id: string } | undefined;

  /** @param ownerOf the user that a client was let in as */
  constructor(
    file: string,
    clock: Clock,
    limits: SessionLimits,
    ownerOf: (client: ClientName) => string,
    onDrop: OnDrop,
  ) {
    this.#limits = limits;
    this.#clock = clock;
    this.#ownerOf = ownerOf;
    this.#onDrop = onDrop;
    this.#log = new SessionLog(file, clock, () => this.#state.changes());
  }

  /** Restores what was kept; returns how many damaged lines had to be left out. */
  async load(): Promise<number> {
    const { changes, damagedLines } = await this.#log.load();
    for (const change of changes) this.#state.apply(change);
    return damagedLines;
  }

  close(): Promise<void> {
    return this.#log.close();
  }

  /** Sessions that outlive their connections: somebody who is away could be waiting for messages. */
  get sessionCount(): number {
    return this.#state.sessions.size;
  }

  /** Whether this client may have such a session. */
  hasRoomFor(clientId: string): boolean {
    return this.#state.sessions.has(clientId) || this.sessionCount < this.#limits.maxSessions;
  }

  /** A client was let in: a session of that name that belongs to somebody else ends first. */
  async claim(clientId: string, owner: string): Promise<void> {
    const session = this.#state.sessions.get(clientId);
    if (session === undefined) return;
    if (session.owner !== owner) await this.cleanSubscriptions({ id: clientId });
    else session.isOnline = true;
  }

  async leave(clientId: string): Promise<void> {
    const session = this.#state.sessions.get(clientId);
    if (session === undefined) return;
    session.isOnline = false;
    await this.#change({ k: "seen", c: clientId, at: this.#clock.nowMs() }, false);
  }

  /** Ends sessions whose clients have been away for too long. */
  async expire(): Promise<void> {
    for (const [id, session] of this.#state.sessions) {
      if (session.isOnline || this.#clock.nowMs() - session.seenMs < this.#limits.expiryMs) continue;
      const address = id.slice(0, 64);
      const message = `client "${address}" was away for too long; ${session.queue.length} messages for it are given up`;
      if (session.queue.length > 0) this.#onDrop({ address, code: "session-expired", message });
      await this.cleanSubscriptions({ id });
    }
  }

  /** To be called for a refused subscription before any of its packet is answered. */
  refuse(subscription: object, clientId: string, topic: string): void {
    this.#refused.add(subscription);
    // One that was allowed when it was made, and is restored now. A failure is harmless: it is refused again next time.
    this.removeSubscriptions({ id: clientId }, [topic]).catch(() => undefined);
  }

  /** Gives a message the number that aedes would give it. */
  number(packet: BrokerPacket): void {
    if (this.#broker === undefined) return;
    this.#broker.counter += 1;
    packet.brokerId = this.#broker.id;
    packet.brokerCounter = this.#broker.counter;
  }

  /** Keeps a numbered message for whoever is away or comes later. */
  async keep(packet: BrokerPacket): Promise<void> {
    const kept: Promise<void>[] = [];
    if (packet.retain === true) kept.push(this.storeRetained(packet));
    if (packet.qos > 0) kept.push(this.outgoingEnqueueCombi(this.#subscribers(packet.topic), packet));
    await Promise.all(kept);
  }

  // aedes's persistence interface.

  async setup(broker: { counter: number; readonly id: string }): Promise<void> {
    this.#broker = broker;
    broker.counter = this.#state.lastNumber;
    await this.expire();
  }

  async storeRetained({ topic, payload, qos }: BrokerPacket): Promise<void> {
    const { retained, retainedBytes } = this.#state;
    const known = retained.get(topic);
    if (payload.length === 0) {
      if (known !== undefined) await this.#change({ k: "unretain", t: topic }, false);
      return;
    }
    const bytes = retainedBytes + payload.length - (known?.payload.length ?? -topic.length);
    const { maxRetained, maxRetainedBytes } = this.#limits;
    if ((known === undefined && retained.size >= maxRetained) || bytes > maxRetainedBytes) {
      const message = `not kept for later subscribers: ${retained.size} messages with ${retainedBytes} bytes are kept already`;
      this.#onDrop({ address: topic.slice(0, 256), code: "retained-store-full", message });
      return;
    }
    await this.#change({ k: "retain", t: topic, q: qos, p: payload.toString("base64") }, false);
  }

  createRetainedStreamCombi(filters: readonly string[]): Readable {
    const found: BrokerPacket[] = [];
    for (const message of this.#state.retained.values()) {
      if (filters.some((filter) => matchesFilter(filter, message.topic))) {
        found.push({ cmd: "publish", ...message, retain: true });
      }
    }
    return Readable.from(found);
  }

  async addSubscriptions(client: ClientName, wanted: readonly Omit<Subscribed, "clientId">[]): Promise<void> {
    const written: Promise<void>[] = [];
    for (const subscription of wanted) {
      if (this.#refused.has(subscription)) continue;
      const { topic: t, qos: q } = subscription;
      if (this.#state.sessions.get(client.id)?.subscriptions.get(t) === q) continue;
      written.push(this.#change({ k: "sub", c: client.id, o: this.#ownerOf(client), t, q }, true));
    }
    const session = this.#state.sessions.get(client.id);
    if (session !== undefined) session.isOnline = true;
    this.#routes = undefined;
    await Promise.all(written);
  }

  async removeSubscriptions(client: ClientName, topics: readonly string[]): Promise<void> {
    const known = this.#state.sessions.get(client.id)?.subscriptions;
    const removed = topics.filter((topic) => known?.has(topic) === true);
    this.#routes = undefined;
    await Promise.all(removed.map((topic) => this.#change({ k: "unsub", c: client.id, t: topic }, true)));
  }

  async cleanSubscriptions(client: ClientName): Promise<void> {
    if (!this.#state.sessions.has(client.id)) return;
    this.#routes = undefined;
    await this.#change({ k: "end", c: client.id }, true);
  }

  async subscriptionsByClient(client: ClientName): Promise<readonly Omit<Subscribed, "clientId">[]> {
    return [...(this.#state.sessions.get(client.id)?.subscriptions ?? [])].map(([topic, qos]) => ({ topic, qos }));
  }

  async subscriptionsByTopic(topic: string): Promise<readonly Subscribed[]> {
    return this.#subscribers(topic);
  }

  async outgoingEnqueue(to: { readonly clientId: string }, packet: BrokerPacket): Promise<void> {
    await this.outgoingEnqueueCombi([{ clientId: to.clientId, topic: packet.topic, qos: packet.qos }], packet);
  }

  async outgoingEnqueueCombi(subscribed: readonly Subscribed[], packet: BrokerPacket): Promise<void> {
    const written: Promise<void>[] = [];
    const { topic: t, brokerCounter: n = 0 } = packet;
    for (const { clientId: c, qos } of subscribed) {
      const session = this.#state.sessions.get(c);
      if (session === undefined || qos === 0) continue;
      const { maxQueued, maxQueuedBytes } = this.#limits;
      const bytes = session.queuedBytes + t.length + packet.payload.length;
      if (session.queue.length >= maxQueued || bytes > maxQueuedBytes) {
        const message = `client "${c.slice(0, 64)}" has ${session.queue.length} messages waiting: this one is given up for it`;
        this.#onDrop({ address: t.slice(0, 256), code: "queue-full", message });
        continue;
      }
      const q = Math.min(qos, packet.qos);
      written.push(this.#change({ k: "queue", c, n, t, q, p: packet.payload.toString("base64") }, true));
    }
    await Promise.all(written);
  }

  /** Gives a waiting message its packet id, or puts its PUBREL in its place. */
  async outgoingUpdate(client: ClientName, packet: BrokerPacket): Promise<void> {
    const { messageId: m, brokerCounter: n = 0 } = packet;
    const session = this.#state.sessions.get(client.id);
    if (m === undefined || session === undefined) return;
    if (packet.cmd === "pubrel") await this.#change({ k: "release", c: client.id, m }, false);
    else {
      const queued = session.queue.find((one) => one.number === n);
      // One that did not fit into the queue goes out all the same.
      if (queued !== undefined && queued.messageId !== m) {
        await this.#change({ k: "sent", c: client.id, n, m }, false);
      }
    }
  }

  async outgoingClearMessageId(client: ClientName, packet: BrokerPacket): Promise<BrokerPacket | undefined> {
    const { messageId: m } = packet;
    const queued = this.#state.sessions.get(client.id)?.queue.find((one) => one.messageId === m);
    if (m === undefined || queued === undefined) return undefined;
    await this.#change({ k: "done", c: client.id, m }, false);
    return this.#packet(queued);
  }

  outgoingStream(client: ClientName): Readable {
    const queue = this.#state.sessions.get(client.id)?.queue ?? [];
    return Readable.from(queue.map((queued) => this.#packet(queued)));
  }

  async incomingStorePacket(client: ClientName, packet: BrokerPacket): Promise<void> {
    const known = this.#incoming.get(client.id);
    if (known === undefined) this.#incoming.set(client.id, new Set([packet.messageId ?? 0]));
    else known.add(packet.messageId ?? 0);
  }

  async incomingGetPacket(client: ClientName, packet: BrokerPacket): Promise<BrokerPacket> {
    if (this.hasIncoming(client, packet.messageId)) return packet;
    throw new Error("no such packet"); // how aedes is told
  }

  /** A QoS 2 message that was taken and not yet released. */
  hasIncoming(client: ClientName, messageId: number | undefined): boolean {
    return this.#incoming.get(client.id)?.has(messageId ?? 0) === true;
  }

  async incomingDelPacket(client: ClientName, packet: BrokerPacket): Promise<void> {
    if (this.#incoming.get(client.id)?.delete(packet.messageId ?? 0) !== true) throw new Error("no such packet");
  }

  async cleanIncoming(client: ClientName): Promise<void> {
    this.#incoming.delete(client.id);
  }

  async putWill(client: ClientName, packet: BrokerPacket): Promise<void> {
    this.#wills.set(client.id, packet);
  }

  async getWill(client: ClientName): Promise<BrokerPacket | undefined> {
    return this.#wills.get(client.id);
  }

  async delWill(client: ClientName): Promise<BrokerPacket | undefined> {
    const will = this.#wills.get(client.id);
    this.#wills.delete(client.id);
    return will;
  }

  /** Wills of other brokers that died: there is only this one. */
  streamWill(): Readable {
    return Readable.from([]);
  }

  /** A message goes out again with the packet id it had, marked DUP [MQTT-4.4.0-1], [MQTT-3.3.1-1]. */
  #packet({ number, topic, payload, qos, messageId, isReleased }: QueuedMessage): BrokerPacket {
    return {
      cmd: isReleased ? "pubrel" : "publish",
      brokerId: this.#broker?.id,
      brokerCounter: number,
      topic,
      payload,
      qos,
      retain: false,
      dup: messageId !== undefined && !isReleased,
      messageId,
    };
  }

  #subscribers(topic: string): readonly Subscribed[] {
    if (this.sessionCount === 0) return [];
    this.#routes ??= new TopicRoutes(
      [...this.#state.sessions].flatMap(([clientId, { subscriptions }]) =>
        [...subscriptions].map(([filter, qos]) => ({ filter, target: { clientId, topic: filter, qos } })),
      ),
    );
    const highest = new Map<string, Subscribed>();
    for (const found of this.#routes.match(topic)) {
      if (found.qos > (highest.get(found.clientId)?.qos ?? 0)) highest.set(found.clientId, found);
    }
    return [...highest.values()];
  }

  #change(change: SessionChange, isSynced: boolean): Promise<void> {
    this.#state.apply(change);
    return this.#log.append(change, isSynced);
  }
}
