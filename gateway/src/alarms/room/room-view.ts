/** Since when something holds, on the monotonic clock. */
export interface Held<State extends string> {
  readonly state: State;
  readonly sinceMs: number;
  /** signal: a contact or the controller says so · learned: seen in the curve · none: nothing is known. */
  readonly source: "signal" | "learned" | "none";
}

/** An estimate, never a measurement. */
export interface ProductEstimate {
  readonly celsius: number;
  /** Half width of the interval that should hold the truth 19 times of 20. */
  readonly uncertaintyCelsius: number;
}

/** Where the time constant of the goods comes from. */
export type TimeConstant =
  | { readonly source: "profile"; readonly minutes: number }
  /** From so many hours of a probe in the goods, of whose movement the model explains this share. */
  | { readonly source: "fitted"; readonly minutes: number; readonly hours: number; readonly explainedShare: number };

/** A defrost or the recovery after it, as long as it takes no longer than this room is known for. Times are monotonic. */
export interface DefrostPass {
  readonly beganMs: number;
  /** From then on it is slower than learned (or, with too few seen, than is allowed at all). */
  readonly untilMs: number;
  readonly source: "signal" | "learned";
  /** How many defrosts that is learned from. */
  readonly seen: number;
}

/** The last usable temperature of a probe. */
export interface ProbeReading {
  readonly pointId: string;
  readonly celsius: number;
  /** Monotonic. */
  readonly takenMs: number;
}

/** What is known of a room besides one reading. `unknown` is never a reason to stay quiet. */
export interface RoomView {
  readonly zoneId: string;
  readonly defrost: Held<"idle" | "defrosting" | "recovering" | "unknown">;
  /** null: no defrost and no recovery now. Past its `untilMs` it excuses nothing. */
  readonly defrostPass: DefrostPass | null;
  /** Whether a defrost of the learned shape ran at some time within these, Unix ms. */
  wasDefrost(fromMs: number, toMs: number): boolean;
  readonly door: Held<"closed" | "open" | "unknown">;
  readonly compressor: Held<"on" | "off" | "unknown">;
  readonly power: Held<"on" | "off" | "unknown">;
  /** Temperature of the goods; null until enough is known. */
  readonly product: ProductEstimate | null;
  readonly timeConstant: TimeConstant;
  readonly probes: readonly ProbeReading[];
}
