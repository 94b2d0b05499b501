import type { ExplanationParameter, HealthEvent, JournalItem } from "@frostlight/contract";

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

/** How the journal's room stands. */
export interface JournalSpace {
  /** ok: the server takes what comes · filling: it has taken nothing for long, `daysLeft` says how long the room lasts. */
  readonly state: "ok" | "filling" | "full";
  readonly daysLeft: number | null;
  readonly usedBytes: number;
  readonly limitBytes: number;
}

/** For the alarms; not journaled. */
export function journalSpace({ state, daysLeft, usedBytes, limitBytes }: JournalSpace, timeMs: number): HealthEvent {
  const code = { ok: "journal-has-room", filling: "journal-filling", full: "journal-full" }[state];
  const left: Record<string, number> = daysLeft === null ? {} : { daysLeft: Math.round(daysLeft * 10) / 10 };
  return {
    subject: "journal",
    state,
    timeMs,
    explanation: { code, parameters: { ...left, usedBytes, maxBytes: limitBytes } },
  };
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
