import type { AlarmEvent, ClockCorrection, JournalItem, Sample, SiteDescription } from "@frostlight/contract";

/** Alarm windows that are remembered; beyond that neighbours become one. */
const maxWindows = 5_000;

interface Window {
  readonly zoneId: string;
  readonly pointId: string | null;
  fromMs: number;
  toMs: number;
}

/**
 * Which samples stay raw when space runs out: those around alarm events of their zone, and those out of their zone's
 * limits. Knows what passed through the journal (items appended, events of unreleased batches at the start).
 */
export class RawWindows {
  readonly #marginMs: number;
  #windows: Window[] = [];
  #siteMs = Number.NEGATIVE_INFINITY;
  readonly #zoneOfPoint = new Map<string, string>();
  readonly #limitsOfPoint = new Map<string, { readonly low: number; readonly high: number }>();
  readonly #corrections = new Map<string, ClockCorrection>();

  constructor(marginMs: number) {
    this.#marginMs = marginMs;
  }

  note(item: JournalItem): void {
    if (item.kind === "alarm") this.#noteAlarm(item.event);
    else if (item.kind === "site") this.#noteSite(item.description);
    else if (item.kind === "clock-correction") this.#corrections.set(item.correction.bootId, item.correction);
  }

  /** What is known of a boot's clock; undefined: nothing. */
  correctionOf(bootId: string): ClockCorrection | undefined {
    return this.#corrections.get(bootId);
  }

  /** Says of samples from that span whether they stay raw. */
  keeperFor(fromMs: number, toMs: number): (sample: Sample) => boolean {
    const windows = this.#windows.filter((window) => window.fromMs <= toMs && window.toMs >= fromMs);
    return (sample) => {
      const { pointId, timeMs, summary } = sample;
      const limits = this.#limitsOfPoint.get(pointId);
      const lowest = summary?.min ?? sample.value;
      const highest = summary?.max ?? sample.value;
      if (limits !== undefined && lowest !== null && lowest < limits.low) return true;
      if (limits !== undefined && highest !== null && highest > limits.high) return true;
      const zoneId = this.#zoneOfPoint.get(pointId);
      const startMs = timeMs - (summary?.spanMs ?? 0);
      return windows.some(
        (window) =>
          startMs <= window.toMs &&
          timeMs >= window.fromMs &&
          (window.pointId === pointId || zoneId === undefined || zoneId === window.zoneId),
      );
    };
  }

  #noteAlarm(event: AlarmEvent): void {
    const { zoneId, pointId } = event;
    const starts = event.transition === "raised" ? event.onsetTimeMs : event.timeMs;
    const fromMs = Math.min(starts, event.timeMs) - this.#marginMs;
    const toMs = event.timeMs + this.#marginMs;
    const last = this.#windows.findLast((window) => window.zoneId === zoneId && window.pointId === pointId);
    if (last !== undefined && fromMs <= last.toMs && toMs >= last.fromMs) {
      last.fromMs = Math.min(last.fromMs, fromMs);
      last.toMs = Math.max(last.toMs, toMs);
      return;
    }
    this.#windows.push({ zoneId, pointId, fromMs, toMs });
    if (this.#windows.length > maxWindows) this.#windows = joinNeighbours(this.#windows);
  }

  #noteSite(site: SiteDescription): void {
    // An old one comes again when its batch is repacked.
    if (site.timeMs < this.#siteMs) return;
    this.#siteMs = site.timeMs;
    this.#zoneOfPoint.clear();
    this.#limitsOfPoint.clear();
    const limits = new Map(site.zones.map((zone) => [zone.zoneId, zone.limits]));
    for (const { pointId, zoneId, quantity } of site.points) {
      this.#zoneOfPoint.set(pointId, zoneId);
      const band = limits.get(zoneId);
      if (band === undefined || quantity !== "temperature") continue;
      this.#limitsOfPoint.set(pointId, {
        low: Math.max(band.low ?? Number.NEGATIVE_INFINITY, band.criticalLow ?? Number.NEGATIVE_INFINITY),
        high: Math.min(band.high ?? Number.POSITIVE_INFINITY, band.criticalHigh ?? Number.POSITIVE_INFINITY),
      });
    }
  }
}

/** Half as many windows, each over two of one zone: more stays raw than has to, never less. */
function joinNeighbours(windows: readonly Window[]): Window[] {
  const joined: Window[] = [];
  const odd = new Map<string, Window>();
  for (const window of windows) {
    const before = odd.get(window.zoneId);
    if (before === undefined) {
      const copy = { ...window, pointId: window.pointId };
      odd.set(window.zoneId, copy);
      joined.push(copy);
      continue;
    }
    odd.delete(window.zoneId);
    before.fromMs = Math.min(before.fromMs, window.fromMs);
    before.toMs = Math.max(before.toMs, window.toMs);
  }
  return joined;
}
