import type { Builder, Dataquery } from "@grafana/grafana-foundation-sdk/cog";
import type { DataSourceRef } from "@grafana/grafana-foundation-sdk/common";

import { render, type Select } from "./influxql.ts";

/** The provisioned data source. */
export const datasource: DataSourceRef = { type: "influxdb", uid: "frostlight-influxdb" };

interface InfluxQuery extends Dataquery {
  readonly refId: string;
  readonly datasource: DataSourceRef;
  readonly query: string;
  readonly rawQuery: true;
  readonly resultFormat: "time_series" | "table";
  readonly alias?: string;
}

/** A panel's query as curves; `alias` names them, with `$tag_<name>` for tags. */
export function curves(refId: string, select: Select, alias: string): Builder<Dataquery> {
  return target({ refId, query: render(select), resultFormat: "time_series", alias });
}

/** A panel's query as a table with a column for each tag. */
export function rows(refId: string, select: Select): Builder<Dataquery> {
  return target({ refId, query: render(select), resultFormat: "table" });
}

function target(query: Pick<InfluxQuery, "refId" | "query" | "resultFormat" | "alias">): Builder<Dataquery> {
  return {
    build: (): InfluxQuery => ({
      ...query,
      datasource,
      rawQuery: true,
      // The kit marks query types with a method; it is not part of the JSON.
      _implementsDataqueryVariant: () => undefined,
    }),
  };
}
