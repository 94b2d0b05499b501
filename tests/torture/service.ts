import type { Child } from "../sims/child.ts";

const maxAttempts = 8;

/** From a process's start to its end. */
export interface Life {
  readonly spawnMs: number;
  /** When it said that it had started. */
  startedMs: number | null;
  /** When it did its job again: the gateway acknowledged a reading, the server had its gateway back. */
  recoveredMs: number | null;
  endMs: number | null;
  /** Nothing else was broken from its start until it had recovered: the time counts. */
  isMeasurable: boolean;
}

export interface ServiceOptions {
  readonly name: string;
  readonly make: () => Child;
  /** Whether a life that begins now begins undisturbed. */
  readonly isUndisturbed: () => boolean;
  readonly note: (text: string) => void;
  /** It ended though nobody killed it. */
  readonly onSelfEnded: (text: string, life: Life, code: number | null) => void;
}

/** A process that is killed and started again; restarted when it ends by itself, as systemd would. */
export class Service {
  readonly #options: ServiceOptions;
  readonly lives: Life[] = [];
  #child: Child | undefined;
  #isEnding = false;

  constructor(options: ServiceOptions) {
    this.#options = options;
  }

  get isRunning(): boolean {
    return this.#child?.isRunning === true;
  }

  get child(): Child {
    if (this.#child === undefined) throw new Error(`${this.#options.name} was not started`);
    return this.#child;
  }

  get life(): Life | undefined {
    return this.isRunning ? this.lives.at(-1) : undefined;
  }

  /** Starts the process and does not wait. */
  spawn(): void {
    if (this.isRunning) return;
    const { name, make, isUndisturbed, note, onSelfEnded } = this.#options;
    const life: Life = {
      spawnMs: Date.now(),
      startedMs: null,
      recoveredMs: null,
      endMs: null,
      isMeasurable: isUndisturbed(),
    };
    this.#isEnding = false;
    const child = make();
    this.#child = child;
    this.lives.push(life);
    note(`${name} spawned (pid ${child.pid})`);
    child.onLine((line) => {
      if (line.includes('"msg":"started"')) life.startedMs ??= Date.now();
    });
    void child.ended.then(({ code, signal }) => {
      life.endMs = Date.now();
      if (this.#isEnding) return;
      const how = signal ?? `code ${code}`;
      const last = child.lastLines(4).join(" | ").slice(0, 600);
      onSelfEnded(
        `${name} ended by itself (${how}) ${life.startedMs === null ? "while starting" : "while running"}: ${last}`,
        life,
        code,
      );
    });
  }

  /** Running and started; what ends by itself is started again. */
  async up(timeoutMs: number): Promise<void> {
    const deadlineMs = Date.now() + timeoutMs;
    for (let attempt = 1; ; attempt += 1) {
      this.spawn();
      while (this.isRunning && this.life?.startedMs === null && Date.now() < deadlineMs) await pause(25);
      if (this.isRunning && this.life?.startedMs !== null) return;
      if (Date.now() >= deadlineMs || attempt === maxAttempts) {
        throw new Error(
          `${this.#options.name} did not start, ${attempt} attempts: ${this.child.lastLines(8).join("\n")}`,
        );
      }
      await pause(300);
    }
  }

  async kill(): Promise<void> {
    if (!this.isRunning) return;
    this.#isEnding = true;
    const life = this.lives.at(-1);
    this.#options.note(`${this.#options.name} killed${life?.startedMs === null ? " while starting" : ""}`);
    await this.child.kill();
  }

  /** SIGTERM; says how it ended. */
  async stop(): Promise<void> {
    if (!this.isRunning) return;
    this.#isEnding = true;
    const { clean, end } = await this.child.stop();
    const how = clean ? "cleanly" : `with ${end.signal ?? `code ${end.code}`}`;
    this.#options.note(`${this.#options.name} stopped ${how}`);
  }
}

export function pause(durationMs: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, durationMs));
}
