import type { DropRecord, JournalItem } from "@frostlight/contract";
import type { Clock, Logger } from "@frostlight/kernel";

import type { DiscoveredPoint, Discovery } from "./core/discovery.ts";
import type { Refusal } from "./core/reading.ts";
import type { SourceState } from "./core/source.ts";
import type { GatewayStatus, SourceStatus } from "./core/status.ts";

const maxRefusals = 100;
/** New kinds of refusal that are logged in a minute; all are counted. */
const loggedPerMinute = 20;
const maxDiscovered = 500;

type CountedRefusal = GatewayStatus["refusals"][number];

/** Counts what sources did and keeps the newest refusals, each kind once with its number. */
export class StatusBoard {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #sources = new Map<string, SourceStatus>();
  readonly #refusals = new Map<string, CountedRefusal>();
  readonly #discovered = new Map<string, DiscoveredPoint>();
  #drops = new Map<string, DropRecord>();
  #logged = { sinceMs: Number.NEGATIVE_INFINITY, count: 0 };

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock;
    this.#logger = logger;
  }

  addSource(sourceId: string, kind: string): void {
    this.#sources.set(sourceId, {
      sourceId,
      kind,
      state: "starting",
      code: "starting",
      message: "",
      readings: 0,
      refused: 0,
    });
  }

  /** Returns whether the state is a new one. */
  setState(sourceId: string, state: SourceState): boolean {
    const before = this.#sources.get(sourceId);
    if (before === undefined) return false;
    const changed = before.state !== state.state || before.code !== state.code;
    this.#sources.set(sourceId, { ...before, ...state });
    if (changed) this.#logger.info("source-state", { source: sourceId, ...state });
    return changed;
  }

  countReadings(sourceId: string, readings: number): void {
    const before = this.#sources.get(sourceId);
    if (before !== undefined) this.#sources.set(sourceId, { ...before, readings: before.readings + readings });
  }

  /** Keeps what was seen and is not configured: the newest of each label, bounded. */
  discover(sourceId: string, found: Discovery): void {
    const nowMs = this.#clock.nowMs();
    const key = `${sourceId}\n${found.label}`;
    const known = this.#discovered.get(key);
    this.#discovered.delete(key);
    this.#discovered.set(key, {
      ...found,
      sourceId,
      firstSeenMs: known?.firstSeenMs ?? nowMs,
      lastSeenMs: nowMs,
      count: (known?.count ?? 0) + 1,
    });
    const oldest = this.#discovered.keys().next();
    if (this.#discovered.size > maxDiscovered && oldest.done !== true) this.#discovered.delete(oldest.value);
  }

  discovered(): readonly DiscoveredPoint[] {
    return [...this.#discovered.values()];
  }

  refuse(refusal: Refusal): void {
    const timeMs = this.#clock.nowMs();
    const source = this.#sources.get(refusal.sourceId);
    if (source !== undefined) this.#sources.set(refusal.sourceId, { ...source, refused: source.refused + 1 });
    const key = `${refusal.sourceId}\n${refusal.address}\n${refusal.code}`;
    const known = this.#refusals.get(key);
    if (known === undefined && this.#mayLog()) this.#logger.warn("payload-refused", { ...refusal });
    this.#refusals.delete(key);
    this.#refusals.set(key, { ...refusal, timeMs, count: (known?.count ?? 0) + 1 });
    const oldest = this.#refusals.keys().next();
    if (this.#refusals.size > maxRefusals && oldest.done !== true) this.#refusals.delete(oldest.value);
    this.#countDrop(refusal, timeMs);
  }

  /** What was refused since the last call, for the journal: nothing is dropped silently. */
  takeDrops(): readonly JournalItem[] {
    const drops = [...this.#drops.values()];
    this.#drops = new Map();
    return drops.map((drop) => ({ kind: "drop", drop }));
  }

  /** Puts drops back that could not be journaled now. */
  returnDrops(items: readonly JournalItem[]): void {
    for (const item of items) {
      if (item.kind !== "drop") continue;
      const since = this.#drops.get(item.drop.reason);
      this.#drops.set(item.drop.reason, {
        ...item.drop,
        count: item.drop.count + (since?.count ?? 0),
        toMs: since?.toMs ?? item.drop.toMs,
      });
    }
  }

  sources(): readonly SourceStatus[] {
    return [...this.#sources.values()];
  }

  refusals(): readonly CountedRefusal[] {
    return [...this.#refusals.values()];
  }

  #mayLog(): boolean {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#logged.sinceMs >= 60_000) this.#logged = { sinceMs: nowMs, count: 0 };
    this.#logged.count += 1;
    return this.#logged.count <= loggedPerMinute;
  }

  #countDrop(refusal: Refusal, timeMs: number): void {
    const key = `${refusal.sourceId} ${refusal.code}`;
    const before = this.#drops.get(key);
    this.#drops.set(key, {
      what: "payload-refused",
      count: (before?.count ?? 0) + 1,
      fromMs: before?.fromMs ?? timeMs,
      toMs: timeMs,
      reason: key,
    });
  }
}
