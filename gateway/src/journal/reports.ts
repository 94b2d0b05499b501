import type { ExplanationParameter, JournalItem } from "@frostlight/contract";

/** States of the subject "journal". */
export type JournalHealth = "ok" | "repaired" | "filling" | "full";

/** A health item about the journal itself. Codes have their text in the explanations of the console. */
export function journalHealth(
  state: JournalHealth,
  code: string,
  timeMs: number,
  parameters: Readonly<Record<string, ExplanationParameter>>,
): JournalItem {
  return { kind: "health", event: { subject: "journal", state, timeMs, explanation: { code, parameters } } };
}

/** A drop item: batches that were in the journal once and are not any more. */
export function lostBatches(drop: {
  readonly what: "batch-quarantined" | "batch-lost";
  readonly count: number;
  readonly fromMs: number;
  readonly toMs: number;
  readonly reason: string;
}): JournalItem {
  return { kind: "drop", drop };
}
