import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import type { Sample } from "@frostlight/contract";
import { generateAll } from "@frostlight/grafana";
import { systemClock } from "@frostlight/kernel";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { z } from "zod";

import { type InfluxDb, influxdProgram, startInfluxDb } from "../../sims/influxdb.ts";
import { openInflux } from "../timeseries/harness.ts";

const folder = join(import.meta.dirname, "../../../dashboards/grafana");
const reference = z.object({ type: z.string(), uid: z.string() });
const dashboardSchema = z.object({
  uid: z.string().regex(/^[a-z0-9-]{1,40}$/),
  title: z.string().min(1),
  templating: z
    .object({
      list: z.array(z.object({ name: z.string(), type: z.literal("query"), query: z.string(), datasource: reference })),
    })
    .or(z.object({}).transform(() => ({ list: [] }))),
  panels: z.array(
    z.object({
      id: z.int().positive(),
      title: z.string().min(1),
      type: z.string(),
      datasource: reference,
      gridPos: z.object({ x: z.int(), y: z.int(), w: z.int().positive(), h: z.int().positive() }),
      repeat: z.string().optional(),
      targets: z
        .array(
          z.object({
            refId: z.string(),
            query: z.string(),
            rawQuery: z.literal(true),
            resultFormat: z.enum(["time_series", "table"]),
            alias: z.string().optional(),
            datasource: reference,
          }),
        )
        .min(1),
    }),
  ),
});
const dataSourcesSchema = z.object({ datasources: z.array(z.object({ uid: z.string(), type: z.string() })) });

const dashboards = readdirSync(join(folder, "provisioning/dashboards"))
  .filter((name) => name.endsWith(".json"))
  .map((name) => {
    const text = readFileSync(join(folder, "provisioning/dashboards", name), "utf8");
    return { name, text, dashboard: dashboardSchema.parse(JSON.parse(text)) };
  });

describe("the generated files", () => {
  it("are committed as they are generated, and say so in their first line", () => {
    for (const [path, text] of generateAll()) {
      expect(readFileSync(join(folder, path), "utf8"), path).toBe(text);
      expect(text.split("\n")[0], path).toContain("Generated from dashboards/grafana/src");
    }
  });

  it("refer only to the data source that is provisioned", () => {
    const sources = dataSourcesSchema.parse(
      parse(readFileSync(join(folder, "provisioning/datasources/frostlight.generated.yaml"), "utf8")),
    );
    const known = sources.datasources.map(({ uid, type }) => `${type} ${uid}`);
    const used = dashboards.flatMap(({ dashboard }) => [
      ...dashboard.templating.list.map(({ datasource }) => datasource),
      ...dashboard.panels.flatMap(({ datasource, targets }) => [
        datasource,
        ...targets.map((target) => target.datasource),
      ]),
    ]);
    expect(used.length).toBeGreaterThan(10);
    expect(new Set(used.map(({ uid, type }) => `${type} ${uid}`))).toEqual(new Set(known));
  });

  it("have unique dashboards, panels and queries", () => {
    expect(new Set(dashboards.map(({ dashboard }) => dashboard.uid)).size).toBe(dashboards.length);
    for (const { dashboard } of dashboards) {
      expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
      for (const { targets } of dashboard.panels) {
        expect(new Set(targets.map(({ refId }) => refId)).size).toBe(targets.length);
      }
    }
  });

  it("have panels inside the 24 columns that do not overlap", () => {
    for (const { dashboard } of dashboards) {
      const cells = new Set<string>();
      for (const { title, gridPos } of dashboard.panels) {
        expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24);
        for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1) {
          for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
            expect(cells.has(`${x},${y}`), `${title} at ${x},${y}`).toBe(false);
            cells.add(`${x},${y}`);
          }
        }
      }
    }
  });

  it("repeat panels only over variables that exist, and use no others", () => {
    for (const { dashboard, text } of dashboards) {
      const names = new Set(dashboard.templating.list.map(({ name }) => name));
      const used = [...text.matchAll(/\$\{(\w+):regex\}/g)].map((match) => match[1]);
      for (const { repeat } of dashboard.panels) if (repeat !== undefined) used.push(repeat);
      expect(used.filter((name) => name === undefined || !names.has(name))).toEqual([]);
    }
  });

  it("hold no secret, no address and no password", () => {
    for (const [path, text] of generateAll()) {
      expect(text, path).not.toMatch(/https?:\/\//);
      for (const match of text.matchAll(/password:\s*(.*)/g)) expect(match[1]).toMatch(/^\$__file\{/);
    }
  });
});

const missing = influxdProgram() === undefined && process.env["CI"] !== "true";
describe.skipIf(missing)("every query of the dashboards, on an InfluxDB filled by the server's own store", () => {
  const site = "canteen-1";
  const zones = ["cold-room", "freezer", "prep.room"] as const;
  const toMs = Math.floor(systemClock.nowMs() / 60_000) * 60_000;
  const fromMs = toMs - 3 * 3_600_000;
  let influx: InfluxDb;

  beforeAll(async () => {
    influx = await startInfluxDb();
    await fill(influx, site, zones, fromMs, toMs);
  });
  afterAll(() => influx.stop());

  /** What Grafana does to a query before it sends it. */
  function interpolate(query: string, zone: string): string {
    const regex = (text: string): string => text.replaceAll(/[\\^$*+?.()|[\]{}/]/g, String.raw`\$&`);
    const text = query
      .replaceAll("${site:regex}", regex(site))
      .replaceAll("${zone:regex}", zone === "" ? `(${zones.map((name) => regex(name)).join("|")})` : regex(zone))
      .replaceAll("$timeFilter", `time >= ${fromMs}ms and time <= ${toMs}ms`)
      .replaceAll("$__interval", "1m");
    // A dollar sign is left only at the end of a regular expression.
    expect(text.replaceAll("$/", "/")).not.toContain("$");
    return text;
  }

  const answerSchema = z.object({
    results: z.array(
      z.object({
        error: z.string().optional(),
        series: z
          .array(
            z.object({
              tags: z.record(z.string(), z.string()).optional(),
              columns: z.array(z.string()),
              values: z.array(z.array(z.unknown())),
            }),
          )
          .default([]),
      }),
    ),
  });

  async function ask(query: string) {
    const answer = answerSchema.parse(await influx.query(query, "frostlight"));
    expect(answer.results[0]?.error, query).toBeUndefined();
    return answer.results[0]?.series ?? [];
  }

  for (const { name, dashboard } of dashboards) {
    for (const variable of dashboard.templating.list) {
      it(`${name}: variable ${variable.name} finds its values`, async () => {
        const found = (await ask(interpolate(variable.query, ""))).flatMap(({ values }) => values.map((row) => row[1]));
        expect(new Set(found)).toEqual(new Set(variable.name === "site" ? [site, "canteen-2"] : zones));
      });
    }
    for (const panel of dashboard.panels) {
      for (const target of panel.targets) {
        it(`${name}: "${panel.title}" ${target.refId} returns data`, async () => {
          for (const zone of panel.repeat === undefined ? [""] : zones) {
            const series = await ask(interpolate(target.query, zone));
            const cells = series.flatMap(({ values }) => values.flatMap((row) => row.slice(1)));
            expect(
              cells.some((cell) => cell !== null),
              `${zone}: ${target.query}`,
            ).toBe(true);
            for (const match of target.alias?.matchAll(/\$tag_(\w+)/g) ?? []) {
              expect(series[0]?.tags, target.alias).toHaveProperty(match[1] ?? "");
            }
          }
        });
      }
    }
  }

  it("shows the limit of each room and the margin's parts in the worst-first table", async () => {
    const [newest = [], limits = []] = await Promise.all(
      targetsOf("site.generated.json", 1).map((query) => ask(interpolate(query, ""))),
    );
    expect(new Set(newest.map(({ tags }) => tags?.["zone"]))).toEqual(new Set(zones));
    expect(limits.map(({ tags, values }) => [tags?.["zone"], values[0]?.[1]])).toEqual([
      ["cold-room", 8],
      ["freezer", -18],
      ["prep.room", 8],
    ]);
  });

  it("counts a gap of an hour in three as completeness of two thirds", async () => {
    const [query = ""] = targetsOf("site.generated.json", 2);
    const found = await ask(interpolate(query, ""));
    const percent = new Map(found.map(({ tags, values }) => [tags?.["point"], Number(values[0]?.[1])]));
    expect(percent.size).toBe(zones.length * 3);
    // The slots at both ends of the range are not whole, so a slot more or less is right.
    expect(percent.get("cold-room-humidity")).toBeGreaterThan(96);
    expect(percent.get("freezer-temperature")).toBeGreaterThan(62);
    expect(percent.get("freezer-temperature")).toBeLessThan(70);
  });

  function targetsOf(name: string, id: number): readonly string[] {
    const panel = dashboards
      .find((file) => file.name === name)
      ?.dashboard.panels.find((candidate) => candidate.id === id);
    return panel?.targets.map(({ query }) => query) ?? [];
  }
});

/** Three rooms with temperature, humidity and a door; the freezer is silent for an hour, one probe fails. */
async function fill(
  influx: InfluxDb,
  site: string,
  zones: readonly string[],
  fromMs: number,
  toMs: number,
): Promise<void> {
  const opened = openInflux(influx, {});
  await opened.start();
  const points = new Map(
    zones.flatMap((zoneId) =>
      (["temperature", "humidity", "door"] as const).map((quantity) => [
        `${zoneId}-${quantity}`,
        {
          zoneId,
          unit: "Cel",
          quantity,
          ...(quantity === "temperature"
            ? {
                limits: {
                  low: zoneId === "freezer" ? -30 : 0,
                  high: zoneId === "freezer" ? -18 : 8,
                  criticalLow: -35,
                  criticalHigh: 12,
                },
              }
            : {}),
        },
      ]),
    ),
  );
  const samples: Sample[] = [];
  for (let timeMs = fromMs; timeMs < toMs; timeMs += 60_000) {
    for (const [pointId, { zoneId, quantity }] of points) {
      if (zoneId === "freezer" && timeMs < fromMs + 3_600_000) continue;
      const failed = zoneId === "prep.room" && timeMs > toMs - 600_000;
      const value = failed
        ? null
        : { temperature: 4 + Math.sin(timeMs / 1e6), humidity: 70, door: (timeMs / 60_000) % 2 }[quantity];
      samples.push({
        pointId,
        timeMs,
        receivedMs: timeMs + 50,
        value,
        raw: value,
        quality: failed ? "bad" : "good",
        reason: failed ? "sensor-fault" : null,
        hasSourceTime: false,
        backfill: false,
        timeCorrected: false,
      });
    }
  }
  const batch = {
    organisationId: "board",
    siteId: site,
    gatewayId: "g1",
    epoch: "00000000000000aa",
    sequence: 1,
    samples,
    points,
  };
  await opened.write([
    batch,
    { ...batch, siteId: "canteen-2", gatewayId: "g2", samples: samples.slice(0, 30), points: new Map() },
  ]);
  await opened.stop();
}
