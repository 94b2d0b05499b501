import type { RefusedSample } from "../write-queue.ts";
import type { InfluxConnection } from "./connection.ts";
import type { SampleLine } from "./points.ts";

/**
 * Writes lines so that each ends in a request that was stored as a whole, or alone in one that was refused.
 *
 * InfluxDB answers 400 "partial write" while it keeps the good lines; sent again as it is, that request fails for ever.
 * Nor does it name the bad lines reliably: with several shards it reports the first shard's problem only. So a refused
 * request is halved until the bad lines are alone; lines stored twice on the way overwrite themselves.
 */
export async function writeLines(
  connection: Pick<InfluxConnection, "write">,
  lines: readonly SampleLine[],
): Promise<readonly RefusedSample[]> {
  if (lines.length === 0) return [];
  const outcome = await connection.write(lines.map((line) => line.point));
  if (outcome.kind === "stored") return [];
  const reason = outcome.kind === "partial" ? outcome.reason : "the line is too large for the peer";
  const all = outcome.kind === "partial" && outcome.dropped === lines.length;
  if (all || lines.length === 1) {
    return lines.flatMap(({ batch, index }) => (index === undefined ? [] : [{ batch, index, reason }]));
  }
  const middle = Math.ceil(lines.length / 2);
  return [
    ...(await writeLines(connection, lines.slice(0, middle))),
    ...(await writeLines(connection, lines.slice(middle))),
  ];
}
