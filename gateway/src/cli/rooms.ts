import { z } from "zod";

import { type Command, type CommandOptions, exitCodes } from "./command.ts";
import { askLocalPage } from "./local-page.ts";
import { readConfig } from "./read-config.ts";
import { findRunning, type RunningGateway } from "./running-gateway.ts";
import { duration, plain, table } from "./table.ts";

const range = z.object({ least: z.number(), most: z.number() });
type Range = z.output<typeof range>;

const knowledge = z.object({
  nowMs: z.number(),
  zones: z.array(z.object({ zoneId: z.string(), name: z.object({ zh: z.string(), en: z.string() }) })),
  rooms: z.array(
    z.object({
      zoneId: z.string(),
      curves: z.array(
        z.object({
          pointId: z.string(),
          defrost: z
            .object({ seen: z.number(), heightKelvin: range, riseMinutes: range, recoveryMinutes: range })
            .nullable(),
        }),
      ),
      excursions: z.array(
        z.object({
          pointId: z.string(),
          side: z.enum(["high", "low"]),
          limit: z.number(),
          unit: z.string(),
          count: z.number(),
          minutes: range,
          beyond: range,
          lastEndedMs: z.number(),
        }),
      ),
      reported: z.object({ defrostMinutes: z.array(z.number()), recoveryMinutes: z.array(z.number()) }),
      product: z.object({ celsius: z.number(), uncertaintyCelsius: z.number() }).nullable(),
      timeConstant: z.object({ source: z.enum(["profile", "fitted"]), minutes: z.number() }),
    }),
  ),
});
type Knowledge = z.output<typeof knowledge>;
type Room = Knowledge["rooms"][number];

/** What the running gateway's alarms have learned of its rooms. */
export const rooms: Command = {
  summary: "what the alarms have learned of each room: defrosts, past excursions, time constant",
  run: async (options, { out }) => {
    const running = await find(options);
    if (running.kind !== "running") {
      out(`${running.message}\n`);
      return exitCodes.problem;
    }
    const known = knowledge.parse(JSON.parse(running.statusText));
    const shown = known.rooms.filter(({ zoneId }) => options.zone === undefined || zoneId === options.zone);
    if (shown.length === 0 && options.zone !== undefined) return unknownRoom(options.zone, known, out);
    if (options.json) out(`${JSON.stringify({ rooms: shown })}\n`);
    else out(shown.map((room) => textOf(room, known)).join("\n"));
    return exitCodes.ok;
  },
};

/** Has the running gateway forget what it learned of a room; recorded with who asked for it and why. */
export const forgetRoom: Command = {
  summary: "has what was learned of a room (--zone) forgotten; needs --name and --reason, both are recorded",
  run: async (options, { out }) => {
    const { zone, name, reason } = options;
    if (zone === undefined || name === undefined || reason === undefined) {
      out("expected --zone ID --name NAME --reason TEXT\n");
      return exitCodes.usage;
    }
    const running = await find(options);
    if (running.kind !== "running") {
      out(`${running.message}\n`);
      return exitCodes.problem;
    }
    const answer = await askLocalPage(running.url, "/rooms/forget", { zoneId: zone, name, reason });
    if (answer.kind === "answer") {
      out(
        `${plain(zone)}: 已清除学到的内容，重新学会以前按普通限值报警\n` +
          `${plain(zone)}: what was learned is forgotten; plain limits apply until it is learned anew\n`,
      );
      return exitCodes.ok;
    }
    if (answer.kind === "other" && answer.status === 404) {
      return unknownRoom(zone, knowledge.parse(JSON.parse(running.statusText)), out);
    }
    out(`${answer.kind === "nobody" ? `no gateway runs at ${running.url}` : plain(answer.message)}\n`);
    return exitCodes.problem;
  },
};

async function find({ configFile, url }: CommandOptions): Promise<RunningGateway> {
  const local =
    url === undefined ? (await readConfig(configFile)).config.local : ({ host: "127.0.0.1", port: 0 } as const);
  return findRunning(local, url);
}

function unknownRoom(zoneId: string, { zones }: Knowledge, out: (text: string) => void): number {
  out(`there is no room "${plain(zoneId)}", expected one of: ${zones.map((zone) => plain(zone.zoneId)).join(", ")}\n`);
  return exitCodes.usage;
}

function textOf(room: Room, { zones, nowMs }: Knowledge): string {
  const { curves, excursions, reported, product, timeConstant } = room;
  const name = zones.find(({ zoneId }) => zoneId === room.zoneId)?.name ?? { zh: "", en: "" };
  const rows: string[][] = curves.map(({ pointId, defrost }) => [
    "  化霜 defrosts",
    plain(pointId),
    defrost === null
      ? "仍在学习 still learning"
      : `${defrost.seen} × · +${written(defrost.heightKelvin)} K · ${written(defrost.riseMinutes)} min ↑ · ${written(defrost.recoveryMinutes)} min ↓`,
  ]);
  if (reported.defrostMinutes.length > 0) {
    const back = reported.recoveryMinutes.length === 0 ? "" : ` · ${written(spanOf(reported.recoveryMinutes))} min ↓`;
    const text = `${reported.defrostMinutes.length} × · ${written(spanOf(reported.defrostMinutes))} min${back}`;
    rows.push(["  化霜（控制器） reported defrosts", "", text]);
  }
  for (const { pointId, side, limit, unit, count, minutes, beyond, lastEndedMs } of excursions) {
    const what = `${side === "high" ? ">" : "<"} ${limit} ${unit} · ${count} × · ${written(minutes)} min · ${written(beyond)} ${unit}`;
    rows.push(["  以往越限 past excursions", plain(pointId), `${what} · ${duration(nowMs - lastEndedMs)} ago`]);
  }
  if (excursions.length === 0) rows.push(["  以往越限 past excursions", "", "无 none"]);
  const estimate =
    product === null ? "" : `≈ ${product.celsius.toFixed(1)} ± ${product.uncertaintyCelsius.toFixed(1)} °C · `;
  const constant = `${(timeConstant.minutes / 60).toFixed(1)} h (${timeConstant.source === "fitted" ? "拟合 fitted" : "默认 profile"})`;
  rows.push(["  食品（估算） goods (estimate)", "", `${estimate}时间常数 time constant ${constant}`]);
  return `${plain(name.zh)} ${plain(name.en)} (${plain(room.zoneId)})\n${table(rows)}`;
}

const spanOf = (values: readonly number[]): Range => ({ least: Math.min(...values), most: Math.max(...values) });

const written = ({ least, most }: Range): string =>
  least === most
    ? String(Math.round(least * 10) / 10)
    : `${Math.round(least * 10) / 10} … ${Math.round(most * 10) / 10}`;
