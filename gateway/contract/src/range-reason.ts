/**
 * Why sequences of an epoch will never come, said in the `reason` of a drop record in a later batch:
 * `rolled-up`: their samples are in that batch, summarised (`Sample.summary.rolledUp`), everything else as it was;
 * `moved`: all of their items are in that batch, because their epoch ended.
 */
export interface ExplainedRange {
  readonly why: "rolled-up" | "moved";
  readonly epoch: string;
  /** Both inclusive. Sequences between them may have come all the same. */
  readonly fromSequence: number;
  readonly toSequence: number;
}

/** The text, e.g. "rolled-up 00ff00ff00ff00ff 12-40". */
export function explainRange(range: ExplainedRange): string {
  return `${range.why} ${range.epoch} ${range.fromSequence}-${range.toSequence}`;
}

/** Reads it back; undefined for any other reason. */
export function readExplainedRange(reason: string): ExplainedRange | undefined {
  const match = /^(rolled-up|moved) ([0-9a-f]{16}) (\d{1,15})-(\d{1,15})$/.exec(reason);
  if (match === null) return undefined;
  const [, why, epoch = "", from, to] = match;
  const range = { epoch, fromSequence: Number(from), toSequence: Number(to) };
  return { why: why === "moved" ? "moved" : "rolled-up", ...range };
}
