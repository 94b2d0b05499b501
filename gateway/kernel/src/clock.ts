/** Stops a repeating or pending timer. Calling it twice is harmless. */
export type CancelTimer = () => void;

/**
 * The only source of time and timers. Wall time may jump (a Pi has no clock battery); durations always come from
 * `monotonicMs`.
 */
export interface Clock {
  /** Wall clock, milliseconds since the Unix epoch (UTC). */
  nowMs(): number;
  /** Milliseconds on a clock that never goes back and does not follow wall-clock jumps. Origin is arbitrary. */
  monotonicMs(): number;
  /** Runs `task` once after `delayMs`. */
  after(delayMs: number, task: () => void): CancelTimer;
  /** Runs `task` every `intervalMs`, first after one interval. */
  every(intervalMs: number, task: () => void): CancelTimer;
  /** Resolves after `delayMs`; rejects with the signal's reason when it aborts first. */
  sleep(delayMs: number, signal: AbortSignal): Promise<void>;
}

/** Shared by real and fake clocks: a cancellable sleep on top of `after`. */
export function sleepOn(clock: Pick<Clock, "after">, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(abortReason(signal));
      return;
    }
    const onAbort = (): void => {
      cancel();
      reject(abortReason(signal));
    };
    const cancel = clock.after(delayMs, () => {
      signal.removeEventListener("abort", onAbort);
      resolve();
    });
    signal.addEventListener("abort", onAbort, { once: true });
  });
}

function abortReason(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new Error("aborted", { cause: signal.reason });
}

/** The machine's own clock. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(delayMs, task) {
    const timer = setTimeout(task, delayMs);
    return () => {
      clearTimeout(timer);
    };
  },
  every(intervalMs, task) {
    const timer = setInterval(task, intervalMs);
    return () => {
      clearInterval(timer);
    };
  },
  sleep(delayMs, signal) {
    return sleepOn(systemClock, delayMs, signal);
  },
};
