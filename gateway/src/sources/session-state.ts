import type { SessionChange } from "./session-log.ts";

export interface RetainedMessage {
  readonly topic: string;
  readonly qos: number;
  readonly payload: Buffer;
}

/** A message that waits for a subscriber, until it has acknowledged it. */
export interface QueuedMessage {
  /** Ascending over all messages; aedes's `brokerCounter`. */
  readonly number: number;
  readonly topic: string;
  readonly qos: number;
  readonly payload: Buffer;
  /** Set once it went out. */
  messageId: number | undefined;
  /** QoS 2: received by the subscriber, only PUBREL is still to be answered. */
  isReleased: boolean;
}

/** A session that outlives its connections. */
export interface KeptSession {
  /** The user that it belongs to; "" for anonymous clients. */
  readonly owner: string;
  /** Granted QoS by topic filter. */
  readonly subscriptions: Map<string, number>;
  queue: QueuedMessage[];
  queuedBytes: number;
  seenMs: number;
  isOnline: boolean;
}

/** What a broker keeps, as the sum of its changes. No I/O, no bounds. */
export class SessionState {
  readonly retained = new Map<string, RetainedMessage>();
  readonly sessions = new Map<string, KeptSession>();
  retainedBytes = 0;
  lastNumber = 0;

  apply(change: SessionChange): void {
    if (change.k === "retain") {
      this.#unretain(change.t);
      this.#retain({ topic: change.t, qos: change.q, payload: Buffer.from(change.p, "base64") });
    } else if (change.k === "unretain") this.#unretain(change.t);
    else if (change.k === "end") this.sessions.delete(change.c);
    else if (change.k === "sub") this.#session(change.c, change.o).subscriptions.set(change.t, change.q);
    else this.#applyToSession(change);
  }

  /** Everything there is, as changes from nothing. */
  *changes(): Generator<SessionChange> {
    for (const { topic: t, qos: q, payload } of this.retained.values()) {
      yield { k: "retain", t, q, p: payload.toString("base64") };
    }
    for (const [c, session] of this.sessions) {
      for (const [t, q] of session.subscriptions) yield { k: "sub", c, o: session.owner, t, q };
      yield { k: "seen", c, at: session.seenMs };
      for (const { number: n, topic: t, qos: q, payload, messageId: m, isReleased } of session.queue) {
        yield { k: "queue", c, n, t, q, p: payload.toString("base64") };
        if (m !== undefined) yield { k: "sent", c, n, m };
        if (m !== undefined && isReleased) yield { k: "release", c, m };
      }
    }
  }

  #applyToSession(change: Exclude<SessionChange, { k: "retain" | "unretain" | "end" | "sub" }>): void {
    const session = this.sessions.get(change.c);
    if (session === undefined) return;
    switch (change.k) {
      case "unsub":
        session.subscriptions.delete(change.t);
        return;
      case "seen":
        session.seenMs = change.at;
        return;
      case "queue": {
        const payload = Buffer.from(change.p, "base64");
        const message = { number: change.n, topic: change.t, qos: change.q, payload };
        session.queue.push({ ...message, messageId: undefined, isReleased: false });
        session.queuedBytes += sizeOf(message);
        this.lastNumber = Math.max(this.lastNumber, change.n);
        return;
      }
      case "sent": {
        const sent = session.queue.find((queued) => queued.number === change.n);
        if (sent !== undefined) sent.messageId = change.m;
        return;
      }
      case "release":
        this.#release(session, change.m);
        return;
      case "done": {
        const at = session.queue.findIndex((queued) => queued.messageId === change.m);
        if (at < 0) return;
        for (const done of session.queue.splice(at, 1)) session.queuedBytes -= sizeOf(done);
        return;
      }
      default:
        change satisfies never;
    }
  }

  #release(session: KeptSession, messageId: number): void {
    const known = session.queue.find((queued) => queued.messageId === messageId);
    if (known !== undefined) known.isReleased = true;
    else {
      // A retained message of QoS 2 was never queued; its PUBREL is remembered all the same.
      const message = { number: 0, topic: "", qos: 2, payload: Buffer.alloc(0), messageId, isReleased: true };
      session.queue.push(message);
    }
  }

  #session(clientId: string, owner: string): KeptSession {
    const known = this.sessions.get(clientId);
    if (known !== undefined) return known;
    const made = { owner, subscriptions: new Map(), queue: [], queuedBytes: 0, seenMs: 0, isOnline: false };
    this.sessions.set(clientId, made);
    return made;
  }

  #retain(message: RetainedMessage): void {
    this.retained.set(message.topic, message);
    this.retainedBytes += sizeOf(message);
  }

  #unretain(topic: string): void {
    const known = this.retained.get(topic);
    if (known === undefined) return;
    this.retained.delete(topic);
    this.retainedBytes -= sizeOf(known);
  }
}

function sizeOf(message: { readonly topic: string; readonly payload: Buffer }): number {
  return message.topic.length + message.payload.length;
}
