/**
 * Loaded before a process's own entry point (`node --import`), gives it a wall clock that can be shifted from outside:
 *
 *   node --import "file:///…/torture-clock.ts?file=/path/to/shift" gateway/src/main.ts …
 *
 * The file holds milliseconds; it is read at the start and again at each SIGUSR2. Only `Date` moves: monotonic time
 * (`performance.now`, timers) stays, as it does when NTP or a person sets a machine's clock.
 */
import { readFileSync } from "node:fs";

const file = new URL(import.meta.url).searchParams.get("file") ?? "";
const RealDate = Date;
const realNow = RealDate.now.bind(RealDate);
let shiftMs = readShift();

process.on("SIGUSR2", () => {
  shiftMs = readShift();
});

RealDate.now = (): number => realNow() + shiftMs;
globalThis.Date = new Proxy(RealDate, {
  construct: (target, args: unknown[], newTarget) =>
    Reflect.construct(target, args.length === 0 ? [target.now()] : args, newTarget) as Date, // a Date's constructor makes Dates
  apply: (target) => new target(target.now()).toString(),
});

function readShift(): number {
  try {
    const shift = Number(readFileSync(file, "utf8"));
    return Number.isFinite(shift) ? shift : 0;
  } catch {
    return 0; // no file: no shift
  }
}
