const keptMs = 10 * 60_000;
const apartMs = 60_000;

/** The last 10 minutes of a value (three readings at least) at one a minute at most: enough to say whether it is on its way back. */
export class Trend {
  #recent: { readonly timeMs: number; readonly value: number }[] = [];

  /** @param timeMs monotonic, not before the last one */
  add(timeMs: number, value: number): void {
    const last = this.#recent.at(-1);
    if (last !== undefined && timeMs - last.timeMs < apartMs) return;
    this.#recent.push({ timeMs, value });
    // The reading before the window stays, so that slow reporters have two.
    while ((this.#recent[1]?.timeMs ?? timeMs) < timeMs - keptMs && this.#recent.length > 3) this.#recent.shift();
  }

  /** Change per ms from the oldest kept reading to `value` at `timeMs`; 0 when that cannot be said. */
  slope(timeMs: number, value: number): number {
    const oldest = this.#recent[0];
    return oldest === undefined || timeMs <= oldest.timeMs ? 0 : (value - oldest.value) / (timeMs - oldest.timeMs);
  }

  clear(): void {
    this.#recent = [];
  }
}
