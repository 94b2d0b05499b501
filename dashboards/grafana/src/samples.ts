import {
  aggregate,
  anyOf,
  arithmetic,
  column,
  type Condition,
  type Expression,
  is,
  measurement,
  named,
  number,
  type Select,
} from "./influxql.ts";

/** Measurements as the server's InfluxDB store writes them; a test runs every query against what it wrote. */
export const samples = measurement("samples");
export const limits = measurement("limits");
export const samplesName = "samples";

/** Values that may be used: the others are shown, but never counted in. */
export const usable: Condition = anyOf(is("quality", "good"), is("quality", "uncertain"));

/** A slot of this length with a usable value counts as complete. */
export const completenessSlot = "5m";

/**
 * Share of slots with a usable value, in per cent, for each point. InfluxQL has no "is there one": n ÷ (n + 10⁻⁶) is 0 for
 * none and 1 (to six digits) for any.
 *
 * All three levels group by the same tags: InfluxDB 1.x gives wrong means when an outer query joins several series of an
 * inner one. Means over points are Grafana's work.
 */
export function completeness(where: readonly Condition[], by: readonly string[]): Select {
  const slots: Select = {
    columns: [named(aggregate("count", column("value")), "n")],
    from: samples,
    where: [...where, usable],
    inTimeRange: true,
    every: completenessSlot,
    by,
    fill: 0,
  };
  const filled: Expression = arithmetic(column("n"), "/", arithmetic(column("n"), "+", number(0.000001)));
  return {
    columns: [named(arithmetic(aggregate("mean", column("filled")), "*", number(100)), "completeness")],
    from: { columns: [named(filled, "filled")], from: slots, by },
    by,
  };
}
