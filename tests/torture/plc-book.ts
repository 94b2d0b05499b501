import { valueOf } from "../e2e/opcua-writer.ts";
import { opcUaPoint, plcNodes } from "./configuration.ts";
import type { PlcStep } from "./plant.ts";
import { type Doings, isMoved } from "./readings-book.ts";
import type { Life } from "./service.ts";
import type { StoredSample } from "./stored.ts";

export interface PlcOutcome {
  /** Steps proven to have been taken: a later one of the same subscription is stored. */
  readonly confirmed: number;
  readonly stored: number;
  /** Holes inside a subscription. */
  readonly lost: readonly string[];
  readonly duplicates: readonly string[];
  /** Steps stored again because the journal had gone back in time. */
  readonly moved: number;
  readonly wrong: readonly string[];
}

/**
 * OPC UA acknowledges nothing to the one who sets a value, but a subscription tells every change in order. So within one
 * life of the gateway, and while its session stood, the steps stored must be without a hole from the first to the last.
 * A new subscription begins with the then current value [OPC UA Part 4, 5.13.1.2]: the step stored last may come once more.
 * @param breaks times at which a subscription may have been broken although the gateway lived (the peer was frozen)
 */
export function comparePlc(
  steps: readonly PlcStep[],
  stored: readonly StoredSample[],
  lives: readonly Life[],
  breaks: readonly number[],
  doings: Pick<Doings, "wasSetBack">,
): PlcOutcome {
  const lost: string[] = [];
  const duplicates: string[] = [];
  const wrong: string[] = [];
  let confirmed = 0;
  let found = 0;
  let moved = 0;
  const timeOf = new Map(steps.map(({ step, timeMs }) => [step, timeMs]));
  const borders = [...lives.map((life) => life.spawnMs), ...breaks].toSorted((a, b) => a - b);
  const subscriptionAt = (timeMs: number): number => borders.findLastIndex((border) => border <= timeMs);
  for (const [index, node] of plcNodes.entries()) {
    const stepOf = new Map(steps.map(({ step }) => [valueOf(index, step), step]));
    stepOf.set(valueOf(index, 0), 0);
    const seen = new Map<number, StoredSample>();
    let previous = -1;
    let restarts = 0;
    for (const sample of stored) {
      const { pointId, value } = sample;
      if (pointId !== opcUaPoint(node) || value === null) continue;
      const step = stepOf.get(value);
      if (step === undefined) {
        wrong.push(`${pointId}: ${value} was never set`);
        continue;
      }
      const before = seen.get(step);
      // Journaled in an epoch that went back in time, and once more when what was left of it moved.
      if (before !== undefined && isMoved([before, sample], doings)) {
        moved += 1;
        seen.set(step, sample);
        continue;
      }
      if (before !== undefined) {
        restarts += 1;
        if (step !== previous) duplicates.push(`${pointId}: step ${step} again after step ${previous}`);
      }
      seen.set(step, sample);
      previous = step;
    }
    // At most one repeat per subscription that began.
    if (restarts > borders.length)
      duplicates.push(`${opcUaPoint(node)}: ${restarts} repeats, ${borders.length} starts`);
    const bySubscription = Map.groupBy(
      [...seen.keys()].filter((step) => timeOf.has(step)),
      (step) => subscriptionAt(timeOf.get(step) ?? 0),
    );
    for (const taken of bySubscription.values()) {
      const sorted = taken.toSorted((a, b) => a - b);
      const first = sorted[0] ?? 0;
      const last = sorted.at(-1) ?? 0;
      confirmed += last - first + 1;
      found += sorted.length;
      for (let step = first; step <= last; step += 1) {
        if (!seen.has(step)) lost.push(`${opcUaPoint(node)}: step ${step}, set ${iso(timeOf.get(step))}`);
      }
    }
  }
  return { confirmed, stored: found, moved, lost, duplicates, wrong };
}

function iso(timeMs: number | undefined): string {
  return timeMs === undefined ? "at an unknown time" : new Date(timeMs).toISOString();
}
