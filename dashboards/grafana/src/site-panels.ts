import {
  GraphDrawStyle,
  LegendDisplayMode,
  LegendPlacement,
  LineInterpolation,
  StackingMode,
  TooltipDisplayMode,
  VisibilityMode,
} from "@grafana/grafana-foundation-sdk/common";
import * as common from "@grafana/grafana-foundation-sdk/common";
import { PanelBuilder as StatusHistory } from "@grafana/grafana-foundation-sdk/statushistory";
import { PanelBuilder as Table } from "@grafana/grafana-foundation-sdk/table";
import { PanelBuilder as TimeSeries } from "@grafana/grafana-foundation-sdk/timeseries";

import { aggregate, anyOf, column, is, isChosen, isNot, named, type Select } from "./influxql.ts";
import { bilingual, byThresholds, colours, fixedColour, limitLine, steps } from "./look.ts";
import { completeness, completenessSlot, limits, samples, usable } from "./samples.ts";
import { curves, datasource, rows } from "./target.ts";

const here = [isChosen("site", "site"), isChosen("zone", "zone")] as const;
const temperature = is("quantity", "temperature");

/** Rooms by how close they are to their upper limit, the worst first. */
export function worstFirst(): Table {
  const newest: Select = {
    columns: [named(aggregate("last", column("value")), "value")],
    from: samples,
    where: [...here, temperature, usable],
    inTimeRange: true,
    by: ["zone", "point"],
  };
  const limit: Select = {
    columns: [named(aggregate("last", column("high")), "high")],
    from: limits,
    where: here,
    inTimeRange: true,
    by: ["zone"],
  };
  return new Table()
    .title(bilingual("距上限最近的在前", "Closest to the upper limit first"))
    .description(
      "Newest usable value of each temperature point, and its room's upper limit. A point that sent nothing in the chosen time is not in this list: see the console.",
    )
    .datasource(datasource)
    .withTarget(rows("A", newest))
    .withTarget(rows("B", limit))
    .transformations([
      { id: "joinByField", options: { byField: "zone", mode: "outer" } },
      {
        id: "calculateField",
        options: {
          alias: "margin",
          mode: "binary",
          binary: { left: "high", operator: "-", right: "value" },
        },
      },
      {
        id: "organize",
        options: {
          excludeByName: { Time: true, "Time 1": true, "Time 2": true },
          indexByName: { zone: 0, point: 1, value: 2, high: 3, margin: 4 },
          renameByName: {
            zone: "房间 Room",
            point: "测点 Point",
            value: "温度 Value",
            high: "上限 Limit",
            margin: "余量 Margin",
          },
        },
      },
      { id: "sortBy", options: { sort: [{ field: "余量 Margin", desc: false }] } },
    ])
    .unit("celsius")
    .decimals(1)
    .colorScheme(byThresholds())
    .thresholds(steps(colours.calm))
    .overrideByName("余量 Margin", [
      {
        id: "thresholds",
        value: {
          mode: "absolute",
          steps: [
            { value: null, color: colours.critical },
            { value: 0, color: colours.limit },
            { value: 1, color: colours.calm },
          ],
        },
      },
      { id: "custom.cellOptions", value: { type: "color-text" } },
    ]);
}

/** Curves of one room with its limit band. */
export function temperatureOfZone(): TimeSeries {
  const value: Select = {
    columns: [named(aggregate("mean", column("value")), "value")],
    from: samples,
    where: [...here, temperature, usable],
    inTimeRange: true,
    every: "$__interval",
    by: ["point"],
    fill: "null",
  };
  const limit = (name: string): Select => ({
    columns: [named(aggregate("last", column(name)), name)],
    from: limits,
    where: here,
    inTimeRange: true,
    every: "$__interval",
    fill: "previous",
  });
  return new TimeSeries()
    .title(`${bilingual("温度", "Temperature")} · $zone`)
    .description(
      "Mean of the usable values of each interval; gaps stay gaps. Dashed: the room's limits as its gateway described them.",
    )
    .datasource(datasource)
    .repeat("zone")
    .repeatDirection("h")
    .maxPerRow(2)
    .interval("1m")
    .withTarget(curves("A", value, "$tag_point"))
    .withTarget(curves("B", limit("high"), "上限 high"))
    .withTarget(curves("C", limit("low"), "下限 low"))
    .withTarget(curves("D", limit("critical_high"), "严重上限 critical high"))
    .withTarget(curves("E", limit("critical_low"), "严重下限 critical low"))
    .unit("celsius")
    .decimals(1)
    .lineWidth(2)
    .showPoints(VisibilityMode.Auto)
    .lineInterpolation(LineInterpolation.Linear)
    .spanNulls(false)
    .legend(legend())
    .tooltip(new common.VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi))
    .overrideByName("上限 high", limitLine(colours.limit))
    .overrideByName("下限 low", limitLine(colours.limit))
    .overrideByName("严重上限 critical high", limitLine(colours.critical))
    .overrideByName("严重下限 critical low", limitLine(colours.critical));
}

/** How many samples of each quality: what is not good stands out. */
export function qualityTimeline(): TimeSeries {
  const select: Select = {
    columns: [named(aggregate("count", column("received_ms")), "samples")],
    from: samples,
    where: here,
    inTimeRange: true,
    every: "$__interval",
    by: ["quality"],
    fill: "none",
  };
  return new TimeSeries()
    .title(bilingual("数据质量", "Quality of the samples"))
    .description("Number of samples by quality. Bad and stale samples have no usable value.")
    .datasource(datasource)
    .interval("5m")
    .withTarget(curves("A", select, "$tag_quality"))
    .drawStyle(GraphDrawStyle.Bars)
    .fillOpacity(80)
    .lineWidth(0)
    .stacking(new common.StackingConfigBuilder().mode(StackingMode.Normal).group("A"))
    .legend(legend())
    .overrideByName("good", [fixedColour(colours.good)])
    .overrideByName("uncertain", [fixedColour(colours.uncertain)])
    .overrideByName("bad", [fixedColour(colours.bad)])
    .overrideByName("stale", [fixedColour(colours.unknown)]);
}

/** One strip a point: where its data has gaps. */
export function heartbeat(): StatusHistory {
  const select: Select = {
    columns: [named(aggregate("count", column("value")), "values")],
    from: samples,
    where: [...here, usable],
    inTimeRange: true,
    every: "15m",
    by: ["zone", "point"],
    fill: 0,
  };
  return new StatusHistory()
    .title(bilingual("心跳", "Heartbeat"))
    .description("Quarter-hours with usable values; a quarter-hour without any is unknown, not normal.")
    .datasource(datasource)
    .withTarget(curves("A", select, "$tag_zone / $tag_point"))
    .showValue(VisibilityMode.Never)
    .rowHeight(0.8)
    .colorScheme(byThresholds())
    .thresholds(steps(colours.unknown, [1, colours.good]))
    .legend(legend());
}

/** Completeness of each point. */
export function completenessOfPoints(): Table {
  return new Table()
    .title(bilingual("完整率", "Completeness"))
    .description(
      `Share of ${completenessSlot} slots with a usable value, from the beginning to the end of the chosen time.`,
    )
    .datasource(datasource)
    .withTarget(rows("A", completeness(here, ["zone", "point"])))
    .transformations([
      {
        id: "organize",
        options: {
          excludeByName: { Time: true },
          renameByName: { zone: "房间 Room", point: "测点 Point", completeness: "完整率 Completeness" },
        },
      },
      { id: "sortBy", options: { sort: [{ field: "完整率 Completeness", desc: false }] } },
    ])
    .unit("percent")
    .decimals(1)
    .min(0)
    .max(100)
    .colorScheme(byThresholds())
    .thresholds(steps(colours.bad, [90, colours.limit], [98, colours.good]));
}

/** Door, defrost and compressor on the same time axis. */
export function switches(): TimeSeries {
  const select: Select = {
    columns: [named(aggregate("max", column("value")), "value")],
    from: samples,
    where: [...here, anyOf(is("quantity", "door"), is("quantity", "defrost"), is("quantity", "compressor")), usable],
    inTimeRange: true,
    every: "$__interval",
    by: ["zone", "point"],
    fill: "none",
  };
  return new TimeSeries()
    .title(bilingual("门、化霜、压缩机", "Doors, defrosts, compressors"))
    .datasource(datasource)
    .interval("1m")
    .withTarget(curves("A", select, "$tag_zone / $tag_point"))
    .lineInterpolation(LineInterpolation.StepAfter)
    .fillOpacity(15)
    .min(0)
    .max(1)
    .decimals(0)
    .legend(legend());
}

/** The newest samples that are not good, with the reason. */
export function notGood(): Table {
  const select: Select = {
    columns: [
      column("zone"),
      column("point"),
      column("quality"),
      column("reason"),
      column("value"),
      column("raw"),
    ] as const,
    from: samples,
    where: [...here, isNot("quality", "good")],
    inTimeRange: true,
    newestFirst: true,
    limit: 100,
  };
  return new Table()
    .title(bilingual("最近的异常数据", "Newest samples that are not good"))
    .description("The newest 100, with the reason the gateway gave.")
    .datasource(datasource)
    .withTarget(rows("A", select));
}

export function humidity(): TimeSeries {
  const select: Select = {
    columns: [named(aggregate("mean", column("value")), "value")],
    from: samples,
    where: [...here, is("quantity", "humidity"), usable],
    inTimeRange: true,
    every: "$__interval",
    by: ["zone", "point"],
    fill: "null",
  };
  return new TimeSeries()
    .title(bilingual("湿度", "Humidity"))
    .datasource(datasource)
    .interval("1m")
    .withTarget(curves("A", select, "$tag_zone / $tag_point"))
    .unit("humidity")
    .decimals(0)
    .legend(legend());
}

function legend(): common.VizLegendOptionsBuilder {
  return new common.VizLegendOptionsBuilder()
    .displayMode(LegendDisplayMode.List)
    .placement(LegendPlacement.Bottom)
    .showLegend(true);
}
