import type { Quality } from "@frostlight/contract";

import type { Unit } from "./units.ts";

/** What a source says about one point, before the pipeline. */
export interface Reading {
  readonly pointId: string;
  /** In `unit`; null when the source has no number (then quality is bad or uncertain, with a reason). */
  readonly value: number | null;
  /** null: the unit the point is configured to be reported in. */
  readonly unit: Unit | null;
  /** The source's own time, Unix ms; null when it gave none. */
  readonly sourceTimeMs: number | null;
  readonly receivedMs: number;
  /** stale: the source knows that its device has gone (no value; a Sparkplug death, an availability topic). */
  readonly quality: Quality;
  /** Stable code of why the quality is not good, e.g. "sensor-fault", "opcua-bad-communication"; null otherwise. */
  readonly reason: string | null;
  /** Buffered in the device and older than live. */
  readonly backfill: boolean;
}

/** A payload that could not be used, as shown on the local page and counted. */
export interface Refusal {
  readonly sourceId: string;
  /** Topic, node id or the like. */
  readonly address: string;
  /** Stable code, e.g. "not-a-number", "payload-too-large", "no-temperature-field". */
  readonly code: string;
  /** For people: names the thing, what was found and what was expected. */
  readonly message: string;
}
