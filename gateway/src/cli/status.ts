import { type Command, exitCodes } from "./command.ts";
import { readConfig } from "./read-config.ts";
import { findRunning, type RunningStatus } from "./running-gateway.ts";
import { duration, plain, table } from "./table.ts";

const mebibyte = 1_048_576;

/** A running gateway on one screen. */
export const status: Command = {
  summary: "a running gateway on one screen",
  run: async (options, { out }) => {
    const local =
      options.url === undefined
        ? (await readConfig(options.configFile)).config.local
        : ({ host: "127.0.0.1", port: 0 } as const);
    const running = await findRunning(local, options.url);
    if (running.kind !== "running") {
      out(`${running.message}\n`);
      return exitCodes.problem;
    }
    out(options.json ? `${running.statusText}\n` : textOf(running.status));
    return exitCodes.ok;
  },
};

function textOf(status: RunningStatus): string {
  const { journal, uplink, nowMs, alarms, sources, points, clock } = status;
  const ack = uplink.lastAckMs === null ? "never" : `${duration(nowMs - uplink.lastAckMs)} ago`;
  const facts = [
    [
      "gateway",
      `${status.gatewayId} · ${plain(status.siteName.zh)} ${plain(status.siteName.en)}${status.simulated ? " · SIMULATED" : ""}`,
    ],
    ["version", `${status.softwareVersion}, running for ${duration(nowMs - status.startedMs)}`],
    [
      "server",
      `${uplink.state}${uplink.via ? ` by ${uplink.via}` : ""}, last ack ${ack}, ${uplink.unackedBatches} sent and not acknowledged`,
    ],
    [
      "buffer",
      `${journal.unreleasedBatches} batches wait; room for ${journal.daysLeft === null ? "? days" : duration(journal.daysLeft * 86_400_000)}; ${(journal.sizeBytes / mebibyte).toFixed(1)} of ${(journal.limitBytes / mebibyte).toFixed(0)} MiB`,
    ],
    ["clock", clock.synchronised ? "synchronised" : "NOT synchronised"],
    ["memory", `${(status.residentBytes / mebibyte).toFixed(0)} MiB`],
  ];
  const waiting = status.approvals.filter(({ state }) => state === "waiting");
  const sections = [
    table(facts),
    listOf(
      "alarms",
      alarms.map((one) => [
        one.priority,
        one.state,
        one.zoneId,
        one.pointId ?? "-",
        `${duration(nowMs - one.onsetTimeMs)} ago`,
      ]),
    ),
    listOf(
      "sources",
      sources.map((one) => [one.state, one.sourceId, one.kind, `${one.readings} readings`, plain(one.message)]),
    ),
    listOf(
      "points",
      points.map(({ point, last, stale }) => [
        point.pointId,
        last?.value === null || last === null ? "no value" : `${last.value} ${point.unit}`,
        stale ? "stale" : (last?.quality ?? "unknown"),
        last === null ? "never heard" : `${duration(nowMs - last.timeMs)} ago`,
      ]),
    ),
    listOf(
      "certificates that wait for approval",
      waiting.map(({ sourceId, certificate }) => [sourceId, certificate.fingerprintSha256, plain(certificate.subject)]),
    ),
  ];
  const seen = status.discovered.length;
  return `${sections.join("")}${seen === 0 ? "" : `\n${seen} value(s) seen and not configured: frostlight gateway discover\n`}`;
}

function listOf(title: string, rows: readonly (readonly string[])[]): string {
  return rows.length === 0 ? `\n${title}: none\n` : `\n${title}\n${table(rows)}`;
}
