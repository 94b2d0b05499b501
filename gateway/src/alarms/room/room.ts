import type { Point } from "../../core/site.ts";
import type { Moment, Observation } from "../rule.ts";
import type { Held, ProductEstimate, RoomView } from "./room-view.ts";

type Signal = "defrost" | "door" | "compressor" | "power";

/**
 * What a room's own signals say: door contacts, defrost, compressor and power, as 0 and 1 (power: more than 0). Several
 * points of one sort: one that says "on" is enough. A bad or stale signal makes it unknown.
 */
export class Room implements RoomView {
  readonly zoneId: string;
  /** By signal and point: 0, 1 or unknown. */
  readonly #values = new Map<Signal, Map<string, boolean | null>>();
  readonly #held = new Map<Signal, { readonly isOn: boolean | null; readonly sinceMs: number }>();

  constructor(zoneId: string) {
    this.zoneId = zoneId;
  }

  get defrost(): Held<"idle" | "defrosting" | "recovering" | "unknown"> {
    return this.#view("defrost", "defrosting", "idle");
  }

  get door(): Held<"closed" | "open" | "unknown"> {
    return this.#view("door", "open", "closed");
  }

  get compressor(): Held<"on" | "off" | "unknown"> {
    return this.#view("compressor", "on", "off");
  }

  get power(): Held<"on" | "off" | "unknown"> {
    return this.#view("power", "on", "off");
  }

  get product(): ProductEstimate | null {
    return null;
  }

  onSample(point: Point, { sample, freshness, takenMs }: Observation, now: Moment): void {
    const { quantity } = point;
    if (quantity !== "defrost" && quantity !== "door" && quantity !== "compressor" && quantity !== "power") return;
    if (freshness === "old") return;
    const isUsable = sample.value !== null && sample.quality !== "bad" && sample.quality !== "stale";
    const values = this.#values.get(quantity) ?? new Map<string, boolean | null>();
    this.#values.set(quantity, values.set(point.pointId, isUsable ? (sample.value ?? 0) > 0 : null));
    const all = new Set(values.values());
    const isOn = all.has(true) ? true : all.has(null) ? null : false;
    if (this.#held.get(quantity)?.isOn === isOn) return;
    this.#held.set(quantity, { isOn, sinceMs: isUsable ? takenMs : now.monotonicMs });
  }

  #view<On extends string, Off extends string>(signal: Signal, on: On, off: Off): Held<On | Off | "unknown"> {
    const held = this.#held.get(signal);
    if (held === undefined || held.isOn === null) return { state: "unknown", sinceMs: 0, source: "none" };
    return { state: held.isOn ? on : off, sinceMs: held.sinceMs, source: "signal" };
  }
}
