import type { SiteDescription } from "@frostlight/contract";
import type { Clock } from "@frostlight/kernel";

import type { IngestStore } from "../core/ingest.ts";
import type { PointTraits, SampleBatch } from "../core/timeseries.ts";
import type { AuthenticBatch } from "./screen.ts";

type Tags = SampleBatch["points"];

/** Another process may have recorded a newer description: look again after this long. */
const freshMs = 60_000;
const cachedGateways = 10_000;

/** Zone, unit, quantity and limits of each gateway's points, from its newest description. */
export class PointTags {
  readonly #store: Pick<IngestStore, "gatewayDescription">;
  readonly #clock: Clock;
  readonly #cache = new Map<string, { readonly tags: Tags; readonly loadedMs: number }>();

  constructor(store: Pick<IngestStore, "gatewayDescription">, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** For a group about to be written: a description in the group counts already. */
  async of(gatewayId: string, group: readonly AuthenticBatch[]): Promise<Tags> {
    const described = group.flatMap(({ batch }) => batch.siteDescriptions);
    const stored = await this.#load(gatewayId);
    const newest = described.toSorted((a, b) => a.timeMs - b.timeMs).at(-1);
    return newest === undefined ? stored : new Map([...stored, ...tagsOf(newest)]);
  }

  /** A description of this gateway was recorded. */
  forget(gatewayId: string): void {
    this.#cache.delete(gatewayId);
  }

  async #load(gatewayId: string): Promise<Tags> {
    const nowMs = this.#clock.monotonicMs();
    const cached = this.#cache.get(gatewayId);
    if (cached !== undefined && nowMs - cached.loadedMs < freshMs) return cached.tags;
    const description = await this.#store.gatewayDescription(gatewayId);
    const tags: Tags = new Map(description === undefined ? [] : tagsOf(description));
    if (this.#cache.size >= cachedGateways) this.#cache.clear();
    this.#cache.set(gatewayId, { tags, loadedMs: nowMs });
    return tags;
  }
}

function tagsOf(description: SiteDescription): [string, PointTraits][] {
  const limits = new Map(description.zones.map((zone) => [zone.zoneId, zone.limits]));
  return description.points.map(({ pointId, zoneId, unit, quantity }) => {
    const band = quantity === "temperature" ? limits.get(zoneId) : undefined;
    return [pointId, { zoneId, unit, quantity, ...(band === undefined ? {} : { limits: band }) }];
  });
}
