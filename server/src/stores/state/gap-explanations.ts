import { type Explanation, readExplainedRange } from "@frostlight/contract";

import type { ChainGap } from "../../core/ingest.ts";
import type { Db } from "./rows.ts";

/** A gap before anybody asked why. */
export type BareGap = Omit<ChainGap, "explainedBy">;

/** A record of the gateway's that accounts for sequences that will never come. Ends included. */
export interface GapExplanation {
  readonly epoch: string;
  readonly fromSequence: number;
  readonly toSequence: number;
  readonly code: string;
}

/** Newest records looked at. */
const maxRecords = 10_000;

/**
 * Which missing sequences the gateway itself accounts for: health events of its journal and its uplink with numbers `from` and
 * `to` (given up, quarantined, stored at another server; `epoch` when it is not their own), and drop records whose reason
 * names a range (rolled up, moved into another epoch).
 */
export async function gapExplanations(db: Db, gatewayId: string): Promise<readonly GapExplanation[]> {
  const events = await db
    .selectFrom("health_events")
    .innerJoin("chains", "chains.chain_id", "health_events.chain_id")
    .select(["chains.epoch", "health_events.explanation"])
    .where("chains.gateway_id", "=", gatewayId)
    .where("health_events.subject", "in", ["journal", "uplink"])
    .orderBy("health_events.time_ms", "desc")
    .limit(maxRecords)
    .execute();
  const drops = await db
    .selectFrom("drops")
    .innerJoin("chains", "chains.chain_id", "drops.chain_id")
    .select(["drops.what", "drops.reason"])
    .where("chains.gateway_id", "=", gatewayId)
    .where("drops.what", "in", ["samples-rolled-up", "batches-repacked"])
    .orderBy("drops.to_ms", "desc")
    .limit(maxRecords)
    .execute();
  return [
    ...events.flatMap((row) => ofEvent(row.epoch, row.explanation)),
    ...drops.flatMap((row) => ofDrop(row.what, row.reason)),
  ];
}

function ofEvent(ownEpoch: string, text: string): readonly GapExplanation[] {
  // Written by this store from a typed value.
  const { code, parameters } = JSON.parse(text) as Explanation;
  const { from, to, epoch } = parameters;
  if (typeof from !== "number" || typeof to !== "number") return [];
  return [{ epoch: typeof epoch === "string" ? epoch : ownEpoch, fromSequence: from, toSequence: to, code }];
}

function ofDrop(what: string, reason: string): readonly GapExplanation[] {
  const range = readExplainedRange(reason);
  if (range === undefined) return [];
  const { epoch, fromSequence, toSequence } = range;
  return [{ epoch, fromSequence, toSequence, code: what }];
}

/** Splits gaps into parts that are accounted for and parts that are not. */
export function explainGaps(
  gaps: readonly BareGap[],
  epoch: string,
  explanations: readonly GapExplanation[],
): readonly ChainGap[] {
  const own = explanations
    .filter((explanation) => explanation.epoch === epoch)
    .toSorted((a, b) => a.fromSequence - b.fromSequence);
  return gaps.flatMap((gap) => {
    const parts: ChainGap[] = [];
    let next = gap.fromSequence;
    for (const { fromSequence, toSequence, code } of own) {
      if (toSequence < next || fromSequence > gap.toSequence) continue;
      if (fromSequence > next)
        parts.push({ ...gap, fromSequence: next, toSequence: fromSequence - 1, explainedBy: null });
      const to = Math.min(toSequence, gap.toSequence);
      parts.push({ ...gap, fromSequence: Math.max(next, fromSequence), toSequence: to, explainedBy: code });
      next = to + 1;
      if (next > gap.toSequence) break;
    }
    if (next <= gap.toSequence) parts.push({ ...gap, fromSequence: next, explainedBy: null });
    return parts;
  });
}
