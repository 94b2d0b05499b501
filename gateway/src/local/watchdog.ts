import { type CancelTimer, type Clock, describeError, type Logger, notifySystemd, type Part } from "@frostlight/kernel";

type Environment = Readonly<Record<string, string | undefined>>;

export interface WatchdogParts {
  readonly clock: Clock;
  /** `NOTIFY_SOCKET` and `WATCHDOG_USEC` come from systemd. */
  readonly environment: Environment;
  /** A number that grows with every turn of the main loop, or whether it has turned since the last look. */
  readonly progress: () => number | boolean;
  /** How often to look; default: half of systemd's `WATCHDOG_USEC`, otherwise 10 s. */
  readonly intervalMs?: number;
  readonly logger: Logger;
  readonly notify?: (state: string, environment: Environment) => Promise<boolean>;
}

export interface Watchdog extends Part {
  /** False once an interval has passed without progress. */
  alive(): boolean;
}

const defaultIntervalMs = 10_000;

/**
 * Tells systemd that the gateway works, and only while it really does: a process whose timers run but whose main loop
 * stands still gets no `WATCHDOG=1` and is restarted by systemd (sd_notify(3), WatchdogSec=).
 */
export function createWatchdog(parts: WatchdogParts): Watchdog {
  return new SystemdWatchdog(parts);
}

class SystemdWatchdog implements Watchdog {
  readonly name = "watchdog";
  readonly #parts: WatchdogParts;
  readonly #intervalMs: number;
  #cancel: CancelTimer | undefined;
  #last: number | boolean = false;
  #alive = true;

  constructor(parts: WatchdogParts) {
    this.#parts = parts;
    this.#intervalMs = parts.intervalMs ?? intervalFrom(parts.environment);
  }

  async start(): Promise<void> {
    this.#last = this.#parts.progress();
    this.#cancel = this.#parts.clock.every(this.#intervalMs, () => {
      this.#look();
    });
    await this.#notify("READY=1");
  }

  async stop(): Promise<void> {
    if (this.#cancel === undefined) return;
    this.#cancel();
    this.#cancel = undefined;
    await this.#notify("STOPPING=1");
  }

  alive(): boolean {
    return this.#alive;
  }

  #look(): void {
    const progress = this.#parts.progress();
    const moved = typeof progress === "boolean" ? progress : progress !== this.#last;
    this.#last = progress;
    if (moved !== this.#alive) {
      if (moved) this.#parts.logger.info("main-loop-moves-again");
      else this.#parts.logger.error("main-loop-stands-still", { intervalMs: this.#intervalMs });
    }
    this.#alive = moved;
    if (moved) void this.#notify("WATCHDOG=1");
  }

  async #notify(state: string): Promise<void> {
    const { environment, notify = notifySystemd, logger } = this.#parts;
    try {
      await notify(state, environment);
    } catch (error) {
      logger.warn("systemd-not-notified", { state, error: describeError(error) });
    }
  }
}

function intervalFrom(environment: Environment): number {
  const microseconds = Number(environment["WATCHDOG_USEC"]);
  return Number.isFinite(microseconds) && microseconds > 0 ? Math.max(500, microseconds / 2_000) : defaultIntervalMs;
}
