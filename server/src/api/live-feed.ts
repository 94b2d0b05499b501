import type { Sample } from "@frostlight/contract";
import type { CancelTimer, Clock } from "@frostlight/kernel";

import type { LiveEvent, LiveSubscriber } from "../core/live.ts";
import type { Scope } from "../core/records.ts";

/** Samples are gathered this long and only the newest of each point goes out: a back-fill cannot flood a screen. */
const flushMs = 250;
/** Remembered for clients that come back. */
const historyEvents = 2000;
/** Points waiting for the next flush. */
const maxWaitingPoints = 100_000;

/** Where a client's events go. */
export interface FeedClient {
  readonly scope: Scope;
  /** One event as server-sent-events text. False: the client is too slow and is let go. */
  send(text: string): boolean;
}

interface Remembered {
  readonly id: number;
  readonly organisationId: string;
  readonly text: string;
}

/** Turns what became durable into server-sent events for many clients, each seeing only its organisation. */
export class LiveFeed {
  readonly #live: LiveSubscriber;
  readonly #clock: Pick<Clock, "every">;
  readonly #run: string;
  readonly #clients = new Set<FeedClient>();
  readonly #history: Remembered[] = [];
  #waiting = new Map<string, { readonly event: Extract<LiveEvent, { kind: "samples" }>; readonly sample: Sample }>();
  #lastId = 0;
  #stop: readonly (() => void)[] = [];

  /** @param run distinguishes the events of this process from those of an earlier one */
  constructor(live: LiveSubscriber, clock: Pick<Clock, "every">, run: string) {
    this.#live = live;
    this.#clock = clock;
    this.#run = run;
  }

  get clients(): number {
    return this.#clients.size;
  }

  start(): void {
    if (this.#stop.length > 0) return;
    const unsubscribe = this.#live.subscribe((event) => {
      this.#accept(event);
    });
    const cancel: CancelTimer = this.#clock.every(flushMs, () => {
      this.#flush();
    });
    this.#stop = [unsubscribe, cancel];
  }

  stop(): void {
    for (const step of this.#stop) step();
    this.#stop = [];
  }

  /**
   * Adds a client. With the id of the last event it saw it gets what it missed; when that is no longer known, a `reset`
   * event tells it to load anew. Returns how to remove it.
   */
  attach(client: FeedClient, lastEventId: string | undefined): () => void {
    const hello = `event: hello\nid: ${this.#idText(this.#lastId)}\ndata: {}\n\n`;
    const seen = lastEventId === undefined ? undefined : this.#sequenceOf(lastEventId);
    const first = this.#history[0]?.id ?? this.#lastId + 1;
    if (lastEventId !== undefined && (seen === undefined || seen + 1 < first || seen > this.#lastId)) {
      client.send(`event: reset\nid: ${this.#idText(this.#lastId)}\ndata: {}\n\n`);
    } else if (seen !== undefined) {
      for (const past of this.#history) {
        if (past.id > seen && past.organisationId === client.scope.organisationId) client.send(past.text);
      }
    }
    client.send(hello);
    this.#clients.add(client);
    return () => {
      this.#clients.delete(client);
    };
  }

  #accept(event: LiveEvent): void {
    if (event.kind !== "samples") {
      const { organisationId, kind, ...data } = event;
      this.#emit(organisationId, kind, data);
      return;
    }
    for (const sample of event.samples) {
      const key = `${event.organisationId}\n${event.siteId}\n${sample.pointId}`;
      const waiting = this.#waiting.get(key);
      if (waiting === undefined && this.#waiting.size >= maxWaitingPoints) this.#flush();
      if (waiting === undefined || sample.timeMs >= waiting.sample.timeMs) this.#waiting.set(key, { event, sample });
    }
  }

  #flush(): void {
    if (this.#waiting.size === 0) return;
    const waiting = this.#waiting;
    this.#waiting = new Map();
    const sites = new Map<string, { organisationId: string; siteId: string; samples: Sample[] }>();
    for (const { event, sample } of waiting.values()) {
      const key = `${event.organisationId}\n${event.siteId}`;
      const site = sites.get(key) ?? { organisationId: event.organisationId, siteId: event.siteId, samples: [] };
      site.samples.push(sample);
      sites.set(key, site);
    }
    for (const { organisationId, siteId, samples } of sites.values()) {
      this.#emit(organisationId, "samples", { siteId, samples: samples.map(liveSample) });
    }
  }

  #emit(organisationId: string, name: string, data: unknown): void {
    this.#lastId += 1;
    const text = `event: ${name}\nid: ${this.#idText(this.#lastId)}\ndata: ${JSON.stringify(data)}\n\n`;
    this.#history.push({ id: this.#lastId, organisationId, text });
    if (this.#history.length > historyEvents) this.#history.shift();
    for (const client of this.#clients) {
      if (client.scope.organisationId !== organisationId) continue;
      if (!client.send(text)) this.#clients.delete(client);
    }
  }

  #idText(sequence: number): string {
    return `${this.#run}-${sequence}`;
  }

  #sequenceOf(id: string): number | undefined {
    const prefix = `${this.#run}-`;
    const digits = id.startsWith(prefix) ? id.slice(prefix.length) : "";
    return /^\d{1,15}$/.test(digits) ? Number(digits) : undefined;
  }
}

function liveSample(sample: Sample): Record<string, unknown> {
  const { pointId, timeMs, receivedMs, value, raw, quality, reason } = sample;
  return { pointId, timeMs, receivedMs, value, raw, quality, reason };
}
