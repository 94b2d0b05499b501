import type { LimitBand, LocalisedText, Quantity } from "@frostlight/contract";

import type { Unit } from "./units.ts";

/** A room as configured, with its limits resolved from profile and overrides. */
export interface Zone {
  readonly zoneId: string;
  readonly name: LocalisedText;
  readonly profileId: string;
  readonly limits: LimitBand;
  readonly limitsSource: string;
}

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
  readonly calibration: { readonly offset: number; readonly slope: number };
  /** Physically possible values; outside: bad, reason "out-of-range". */
  readonly validRange: { readonly min: number; readonly max: number };
}
