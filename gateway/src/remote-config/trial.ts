import type { CancelTimer, Clock, Part } from "@frostlight/kernel";

import type { Choice, RemoteConfiguration } from "./remote-configuration.ts";
import type { OutboxItem } from "./version-files.ts";

const lookMs = 1_000;
const flushMs = 30_000;
/** So long on end it must be connected. */
const confirmMs = 60_000;
/** Within so long. */
const giveUpMs = 300_000;

interface TrialParts {
  readonly remote: RemoteConfiguration;
  readonly choice: Choice;
  /** The links so far, while the gateway is connected; undefined while it is not. */
  readonly link: () => number | undefined;
  readonly journal: (item: OutboxItem) => Promise<void>;
  readonly clock: Clock;
}

/** Runs inside the gateway: journals what became of configurations, and watches over one on trial. */
export class Trial implements Part {
  readonly name = "configuration";
  readonly #parts: TrialParts;
  #timers: readonly CancelTimer[] = [];
  #startedMs = 0;
  #linked: { readonly link: number; readonly sinceMs: number } | undefined;
  #isDecided = false;

  constructor(parts: TrialParts) {
    this.#parts = parts;
  }

  async start(): Promise<void> {
    const { remote, choice, clock, journal } = this.#parts;
    remote.connect(journal);
    await remote.flush(journal);
    this.#startedMs = clock.monotonicMs();
    this.#timers = [
      clock.every(flushMs, () => {
        void remote.flush(journal);
      }),
      ...(choice.isTrial
        ? [
            clock.every(lookMs, () => {
              void this.#look();
            }),
          ]
        : []),
    ];
  }

  stop(): Promise<void> {
    for (const cancel of this.#timers) cancel();
    this.#timers = [];
    this.#parts.remote.connect(undefined);
    return Promise.resolve();
  }

  async #look(): Promise<void> {
    if (this.#isDecided) return;
    const { remote, clock, journal } = this.#parts;
    const nowMs = clock.monotonicMs();
    const link = this.#parts.link();
    if (link === undefined) this.#linked = undefined;
    else if (this.#linked?.link !== link) this.#linked = { link, sinceMs: nowMs };
    if (this.#linked !== undefined && nowMs - this.#linked.sinceMs >= confirmMs) {
      this.#isDecided = true;
      await remote.confirm();
      await remote.flush(journal);
    } else if (nowMs - this.#startedMs >= giveUpMs) {
      this.#isDecided = true;
      await remote.giveUp("configuration-not-connected", "");
      remote.restart();
    }
  }
}
