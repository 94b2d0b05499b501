import { type RoomFailureKind, type TruthEvent, truthKindOf } from "./failures.ts";

interface OpenEvent {
  readonly cause: RoomFailureKind | "defrost" | "door" | "delivery";
  readonly startMs: number;
  peakCelsius: number;
  leftLimits: boolean;
  readonly outside: OutsideTime;
  /** The cause is gone; a failure is over only when the air is back. */
  repaired: boolean;
}

const dayMs = 86_400_000;
/** Time outside is kept in steps of this length. */
const partMs = 300_000;

/** Time outside the limits: in a row, and within 24 hours. */
class OutsideTime {
  longestMs = 0;
  mostInDayMs = 0;
  #runMs = 0;
  #inDayMs = 0;
  #parts: { readonly atMs: number; ms: number }[] = [];

  /** @param ms since the last look, all of it outside; null: inside now */
  add(ms: number | null, timeMs: number): void {
    if (ms === null) {
      this.#runMs = 0;
      return;
    }
    this.#runMs += ms;
    this.longestMs = Math.max(this.longestMs, this.#runMs);
    this.#inDayMs += ms;
    const last = this.#parts.at(-1);
    if (last !== undefined && timeMs - last.atMs < partMs) last.ms += ms;
    else this.#parts.push({ atMs: timeMs, ms });
    while (this.#parts[0] !== undefined && timeMs - this.#parts[0].atMs > dayMs) {
      this.#inDayMs -= this.#parts.shift()?.ms ?? 0;
    }
    this.mostInDayMs = Math.max(this.mostInDayMs, this.#inDayMs);
  }
}

export interface RoomObservation {
  readonly timeMs: number;
  readonly airCelsius: number;
  readonly failures: readonly RoomFailureKind[];
  readonly defrosting: boolean;
  readonly doorOpen: boolean;
  readonly delivering: boolean;
}

/** Turns what the simulator does into labels. Openings shorter than this leave no label. */
const shortOpeningMs = 20_000;

export class TruthRecorder {
  readonly #limits: { readonly lowCelsius: number | null; readonly highCelsius: number };
  readonly #open = new Map<OpenEvent["cause"], OpenEvent>();
  #finished: TruthEvent[] = [];
  #lastMs = Number.POSITIVE_INFINITY;

  constructor(limits: { readonly lowCelsius: number | null; readonly highCelsius: number }) {
    this.#limits = limits;
  }

  observe(now: RoomObservation): void {
    const outOfLimits =
      now.airCelsius >= this.#limits.highCelsius ||
      (this.#limits.lowCelsius !== null && now.airCelsius <= this.#limits.lowCelsius);
    const causes = new Set<OpenEvent["cause"]>(now.failures);
    if (now.defrosting) causes.add("defrost");
    if (now.doorOpen) causes.add(now.delivering ? "delivery" : "door");
    for (const cause of causes) {
      if (this.#open.has(cause)) continue;
      this.#open.set(cause, {
        cause,
        startMs: now.timeMs,
        peakCelsius: now.airCelsius,
        leftLimits: false,
        outside: new OutsideTime(),
        repaired: false,
      });
    }
    for (const event of this.#open.values()) {
      event.peakCelsius = Math.max(event.peakCelsius, now.airCelsius);
      event.leftLimits ||= outOfLimits;
      event.outside.add(outOfLimits ? Math.max(0, now.timeMs - this.#lastMs) : null, now.timeMs);
      event.repaired = !causes.has(event.cause);
      const needsRecovery = event.cause !== "door" && event.cause !== "delivery";
      if (event.repaired && (!needsRecovery || !outOfLimits)) this.#close(event, now.timeMs);
    }
    this.#lastMs = now.timeMs;
  }

  finish(timeMs: number): void {
    for (const event of this.#open.values()) this.#close(event, timeMs);
  }

  take(): readonly TruthEvent[] {
    const finished = this.#finished;
    this.#finished = [];
    return finished.toSorted((a, b) => a.startMs - b.startMs);
  }

  #close(event: OpenEvent, endMs: number): void {
    this.#open.delete(event.cause);
    const { cause, startMs, peakCelsius, leftLimits, outside } = event;
    if (cause === "door" && endMs - startMs < shortOpeningMs) return;
    const kind =
      cause === "defrost" ? "defrost" : cause === "door" || cause === "delivery" ? "door_opening" : truthKindOf[cause];
    const { longestMs: longestOutsideMs, mostInDayMs: mostOutsideInDayMs } = outside;
    this.#finished.push({ kind, cause, startMs, endMs, peakCelsius, leftLimits, longestOutsideMs, mostOutsideInDayMs });
  }
}
