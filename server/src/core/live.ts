import type { AlarmEvent, HealthEvent, Sample } from "@frostlight/contract";

import type { Alarm, StoredFinding } from "./records.ts";

/** What just became durable, for whoever watches. */
export type LiveEvent =
  | {
      readonly kind: "samples";
      readonly organisationId: string;
      readonly siteId: string;
      readonly samples: readonly Sample[];
    }
  | {
      readonly kind: "alarm";
      readonly organisationId: string;
      readonly siteId: string;
      readonly alarm: Alarm;
      readonly event: AlarmEvent;
    }
  | {
      readonly kind: "finding";
      readonly organisationId: string;
      readonly siteId: string;
      readonly finding: StoredFinding;
    }
  | {
      readonly kind: "health";
      readonly organisationId: string;
      readonly siteId: string;
      readonly gatewayId: string;
      readonly event: HealthEvent;
    }
  | { readonly kind: "evidence"; readonly organisationId: string; readonly siteId: string; readonly sha256: string }
  | { readonly kind: "site"; readonly organisationId: string; readonly siteId: string }
  | {
      readonly kind: "gateway";
      readonly organisationId: string;
      readonly siteId: string;
      readonly gatewayId: string;
      readonly connected: boolean;
    };

export interface LivePublisher {
  publish(event: LiveEvent): void;
}

export interface LiveSubscriber {
  /** Returns the unsubscribe function. A listener that throws is removed and does not disturb the others. */
  subscribe(listener: (event: LiveEvent) => void): () => void;
}

/** In-process publish/subscribe: no queue, listeners must be quick. */
export class LiveBus implements LivePublisher, LiveSubscriber {
  readonly #listeners = new Set<(event: LiveEvent) => void>();

  publish(event: LiveEvent): void {
    for (const listener of this.#listeners) {
      try {
        listener(event);
      } catch {
        this.#listeners.delete(listener);
      }
    }
  }

  subscribe(listener: (event: LiveEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }
}
