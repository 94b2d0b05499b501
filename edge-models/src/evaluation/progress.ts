import type { Clock } from "@frostlight/kernel";

interface Output {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

const width = 24;
const linesApartMs = 15_000;

/** A bar with rate and remaining time in a terminal; in a pipe a plain line now and then. */
export function progressLine(output: Output, clock: Pick<Clock, "monotonicMs">): (done: number, total: number) => void {
  const startMs = clock.monotonicMs();
  let shownMs = startMs;
  return (done, total) => {
    const nowMs = clock.monotonicMs();
    const isLast = done >= total;
    if (nowMs - shownMs < (output.isTTY === true ? 200 : linesApartMs) && !(isLast && output.isTTY === true)) return;
    shownMs = nowMs;
    const rate = (done / Math.max(1, nowMs - startMs)) * 1000;
    const left = Math.ceil((total - done) / Math.max(rate, 1e-6));
    const text = `${done}/${total}, ${rate.toFixed(1)}/s, ${left} s left`;
    const filled = Math.round((width * done) / Math.max(1, total));
    const bar = `${"█".repeat(filled)}${"░".repeat(width - filled)}`;
    output.write(output.isTTY === true ? `\r${bar} ${text}   ${isLast ? "\n" : ""}` : `${text}\n`);
  };
}
