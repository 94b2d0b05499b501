import { Child, type ChildOptions } from "../../tests/sims/child.ts";

export interface ChildPlan extends ChildOptions {
  /** Resolves when the process is of use. */
  readonly ready: (child: Child) => Promise<unknown>;
}

/** This many ends within a minute and the demonstration gives up. */
const endsPerMinute = 4;

/** Starts processes in order, restarts those that die, and ends all in reverse order. */
export class Children {
  readonly #say: (text: string) => void;
  readonly #onGivenUp: (name: string) => void;
  readonly #onStarted: (pids: readonly number[]) => void;
  readonly #running: { readonly plan: ChildPlan; child: Child; readonly endedMs: number[] }[] = [];
  #isStopping = false;

  constructor(ports: {
    readonly say: (text: string) => void;
    readonly onGivenUp: (name: string) => void;
    /** All processes there are, whenever one is started. */
    readonly onStarted: (pids: readonly number[]) => void;
  }) {
    this.#say = ports.say;
    this.#onGivenUp = ports.onGivenUp;
    this.#onStarted = ports.onStarted;
  }

  /** Starts a process and waits until it is ready. Rejects with what it said when it is not. */
  async start(plan: ChildPlan): Promise<Child> {
    const child = new Child(plan);
    const entry = { plan, child, endedMs: [] };
    this.#running.push(entry);
    this.#noteStarted();
    await plan.ready(child);
    void this.#watch(entry);
    return child;
  }

  /** Ends all, last started first. Idempotent. */
  async stop(): Promise<void> {
    if (this.#isStopping) return;
    this.#isStopping = true;
    for (const { child } of this.#running.toReversed()) {
      const { clean, end } = await child.stop();
      if (!clean) this.#say(`${child.name}: 未正常结束 / did not end cleanly (${end.signal ?? `code ${end.code}`})`);
    }
  }

  #noteStarted(): void {
    this.#onStarted(this.#running.map(({ child }) => child.pid));
  }

  async #watch(entry: { readonly plan: ChildPlan; child: Child; readonly endedMs: number[] }): Promise<void> {
    for (;;) {
      const end = await entry.child.ended;
      if (this.#isStopping) return;
      const { name, logFile } = entry.plan;
      const how = end.signal ?? `code ${end.code}`;
      entry.endedMs.push(Date.now());
      if (entry.endedMs.filter((ms) => ms > Date.now() - 60_000).length >= endsPerMinute) {
        this.#say(`${name}: 反复退出，放弃 / ended again and again (${how}), giving up; see ${logFile}`);
        this.#onGivenUp(name);
        return;
      }
      this.#say(`${name}: 已退出，正在重启 / ended (${how}), restarting; see ${logFile}`);
      await new Promise((resolve) => void setTimeout(resolve, 1000));
      if (this.#isStopping) return;
      entry.child = new Child(entry.plan);
      this.#noteStarted();
      entry.plan.ready(entry.child).then(
        () => this.#say(`${name}: 已恢复 / is back`),
        () => undefined,
      );
    }
  }
}
