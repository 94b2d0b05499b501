import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream, type WriteStream } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";

const compileCache = join(import.meta.dirname, "../../node_modules/.cache/node-compile");
/**
 * How a gateway is started (the systemd unit says the same): memory is dearer on a Pi than a little more collecting. A
 * small young generation; few allocator arenas, and what is freed goes back to the system (a fixed threshold: glibc would
 * raise it with the first large picture that is freed).
 */
export const gatewayEnvironment = {
  NODE_OPTIONS: "--max-semi-space-size=4",
  MALLOC_ARENA_MAX: "2",
  MALLOC_MMAP_THRESHOLD_: "131072",
  MALLOC_TRIM_THRESHOLD_: "131072",
} as const;

export interface ChildOptions {
  readonly name: string;
  /** A TypeScript file. */
  readonly script: string;
  readonly args: readonly string[];
  /** Everything the process says is appended here. */
  readonly logFile: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** For Node itself, before the script. */
  readonly nodeArgs?: readonly string[];
}

export interface ChildEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A Node process of ours, with its lines. It ends with us: simulators watch their stdin. */
export class Child {
  readonly name: string;
  readonly pid: number;
  readonly ended: Promise<ChildEnd>;
  readonly #process: ChildProcess;
  readonly #log: WriteStream;
  readonly #lines: string[] = [];
  readonly #watchers = new Set<(line: string) => void>();
  #end: ChildEnd | undefined;

  constructor(options: ChildOptions) {
    this.name = options.name;
    this.#log = createWriteStream(options.logFile, { flags: "a", mode: 0o600 });
    const nodeArgs = [
      "--disable-warning=ExperimentalWarning",
      ...(options.nodeArgs ?? []),
      options.script,
      ...options.args,
    ];
    this.#process = spawn(process.execPath, nodeArgs, {
      stdio: ["pipe", "pipe", "pipe"],
      // Stripped and compiled sources are kept: a start takes a fraction of the time and of the memory.
      env: { NODE_COMPILE_CACHE: compileCache, ...options.environment, ...process.env },
      // Its own group: a Ctrl-C in the terminal reaches only the parent, which ends its children in order.
      detached: true,
    });
    this.pid = this.#process.pid ?? -1;
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      if (stream !== null) createInterface({ input: stream }).on("line", (line) => this.#onLine(line));
    }
    // Writing to a process that is gone is no fault of ours.
    this.#process.stdin?.on("error", () => undefined);
    this.ended = new Promise((resolve) => {
      this.#process.once("error", (error) => {
        this.#onLine(`could not be started: ${error.message}`);
        resolve((this.#end = { code: null, signal: null }));
      });
      this.#process.once("close", (code, signal) => {
        this.#log.end();
        resolve((this.#end = { code, signal }));
      });
    });
  }

  get isRunning(): boolean {
    return this.#end === undefined;
  }

  /** The last lines it said, for messages about its death. */
  lastLines(count: number): readonly string[] {
    return this.#lines.slice(-count);
  }

  /** Hands over every line, those already said first. */
  onLine(listener: (line: string) => void): void {
    for (const line of this.#lines) listener(line);
    this.#watchers.add(listener);
  }

  write(line: string): void {
    this.#process.stdin?.write(`${line}\n`);
  }

  /** The first line, past ones included, that `pick` makes something of. Rejects at its end or after the time. */
  async waitFor<T>(what: string, pick: (line: string) => T | undefined, timeoutMs = 30_000): Promise<T> {
    for (const line of this.#lines) {
      const picked = pick(line);
      if (picked !== undefined) return picked;
    }
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const fail = (why: string): void => {
      const said = this.lastLines(12).join("\n  ");
      reject(new Error(`${this.name} (pid ${this.pid}): ${what}: ${why}\n  ${said}`));
    };
    const watcher = (line: string): void => {
      const picked = pick(line);
      if (picked !== undefined) resolve(picked);
    };
    const timer = setTimeout(() => fail(`nothing after ${timeoutMs} ms`), timeoutMs);
    this.#watchers.add(watcher);
    void this.ended.then(({ code, signal }) => fail(`it ended with ${signal ?? `code ${code}`}`));
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#watchers.delete(watcher);
    }
  }

  /** The ready line of a simulator. */
  ready(timeoutMs = 30_000): Promise<Readonly<Record<string, unknown>>> {
    return this.waitFor("ready", (line) => jsonLine(line, (value) => value["ready"] === true), timeoutMs);
  }

  /** The "started" line of a gateway or server. */
  started(timeoutMs = 30_000): Promise<Readonly<Record<string, unknown>>> {
    return this.waitFor("started", (line) => jsonLine(line, (value) => value["msg"] === "started"), timeoutMs);
  }

  /** SIGKILL, as a power cut would. */
  async kill(): Promise<void> {
    if (this.isRunning) this.#process.kill("SIGKILL");
    await this.ended;
  }

  /** Any other signal, e.g. SIGSTOP to freeze it. */
  signal(signal: NodeJS.Signals): void {
    if (this.isRunning) this.#process.kill(signal);
  }

  /** SIGTERM, and SIGKILL for what does not end in time. Says whether it ended by itself. */
  async stop(timeoutMs = 10_000): Promise<{ readonly clean: boolean; readonly end: ChildEnd }> {
    if (this.isRunning) this.#process.kill("SIGTERM");
    let forced = false;
    const timer = setTimeout(() => {
      forced = true;
      this.#process.kill("SIGKILL");
    }, timeoutMs);
    const end = await this.ended;
    clearTimeout(timer);
    return { clean: !forced && end.code === 0, end };
  }

  #onLine(line: string): void {
    this.#lines.push(line);
    // Enough to explain an end; the log file has it all.
    if (this.#lines.length > 2000) this.#lines.splice(200, 1000);
    if (!this.#log.writableEnded) this.#log.write(`${line}\n`);
    for (const watcher of this.#watchers) watcher(line);
  }
}

function jsonLine(
  line: string,
  isWanted: (value: Readonly<Record<string, unknown>>) => boolean,
): Readonly<Record<string, unknown>> | undefined {
  if (!line.startsWith("{")) return undefined;
  try {
    const value = JSON.parse(line) as Readonly<Record<string, unknown>>; // an object: it starts with a brace
    return isWanted(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
