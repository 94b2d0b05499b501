import type { Sample } from "@frostlight/contract";

/** The value a sample says something with; null when it is unknown (bad, stale or without a value). */
export function usableValue({ value, quality }: Sample): number | null {
  return quality === "bad" || quality === "stale" ? null : value;
}

/** For people: two decimals. */
export function round(value: number): number {
  return Math.round(value * 100) / 100;
}
