import { expect, it } from "vitest";

import {
  aggregate,
  anyOf,
  column,
  is,
  isChosen,
  measurement,
  named,
  quoteName,
  quoteText,
  render,
  renderTagValues,
} from "./influxql.ts";

it("renders every clause in the order InfluxQL wants", () => {
  const inner = {
    columns: [named(aggregate("mean", column("value")), "mean")],
    from: measurement("samples"),
    where: [is("site", "a"), anyOf(is("quality", "good"), isChosen("zone", "zone"))],
    inTimeRange: true,
    every: "$__interval",
    by: ["point"],
    fill: "none",
  } as const;
  expect(render({ columns: [column("mean")], from: inner, newestFirst: true, limit: 5 })).toBe(
    `SELECT "mean" FROM (SELECT mean("value") AS "mean" FROM "samples" WHERE "site" = 'a' AND ("quality" = 'good' OR ` +
      `"zone" =~ /^\${zone:regex}$/) AND $timeFilter GROUP BY time($__interval), "point" fill(none)) ORDER BY time DESC LIMIT 5`,
  );
  expect(renderTagValues("samples", "site")).toBe(`SHOW TAG VALUES FROM "samples" WITH KEY = "site"`);
});

it("keeps quotes and backslashes inside names and texts", () => {
  expect(quoteName(String.raw`a"b\c`)).toBe(String.raw`"a\"b\\c"`);
  expect(quoteText(String.raw`it's\ `)).toBe(String.raw`'it\'s\\ '`);
});
