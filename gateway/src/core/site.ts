import type { Calibration, LimitBand, LocalisedText, Quantity } from "@frostlight/contract";
import type { ScheduleEntry } from "@frostlight/kernel";

import type { Unit } from "./units.ts";

/** Stands for the room in alarms about the gateway itself; no configured room may have this id. */
export const gatewayZoneId = "gateway";

/** A room as configured, with its limits resolved from profile and overrides. */
export interface Zone {
  readonly zoneId: string;
  readonly name: LocalisedText;
  readonly profileId: string;
  readonly limits: LimitBand;
  readonly limitsSource: string;
  /** What the limits apply to: the air (unless said), the estimate of the goods, or whichever is worse. */
  readonly applyTo?: "air" | "product" | "both";
  /** The point whose probe is in the goods: the estimate of the goods is fitted to it, and it says nothing of the air. */
  readonly goodsProbe?: string;
  /** When hot food is held in it; absent: whenever it is hot. */
  readonly serving?: { readonly timeZone: string; readonly hours: readonly ScheduleEntry[] };
}

/**
 * What of a point's samples is journaled. `summary`: within its limits one row for `keepMs` (min, max, mean, last), every
 * sample while it is outside, and every change of quality; only for sources that tell nobody that a reading is safe.
 */
export type RecordingPolicy = { readonly mode: "every" } | { readonly mode: "summary"; readonly keepMs: number };

/** One measured quantity in a zone. */
export interface Point {
  readonly pointId: string;
  readonly zoneId: string;
  readonly name: LocalisedText;
  readonly quantity: Quantity;
  /** Unit of the samples. */
  readonly unit: Unit;
  readonly expectedIntervalMs: number;
  readonly probeRole: "independent" | "controller" | null;
  /** value = slope × raw + offset, in the point's unit. */
  readonly calibration: Calibration;
  readonly recording: RecordingPolicy;
  /** Physically possible values; outside: bad, reason "out-of-range". */
  readonly validRange: { readonly min: number; readonly max: number };
}
