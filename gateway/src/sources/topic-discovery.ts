import type { DeviceMessage } from "../core/decoder.ts";
import type { SourceContext } from "../core/source.ts";
import { discoverReadings } from "../decoders/discover-readings.ts";
import { recogniseDialect } from "../decoders/index.ts";
import { TokenBucket } from "./token-bucket.ts";

const maxTopics = 1_000;
const maxTopicLength = 256;
const maxPayloadBytes = 16_384;
/** A topic is looked at again after this long, for its newest value. */
const lookAgainMs = 60_000;
/** Messages looked at per second, over all topics: a flood of the unknown costs next to nothing. */
const looksPerSecond = 5;
const burst = 50;

/** "Seen but not configured": what speaks on topics that no point is configured for, with a configuration that would fit. */
export class TopicDiscovery {
  readonly #context: Pick<SourceContext, "clock" | "discover">;
  readonly #bucket: TokenBucket;
  /** Monotonic time of the last look, the longest ago first. */
  readonly #lookedMs = new Map<string, number>();

  constructor(context: Pick<SourceContext, "clock" | "discover">) {
    this.#context = context;
    this.#bucket = new TokenBucket(looksPerSecond, burst, context.clock.monotonicMs());
  }

  note(message: DeviceMessage): void {
    const { topic, payload } = message;
    if (topic.length > maxTopicLength || payload.byteLength > maxPayloadBytes || payload.byteLength === 0) return;
    const nowMs = this.#context.clock.monotonicMs();
    const lookedMs = this.#lookedMs.get(topic);
    if (lookedMs !== undefined && nowMs - lookedMs < lookAgainMs) return;
    if (!this.#bucket.tryTake(nowMs)) return;
    this.#lookedMs.delete(topic);
    this.#lookedMs.set(topic, nowMs);
    for (const longestAgo of this.#lookedMs.keys()) {
      if (this.#lookedMs.size <= maxTopics) break;
      this.#lookedMs.delete(longestAgo);
    }
    this.#look(message);
  }

  #look(message: DeviceMessage): void {
    const found = discoverReadings(message);
    for (const { label, address, dialect, quantity, unit, value } of found) {
      this.#context.discover({ label, address, dialect, quantity, unit, value });
    }
    if (found.length > 0) return;
    // No value that a point could take: shown all the same, so that nobody wonders where it went.
    const dialect = recogniseDialect(message) ?? null;
    const nothing = { address: { topic: message.topic }, dialect, quantity: "other", unit: null, value: null } as const;
    this.#context.discover({ label: message.topic, ...nothing });
  }
}
