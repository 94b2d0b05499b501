import type { HealthEvent } from "@frostlight/contract";
import type { CancelTimer, Clock, Part } from "@frostlight/kernel";

import type { View } from "./core/view.ts";

const checkMs = 5_000;
/** A connection that comes back within this time is nothing to tell. */
const patienceMs = 30_000;

/** Says when a view has been down for a while, and when it works again. */
export class ViewWatch implements Part {
  readonly name = "view watch";
  readonly #views: readonly View[];
  readonly #clock: Clock;
  readonly #tell: (event: HealthEvent) => void;
  readonly #downSince = new Map<View, number>();
  readonly #told = new Set<View>();
  #cancel: CancelTimer | undefined;

  constructor(views: readonly View[], clock: Clock, tell: (event: HealthEvent) => void) {
    this.#views = views;
    this.#clock = clock;
    this.#tell = tell;
  }

  start(): Promise<void> {
    if (this.#views.length > 0) {
      this.#cancel = this.#clock.every(checkMs, () => {
        this.#check();
      });
    }
    return Promise.resolve();
  }

  stop(): Promise<void> {
    this.#cancel?.();
    return Promise.resolve();
  }

  #check(): void {
    const nowMs = this.#clock.monotonicMs();
    for (const view of this.#views) {
      if (view.status().state === "online") {
        this.#downSince.delete(view);
        if (this.#told.delete(view)) this.#say(view, "ok");
        continue;
      }
      const sinceMs = this.#downSince.get(view) ?? nowMs;
      this.#downSince.set(view, sinceMs);
      if (nowMs - sinceMs < patienceMs || this.#told.has(view)) continue;
      this.#told.add(view);
      this.#say(view, "offline");
    }
  }

  #say(view: View, state: "ok" | "offline"): void {
    const { viewId, code, message } = view.status();
    const explanation = { code: `view-${state}`, parameters: { view: viewId, code, message } };
    this.#tell({ subject: `view:${viewId}`, state, timeMs: this.#clock.nowMs(), explanation });
  }
}
