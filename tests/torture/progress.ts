/** A bar with rate and remaining time in a terminal, plain lines in a pipe. */
export class Progress {
  readonly #cycles: number;
  readonly #startedMs = Date.now();
  readonly #isTerminal = process.stderr.isTTY;
  #lastLineMs = 0;

  constructor(cycles: number) {
    this.#cycles = cycles;
  }

  /** @param done cycles done */
  show(done: number, acknowledged: number, what: string): void {
    const seconds = (Date.now() - this.#startedMs) / 1000;
    const left = done === 0 ? undefined : (seconds / done) * (this.#cycles - done);
    const readingsPerSecond = seconds < 1 ? 0 : Math.round(acknowledged / seconds);
    const numbers =
      `${done}/${this.#cycles} cycles, ${acknowledged} acknowledged (${readingsPerSecond}/s), ` +
      `${left === undefined ? "…" : clock(left)} left`;
    if (this.#isTerminal) {
      const width = 24;
      const filled = Math.round((width * done) / Math.max(1, this.#cycles));
      const bar = `${"█".repeat(filled)}${"░".repeat(width - filled)}`;
      process.stderr.write(`\r\u001B[2K${bar} ${numbers}  ${what}`.slice(0, (process.stderr.columns ?? 100) + 5));
      return;
    }
    // In a pipe: each cycle of a short run, otherwise one line every few seconds.
    if (this.#cycles > 20 && done < this.#cycles && Date.now() - this.#lastLineMs < 10_000) return;
    this.#lastLineMs = Date.now();
    this.line(`${numbers}  ${what}`);
  }

  line(text: string): void {
    const seconds = ((Date.now() - this.#startedMs) / 1000).toFixed(1).padStart(6);
    process.stderr.write(`${this.#isTerminal ? "\r\u001B[2K" : ""}${seconds} s  ${text}\n`);
  }
}

function clock(seconds: number): string {
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}
