import {
  type Dashboard,
  DashboardBuilder,
  DashboardCursorSync,
  QueryVariableBuilder,
  VariableRefresh,
  VariableSort,
} from "@grafana/grafana-foundation-sdk/dashboard";

import { isChosen, renderTagValues } from "./influxql.ts";
import { samplesName } from "./samples.ts";
import {
  completenessOfPoints,
  heartbeat,
  humidity,
  notGood,
  qualityTimeline,
  switches,
  temperatureOfZone,
  worstFirst,
} from "./site-panels.ts";
import { datasource } from "./target.ts";

export const siteDashboardUid = "frostlight-site";

/** One site: rooms worst first, curves with limits, quality, gaps. */
export function siteDashboard(description: string): Dashboard {
  return (
    new DashboardBuilder("霜明 · 站点 Frostlight — site")
      .uid(siteDashboardUid)
      .description(description)
      .tags(["frostlight"])
      .timezone("browser")
      .time({ from: "now-24h", to: "now" })
      .refresh("1m")
      .tooltip(DashboardCursorSync.Crosshair)
      .readonly()
      .withVariable(
        new QueryVariableBuilder("site")
          .label("站点 Site")
          .datasource(datasource)
          .query(renderTagValues(samplesName, "site"))
          .refresh(VariableRefresh.OnTimeRangeChanged)
          .sort(VariableSort.AlphabeticalAsc),
      )
      .withVariable(
        new QueryVariableBuilder("zone")
          .label("房间 Room")
          .datasource(datasource)
          .query(renderTagValues(samplesName, "zone", [isChosen("site", "site")]))
          .refresh(VariableRefresh.OnTimeRangeChanged)
          .sort(VariableSort.AlphabeticalAsc)
          .multi(true)
          .includeAll(true)
          .current({ selected: true, text: "All", value: "$__all" }),
      )
      .withPanel(worstFirst().id(1).gridPos({ x: 0, y: 0, w: 14, h: 8 }))
      .withPanel(completenessOfPoints().id(2).gridPos({ x: 14, y: 0, w: 10, h: 8 }))
      .withPanel(heartbeat().id(3).gridPos({ x: 0, y: 8, w: 24, h: 7 }))
      .withPanel(switches().id(4).gridPos({ x: 0, y: 15, w: 12, h: 7 }))
      .withPanel(humidity().id(5).gridPos({ x: 12, y: 15, w: 12, h: 7 }))
      .withPanel(qualityTimeline().id(6).gridPos({ x: 0, y: 22, w: 12, h: 8 }))
      .withPanel(notGood().id(7).gridPos({ x: 12, y: 22, w: 12, h: 8 }))
      // Last, because it repeats for each room and grows downwards.
      .withPanel(temperatureOfZone().id(8).gridPos({ x: 0, y: 30, w: 12, h: 9 }))
      .build()
  );
}
