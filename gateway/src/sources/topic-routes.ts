import { z } from "zod";

const maxTopicLength = 512;
const maxRemembered = 4_096;

/** A topic filter of MQTT 3.1.1, section 4.7: `+` stands for one level, a last `#` for any number of them. */
export const topicFilter = z
  .string()
  .min(1)
  .max(maxTopicLength)
  .refine((filter) => !filter.includes("\0") && !filter.startsWith("$"), "expected a topic that does not start with $")
  .refine(isWellFormed, "+ and # stand for whole levels, and # only for the last ones");

function isWellFormed(filter: string): boolean {
  const levels = filter.split("/");
  return levels.every(
    (level, index) => level === "+" || (level === "#" && index === levels.length - 1) || !/[+#]/.test(level),
  );
}

/** Finds what is meant for a topic: at once for exact topics, by level for filters, remembered for topics seen. */
export class TopicRoutes<T> {
  readonly #exact = new Map<string, T[]>();
  readonly #filters: { readonly levels: readonly string[]; readonly target: T }[] = [];
  /** Bounded; emptied when full. */
  readonly #remembered = new Map<string, readonly T[]>();

  constructor(routes: readonly { readonly filter: string; readonly target: T }[]) {
    for (const { filter, target } of routes) {
      if (/[+#]/.test(filter)) this.#filters.push({ levels: filter.split("/"), target });
      else this.#exact.set(filter, [...(this.#exact.get(filter) ?? []), target]);
    }
  }

  match(topic: string): readonly T[] {
    const exact = this.#exact.get(topic);
    if (this.#filters.length === 0) return exact ?? [];
    if (topic.length > maxTopicLength) return exact ?? [];
    const remembered = this.#remembered.get(topic);
    if (remembered !== undefined) return remembered;
    const levels = topic.split("/");
    const found = [
      ...(exact ?? []),
      ...this.#filters.filter((filter) => matches(filter.levels, levels)).map((filter) => filter.target),
    ];
    if (this.#remembered.size >= maxRemembered) this.#remembered.clear();
    this.#remembered.set(topic, found);
    return found;
  }
}

/** True when a topic filter matches a topic. */
export function matchesFilter(filter: string, topic: string): boolean {
  return filter === topic || matches(filter.split("/"), topic.split("/"));
}

/** True when everything the requested filter matches is matched by the allowed one. */
export function coversFilter(allowed: string, requested: string): boolean {
  const wanted = requested.split("/");
  const levels = allowed.split("/");
  for (const [index, level] of levels.entries()) {
    if (level === "#") return true;
    const want = wanted[index];
    // `+` does not cover `#`, which stands for any number of levels.
    if (want === undefined || want === "#") return false;
    if (level !== "+" && level !== want) return false;
  }
  return levels.length === wanted.length;
}

function matches(filter: readonly string[], topic: readonly string[]): boolean {
  // [MQTT-4.7.2-1]: wildcards do not match topics that begin with $.
  if (topic[0]?.startsWith("$") === true && filter[0] !== topic[0]) return false;
  for (const [index, level] of filter.entries()) {
    if (level === "#") return true;
    if (index >= topic.length) return false;
    if (level !== "+" && level !== topic[index]) return false;
  }
  return filter.length === topic.length;
}
