import type { z } from "zod";

import type { RoomKnowledge } from "../../core/alarm-engine.ts";
import type { Point } from "../../core/site.ts";
import { Curve } from "../learning/curve.ts";
import type { Moment, Observation } from "../rule.ts";
import { toCelsius } from "../temperature-units.ts";
import { DefrostRun } from "./defrost-run.ts";
import { ProductModel } from "./product.ts";
import { type KeptRoom, keptRoomSchema, runningRoomSchema } from "./room-state.ts";
import type { DefrostPass, Held, ProbeReading, ProductEstimate, RoomView, TimeConstant } from "./room-view.ts";
import { TimeConstantFit } from "./time-constant.ts";

type Signal = "defrost" | "door" | "compressor" | "power";

/** A probe that has been silent for longer says nothing of the room's air. */
const airIsFreshMs = 30 * 60_000;
const defaultTimeConstantMs = 4 * 3_600_000;

interface Probe {
  readonly curve: Curve;
  reading: ProbeReading | null;
}

/**
 * What is known of a room: its signals (door contacts, defrost, compressor and power, as 0 and 1; several of one sort: one
 * that says "on" is enough; a bad or stale one makes it unknown), and what its temperatures tell: defrosts and doors where
 * there is no signal, and an estimate of the goods' temperature. The signal outranks what was learned.
 */
export class Room implements RoomView {
  readonly zoneId: string;
  readonly #product: ProductModel;
  readonly #profileMs: number;
  readonly #fit: TimeConstantFit;
  /** The probe in the goods: it says nothing of the air. */
  readonly #goodsProbe: string | undefined;
  readonly #defrostRun = new DefrostRun();
  readonly #probes = new Map<string, Probe>();
  /** By signal and point: 0, 1 or unknown. */
  readonly #values = new Map<Signal, Map<string, boolean | null>>();
  readonly #held = new Map<Signal, { readonly isOn: boolean | null; readonly sinceMs: number }>();
  readonly #keptCurves = new Map<string, unknown>();
  #nowMs = 0;

  constructor(zoneId: string, productTimeConstantMs = defaultTimeConstantMs, restored?: unknown, goodsProbe?: string) {
    this.zoneId = zoneId;
    this.#profileMs = productTimeConstantMs;
    this.#goodsProbe = goodsProbe;
    this.#fit = new TimeConstantFit(productTimeConstantMs);
    this.#product = new ProductModel(productTimeConstantMs);
    const parsed = keptRoomSchema.safeParse(restored);
    if (!parsed.success) return;
    // Without a probe in the goods what one said once says nothing of what lies there now.
    if (goodsProbe !== undefined) this.#fit.restore(parsed.data.timeConstant);
    this.#product.timeConstantMs = this.#fit.fitted?.timeConstantMs ?? productTimeConstantMs;
    this.#product.restore(parsed.data.product);
    this.#defrostRun.restore(parsed.data.reported);
    for (const { pointId, curve } of parsed.data.curves) this.#keptCurves.set(pointId, curve);
  }

  get defrost(): Held<"idle" | "defrosting" | "recovering" | "unknown"> {
    const held = this.#view("defrost", "defrosting", "idle");
    if (held.source === "signal") {
      const phase = this.#defrostRun.phase;
      return phase === null ? held : { state: phase.kind, sinceMs: phase.sinceMs, source: "signal" };
    }
    const learned = this.#learnedDefrost();
    if (learned !== null) return { state: learned.kind, sinceMs: learned.sinceMs, source: "learned" };
    for (const { curve } of this.#probes.values()) {
      if (curve.hasSignature) return { state: "idle", sinceMs: 0, source: "learned" };
    }
    return held;
  }

  get defrostPass(): DefrostPass | null {
    if (this.#view("defrost", "on", "off").source === "signal") {
      const phase = this.#defrostRun.phase;
      if (phase === null) return null;
      return { beganMs: phase.beganMs, untilMs: phase.untilMs, source: "signal", seen: phase.seen };
    }
    return this.#learnedDefrost()?.pass ?? null;
  }

  wasDefrost(fromMs: number, toMs: number): boolean {
    for (const { curve } of this.#probes.values()) if (curve.wasDefrost(fromMs, toMs)) return true;
    return false;
  }

  get door(): Held<"closed" | "open" | "unknown"> {
    const held = this.#view("door", "open", "closed");
    if (held.source === "signal") return held;
    for (const { curve } of this.#probes.values()) {
      const state = curve.state(this.#nowMs);
      if (state.kind === "door") return { state: "open", sinceMs: state.sinceMs, source: "learned" };
    }
    return held;
  }

  get compressor(): Held<"on" | "off" | "unknown"> {
    return this.#view("compressor", "on", "off");
  }

  get power(): Held<"on" | "off" | "unknown"> {
    return this.#view("power", "on", "off");
  }

  get product(): ProductEstimate | null {
    return this.#product.estimate;
  }

  get timeConstant(): TimeConstant {
    const minutes = Math.round(this.#product.timeConstantMs / 60_000);
    const fitted = this.#fit.fitted;
    if (fitted === null) return { source: "profile", minutes };
    return { source: "fitted", minutes, hours: fitted.hours, explainedShare: fitted.explainedShare };
  }

  get probes(): readonly ProbeReading[] {
    return [...this.#probes.values()].flatMap(({ reading }) => reading ?? []);
  }

  /** Grows with everything learned: what is to be kept has changed. */
  get revision(): number {
    let sum = this.#defrostRun.revision + this.#fit.revision;
    for (const { curve } of this.#probes.values()) sum += curve.revision;
    return sum;
  }

  onSample(point: Point, observation: Observation, now: Moment): void {
    const { quantity } = point;
    if (observation.freshness === "old") return;
    this.#nowMs = now.monotonicMs;
    if (quantity === "temperature") this.#onTemperature(point, observation, now);
    else if (quantity === "defrost" || quantity === "door" || quantity === "compressor" || quantity === "power") {
      this.#onSignal(quantity, point, observation, now);
    }
  }

  describe(): Omit<RoomKnowledge, "excursions"> {
    const curves = [...this.#probes].map(([pointId, { curve }]) => ({ pointId, defrost: curve.describe() }));
    // Known from before a restart, and silent since.
    for (const [pointId, kept] of this.#keptCurves) {
      const curve = new Curve();
      curve.restore(kept);
      curves.push({ pointId, defrost: curve.describe() });
    }
    const { product, timeConstant } = this;
    return { zoneId: this.zoneId, curves, reported: this.#defrostRun.describe(), product, timeConstant };
  }

  /** Forgets what was learned: plain limits apply until it is learned anew. */
  reset(): void {
    this.#defrostRun.reset();
    this.#fit.reset();
    this.#product.timeConstantMs = this.#profileMs;
    this.#keptCurves.clear();
    for (const { curve } of this.#probes.values()) curve.reset();
  }

  /** Undefined while there is nothing to keep. */
  snapshot(): KeptRoom | undefined {
    const product = this.#product.snapshot();
    const reported = this.#defrostRun.snapshot();
    const curves: { readonly pointId: string; readonly curve: unknown }[] = [];
    for (const [pointId, { curve }] of this.#probes) {
      const state = curve.snapshot();
      if (state !== undefined) curves.push({ pointId, curve: state });
    }
    for (const [pointId, curve] of this.#keptCurves) curves.push({ pointId, curve });
    if (product === undefined && reported === undefined && curves.length === 0) return undefined;
    return { zoneId: this.zoneId, product, timeConstant: this.#fit.snapshot(), reported, curves };
  }

  /** A reported defrost and rises on their way, to go on with after a restart; undefined when there are none. */
  running(now: Moment): unknown {
    const reported = this.#defrostRun.running(now.monotonicMs);
    const rises = [...this.#probes].flatMap(([pointId, { curve }]) => {
      const rise = curve.running(now.monotonicMs);
      return rise === undefined ? [] : [{ pointId, rise }];
    });
    if (rises.length === 0) return reported;
    return { ...reported, rises } satisfies z.input<typeof runningRoomSchema>;
  }

  /** To be called once, before the first sample. */
  resume(state: unknown, now: Moment, downMs: number): void {
    const keptMs = now.monotonicMs - downMs;
    this.#nowMs = now.monotonicMs;
    for (const { pointId, rise } of runningRoomSchema.safeParse(state).data?.rises ?? []) {
      this.#probeOf(pointId).curve.resume(rise, keptMs);
    }
    const isOn = this.#defrostRun.resume(state, keptMs);
    if (isOn === undefined) return;
    this.#held.set("defrost", { isOn, sinceMs: this.#defrostRun.phase?.sinceMs ?? now.monotonicMs });
  }

  #onTemperature(point: Point, { sample, takenMs }: Observation, now: Moment): void {
    const { value, quality } = sample;
    if (value === null || quality !== "good") return;
    const celsius = toCelsius(point.unit, value);
    if (celsius === undefined) return;
    if (point.pointId === this.#goodsProbe) {
      this.#fit.onGoods(celsius, takenMs);
      return;
    }
    const probe = this.#probeOf(point.pointId);
    probe.reading = { pointId: point.pointId, celsius, takenMs };
    probe.curve.add(celsius, takenMs, now.wallMs);
    const air = this.#air(now);
    if (air === null) return;
    this.#fit.onAir(air, takenMs);
    this.#product.timeConstantMs = this.#fit.fitted?.timeConstantMs ?? this.#profileMs;
    this.#product.add(air, takenMs, now.wallMs);
    this.#defrostRun.onAir(air, takenMs);
  }

  #onSignal(signal: Signal, point: Point, { sample, takenMs }: Observation, now: Moment): void {
    const isUsable = sample.value !== null && sample.quality !== "bad" && sample.quality !== "stale";
    const values = this.#values.get(signal) ?? new Map<string, boolean | null>();
    this.#values.set(signal, values.set(point.pointId, isUsable ? (sample.value ?? 0) > 0 : null));
    const all = new Set(values.values());
    const isOn = all.has(true) ? true : all.has(null) ? null : false;
    if (this.#held.get(signal)?.isOn === isOn) return;
    this.#held.set(signal, { isOn, sinceMs: isUsable ? takenMs : now.monotonicMs });
    if (signal !== "defrost") return;
    if (isOn === null) this.#defrostRun.forgetRun();
    else this.#defrostRun.onSignal(isOn, takenMs, this.#air(now));
  }

  #probeOf(pointId: string): Probe {
    const known = this.#probes.get(pointId);
    if (known !== undefined) return known;
    const probe: Probe = { curve: new Curve(), reading: null };
    probe.curve.restore(this.#keptCurves.get(pointId));
    this.#keptCurves.delete(pointId);
    this.#probes.set(pointId, probe);
    return probe;
  }

  /** The mean of the probes that have reported of late. */
  #air(now: Moment): number | null {
    let sum = 0;
    let count = 0;
    for (const { reading } of this.#probes.values()) {
      if (reading === null || now.monotonicMs - reading.takenMs > airIsFreshMs) continue;
      sum += reading.celsius;
      count += 1;
    }
    return count === 0 ? null : sum / count;
  }

  #learnedDefrost(): {
    readonly kind: "defrosting" | "recovering";
    readonly sinceMs: number;
    readonly pass: DefrostPass;
  } | null {
    for (const { curve } of this.#probes.values()) {
      const state = curve.state(this.#nowMs);
      if (state.kind !== "defrosting" && state.kind !== "recovering") continue;
      const { kind, beganMs, sinceMs, untilMs } = state;
      return { kind, sinceMs, pass: { beganMs, untilMs, source: "learned", seen: curve.signatureSize } };
    }
    return null;
  }

  #view<On extends string, Off extends string>(signal: Signal, on: On, off: Off): Held<On | Off | "unknown"> {
    const held = this.#held.get(signal);
    if (held === undefined || held.isOn === null) return { state: "unknown", sinceMs: 0, source: "none" };
    return { state: held.isOn ? on : off, sinceMs: held.sinceMs, source: "signal" };
  }
}
