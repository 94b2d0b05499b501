/** What a curve shows: the last hours up to now, or a stretch that stays. */
export type TimeRange =
  | { readonly kind: "live"; readonly name: RangeName }
  | { readonly kind: "fixed"; readonly fromMs: number; readonly toMs: number };

export const rangeNames = ["1h", "6h", "24h", "7d", "30d"] as const;
export type RangeName = (typeof rangeNames)[number];

const hourMs = 3_600_000;
export const rangeMs: Readonly<Record<RangeName, number>> = {
  "1h": hourMs,
  "6h": 6 * hourMs,
  "24h": 24 * hourMs,
  "7d": 168 * hourMs,
  "30d": 720 * hourMs,
};

/** The range that an address says; one that makes no sense is the last six hours. */
export function readRange(query: Readonly<Record<string, string>>): TimeRange {
  const fromMs = Number(query["from"]);
  const toMs = Number(query["to"]);
  if (query["from"] !== undefined && Number.isInteger(fromMs) && Number.isInteger(toMs) && toMs - fromMs >= 10_000) {
    return { kind: "fixed", fromMs, toMs };
  }
  return { kind: "live", name: rangeNames.find((name) => name === query["range"]) ?? "6h" };
}

/** The part of an address that says this range. */
export function writeRange(range: TimeRange): Readonly<Record<string, string | undefined>> {
  if (range.kind === "live") return { range: range.name, from: undefined, to: undefined };
  return { range: undefined, from: String(Math.round(range.fromMs)), to: String(Math.round(range.toMs)) };
}

export function edgesOf(range: TimeRange, nowMs: number): { readonly fromMs: number; readonly toMs: number } {
  if (range.kind === "fixed") return range;
  return { fromMs: nowMs - rangeMs[range.name], toMs: nowMs };
}

/** Half a screen earlier or later; what would reach beyond now is live again. */
export function moveRange(range: TimeRange, direction: -1 | 1, nowMs: number): TimeRange {
  const { fromMs, toMs } = edgesOf(range, nowMs);
  const stepMs = (direction * (toMs - fromMs)) / 2;
  if (toMs + stepMs >= nowMs) {
    const name = rangeNames.find((candidate) => rangeMs[candidate] === toMs - fromMs);
    if (name !== undefined) return { kind: "live", name };
    return { kind: "fixed", fromMs: nowMs - (toMs - fromMs), toMs: nowMs };
  }
  return { kind: "fixed", fromMs: fromMs + stepMs, toMs: toMs + stepMs };
}
