import { type Dashboard, DashboardBuilder, DashboardCursorSync } from "@grafana/grafana-foundation-sdk/dashboard";
import { PanelBuilder as Table } from "@grafana/grafana-foundation-sdk/table";
import { PanelBuilder as TimeSeries } from "@grafana/grafana-foundation-sdk/timeseries";

import { aggregate, column, isNot, named, type Select } from "./influxql.ts";
import { bilingual, byThresholds, colours, steps } from "./look.ts";
import { completeness, completenessSlot, samples } from "./samples.ts";
import { siteDashboardUid } from "./site-dashboard.ts";
import { curves, datasource, rows } from "./target.ts";

/** All sites: who reports, how completely, and with what quality. */
export function overviewDashboard(description: string): Dashboard {
  return new DashboardBuilder("霜明 · 总览 Frostlight — all sites")
    .uid("frostlight-overview")
    .description(description)
    .tags(["frostlight"])
    .timezone("browser")
    .time({ from: "now-24h", to: "now" })
    .refresh("5m")
    .tooltip(DashboardCursorSync.Crosshair)
    .readonly()
    .withPanel(leastComplete().id(1).gridPos({ x: 0, y: 0, w: 10, h: 16 }))
    .withPanel(received().id(2).gridPos({ x: 10, y: 0, w: 14, h: 8 }))
    .withPanel(notGood().id(3).gridPos({ x: 10, y: 8, w: 14, h: 8 }))
    .build();
}

function leastComplete(): Table {
  return new Table()
    .title(bilingual("完整率，最差在前", "Completeness, worst first"))
    .description(
      `Share of ${completenessSlot} slots with a usable value. A site that sent nothing in the chosen time is missing here: the console shows it.`,
    )
    .datasource(datasource)
    .withTarget(rows("A", completeness([], ["site", "zone", "point"])))
    .transformations([
      {
        id: "groupBy",
        options: {
          fields: {
            site: { operation: "groupby", aggregations: [] },
            completeness: { operation: "aggregate", aggregations: ["mean", "min"] },
          },
        },
      },
      {
        id: "organize",
        options: {
          renameByName: {
            site: "站点 Site",
            "completeness (mean)": "平均 Mean of its points",
            "completeness (min)": "最差测点 Worst point",
          },
        },
      },
      { id: "sortBy", options: { sort: [{ field: "平均 Mean of its points", desc: false }] } },
    ])
    .unit("percent")
    .decimals(1)
    .min(0)
    .max(100)
    .colorScheme(byThresholds())
    .thresholds(steps(colours.bad, [90, colours.limit], [98, colours.good]))
    .overrideByName("站点 Site", [
      {
        id: "links",
        value: [
          { title: "打开站点 Open site", url: `/d/${siteDashboardUid}?var-site=\${__value.raw}&\${__url_time_range}` },
        ],
      },
    ]);
}

function received(): TimeSeries {
  const select: Select = {
    columns: [named(aggregate("count", column("received_ms")), "samples")],
    from: samples,
    inTimeRange: true,
    every: "$__interval",
    by: ["site"],
    fill: 0,
  };
  return new TimeSeries()
    .title(bilingual("收到的数据", "Samples received"))
    .datasource(datasource)
    .interval("5m")
    .withTarget(curves("A", select, "$tag_site"))
    .decimals(0);
}

function notGood(): TimeSeries {
  const select: Select = {
    columns: [named(aggregate("count", column("received_ms")), "samples")],
    from: samples,
    where: [isNot("quality", "good")],
    inTimeRange: true,
    every: "$__interval",
    by: ["site", "quality"],
    fill: "none",
  };
  return new TimeSeries()
    .title(bilingual("质量不好的数据", "Samples that are not good"))
    .datasource(datasource)
    .interval("5m")
    .withTarget(curves("A", select, "$tag_site $tag_quality"))
    .decimals(0);
}
