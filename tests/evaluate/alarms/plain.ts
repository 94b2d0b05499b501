import type { Recording } from "./recording.ts";
import type { AlarmSpan } from "./spans.ts";

/**
 * What a fixed limit with a fixed delay does: told once the reading has been at or beyond the limit for `delayMs` without a
 * reading in between that was inside, over with the first reading inside. Without hysteresis, like the monitors it stands for.
 */
export function plainAlarms(recording: Recording, delayMs: number): readonly AlarmSpan[] {
  const { low, high } = recording;
  return [
    ...(high === null ? [] : oneSide(recording, delayMs, "limit-high", (celsius) => celsius >= high)),
    ...(low === null ? [] : oneSide(recording, delayMs, "limit-low", (celsius) => celsius <= low)),
  ].toSorted((a, b) => a.raisedMs - b.raisedMs);
}

function oneSide(
  { samples }: Recording,
  delayMs: number,
  label: string,
  isBreach: (celsius: number) => boolean,
): readonly AlarmSpan[] {
  const spans: AlarmSpan[] = [];
  let sinceMs: number | null = null;
  let lastMs = Number.NEGATIVE_INFINITY;
  const end = (endedMs: number): void => {
    if (sinceMs !== null && endedMs - sinceMs >= delayMs) {
      spans.push({ raisedMs: sinceMs + delayMs, endedMs, about: "temperature", label });
    }
    sinceMs = null;
  };
  for (const { timeMs, celsius } of samples) {
    // A repeated or earlier stamp is a copy: it says nothing new.
    if (timeMs <= lastMs) continue;
    lastMs = timeMs;
    if (isBreach(celsius)) sinceMs ??= timeMs;
    else end(timeMs);
  }
  end(lastMs);
  return spans;
}
