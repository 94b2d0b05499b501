/** Lets each track be judged by a head every so often, not in every look. */
export class Turns {
  readonly #everyMs: number;
  readonly #last = new Map<number | string, number>();

  constructor(everySeconds: number) {
    this.#everyMs = everySeconds * 1_000;
  }

  /** Those whose turn it is; whoever is not asked for any more is forgotten. */
  take<K extends number | string>(keys: readonly K[], monotonicMs: number): ReadonlySet<K> {
    const present = new Set<number | string>(keys);
    for (const key of this.#last.keys()) if (!present.has(key)) this.#last.delete(key);
    const due = keys.filter((key) => {
      const last = this.#last.get(key);
      return last === undefined || monotonicMs - last >= this.#everyMs || monotonicMs < last;
    });
    for (const key of due) this.#last.set(key, monotonicMs);
    return new Set(due);
  }
}
