import type { DeviceMessage } from "../core/decoder.ts";
import { recogniseDialect } from "../decoders/index.ts";

/** A topic on which something speaks that no point is configured for. */
export interface UnconfiguredTopic {
  readonly topic: string;
  /** The dialect it looks like; null when it looks like none. */
  readonly dialect: string | null;
  readonly firstSeenMs: number;
  readonly lastSeenMs: number;
  readonly messages: number;
}

const maxTopics = 200;
const maxTopicLength = 256;
const maxRecognisedBytes = 16_384;

/**
 * "Seen but not configured", for discovery. Bounded: when full, further topics are only counted. A payload is looked at
 * once per topic, not per message.
 */
export class UnconfiguredTopics {
  readonly #topics = new Map<string, UnconfiguredTopic>();
  #overflow = 0;

  note(message: DeviceMessage): void {
    const topic = message.topic.slice(0, maxTopicLength);
    const known = this.#topics.get(topic);
    if (known !== undefined) {
      this.#topics.set(topic, { ...known, lastSeenMs: message.receivedMs, messages: known.messages + 1 });
      return;
    }
    if (this.#topics.size >= maxTopics) {
      this.#overflow += 1;
      return;
    }
    const isSmall = message.payload.byteLength <= maxRecognisedBytes;
    this.#topics.set(topic, {
      topic,
      dialect: (isSmall ? recogniseDialect(message) : undefined) ?? null,
      firstSeenMs: message.receivedMs,
      lastSeenMs: message.receivedMs,
      messages: 1,
    });
  }

  get all(): readonly UnconfiguredTopic[] {
    return [...this.#topics.values()];
  }

  /** Messages on topics beyond the bound. */
  get overflow(): number {
    return this.#overflow;
  }
}
