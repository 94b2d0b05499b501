import type { SiteDescription, ZoneDescription } from "@frostlight/contract";
import type { Clock } from "@frostlight/kernel";

import type { Alarm, CommandOutbox, Gateway, Scope, Site, StateQueries, SubjectHealth } from "../../core/records.ts";
import type { PointKey, SeriesSample, TimeSeriesStore } from "../../core/timeseries.ts";
import { type AlarmRequestView, type AlarmView, pendingRequests, withRequests } from "./alarm-requests.ts";
import { ofZone, type OutOfService, outOfServiceNow } from "./out-of-service.ts";
import { type Strip, Strips } from "./strips.ts";
import { compareStates, headlineOf, isStale, stateOfAlarms, worstState, type ZoneState } from "./zone-state.ts";

/** Open alarms of one organisation that an overview considers. */
const maxOpenAlarms = 5000;

type PointView = SiteDescription["points"][number] & { readonly latest: SeriesSample | null; readonly stale: boolean };

export interface ZoneView extends Omit<ZoneDescription, "limits"> {
  readonly limits: ZoneDescription["limits"];
  readonly state: ZoneState;
  readonly alarmState: ZoneState;
  readonly headlinePointId: string | null;
  readonly points: readonly PointView[];
  readonly alarms: readonly AlarmView[];
  readonly outOfService: readonly OutOfService[];
  readonly cameras: readonly {
    readonly cameraId: string;
    readonly name: SiteDescription["name"];
    readonly health: SubjectHealth | null;
  }[];
  readonly strip: Strip | null;
}

export interface SiteView {
  readonly siteId: string;
  readonly name: SiteDescription["name"] | null;
  readonly timeZone: string;
  readonly simulated: boolean;
  readonly state: ZoneState;
  readonly gateways: readonly Gateway[];
  readonly zones: readonly ZoneView[];
}

/** Facts that are the same for all sites of one answer. */
interface Facts {
  readonly nowMs: number;
  readonly gateways: readonly Gateway[];
  readonly alarms: readonly Alarm[];
  readonly requests: ReadonlyMap<string, readonly AlarmRequestView[]>;
}

/** Puts together what a person needs at first sight: sites and rooms, worst first. */
export class OverviewService {
  readonly #state: StateQueries;
  readonly #commands: Pick<CommandOutbox, "pending">;
  readonly #timeSeries: Pick<TimeSeriesStore, "latest" | "buckets">;
  readonly #clock: Pick<Clock, "nowMs" | "monotonicMs">;
  readonly #strips: Strips;

  constructor(ports: {
    readonly state: StateQueries;
    readonly commands: Pick<CommandOutbox, "pending">;
    readonly timeSeries: Pick<TimeSeriesStore, "latest" | "buckets">;
    readonly clock: Pick<Clock, "nowMs" | "monotonicMs">;
  }) {
    this.#state = ports.state;
    this.#commands = ports.commands;
    this.#timeSeries = ports.timeSeries;
    this.#clock = ports.clock;
    this.#strips = new Strips(ports.timeSeries, ports.clock);
  }

  async sites(scope: Scope): Promise<{ readonly nowMs: number; readonly sites: readonly SiteView[] }> {
    const [sites, facts] = await Promise.all([this.#state.sites(scope), this.#facts(scope, undefined)]);
    const views = await Promise.all(sites.map((site) => this.#siteView(scope, site, facts)));
    views.sort((a, b) => compareStates(a.state, b.state) || a.siteId.localeCompare(b.siteId));
    return { nowMs: facts.nowMs, sites: views };
  }

  /** undefined: no such site in this scope. */
  async site(
    scope: Scope,
    siteId: string,
  ): Promise<
    { readonly nowMs: number; readonly site: SiteView; readonly health: readonly SubjectHealth[] } | undefined
  > {
    const site = await this.#state.site(scope, siteId);
    if (site === undefined) return undefined;
    const facts = await this.#facts(scope, siteId);
    const health = await this.#state.health(scope, siteId);
    return { nowMs: facts.nowMs, site: await this.#siteView(scope, site, facts), health };
  }

  async #facts(scope: Scope, siteId: string | undefined): Promise<Facts> {
    const filter = { open: true, limit: maxOpenAlarms };
    const [gateways, alarms, requests] = await Promise.all([
      this.#state.gateways(scope),
      this.#state.alarms(scope, siteId === undefined ? filter : { ...filter, siteId }),
      pendingRequests(this.#commands, scope),
    ]);
    return { nowMs: this.#clock.nowMs(), gateways, alarms, requests };
  }

  async #siteView(scope: Scope, site: Site, facts: Facts): Promise<SiteView> {
    const { siteId, description } = site;
    const gateways = facts.gateways.filter((gateway) => gateway.siteId === siteId);
    if (description === null) {
      return { siteId, name: null, timeZone: "UTC", simulated: false, state: "unknown", gateways, zones: [] };
    }
    const keys = description.points.map((point): PointKey => ({ siteId, pointId: point.pointId }));
    const [latest, health] = await Promise.all([
      keys.length === 0 ? [] : this.#timeSeries.latest(keys),
      this.#state.health(scope, siteId),
    ]);
    const samples = new Map(latest.map((entry) => [entry.pointId, entry.sample]));
    const alarms = facts.alarms.filter((alarm) => alarm.siteId === siteId);
    const zones = await Promise.all(
      description.zones.map((zone) => this.#zoneView(siteId, description, zone, { alarms, samples, health, facts })),
    );
    zones.sort((a, b) => compareStates(a.state, b.state) || a.name.en.localeCompare(b.name.en));
    return {
      siteId,
      name: description.name,
      timeZone: description.timeZone,
      simulated: description.simulated,
      state: worstState(zones.map((zone) => zone.state)),
      gateways,
      zones,
    };
  }

  /** @param siteId the site's id at the server; the gateway's own name for its site is only in the description */
  async #zoneView(
    siteId: string,
    description: SiteDescription,
    zone: ZoneDescription,
    known: {
      readonly alarms: readonly Alarm[];
      readonly samples: ReadonlyMap<string, SeriesSample>;
      readonly health: readonly SubjectHealth[];
      readonly facts: Facts;
    },
  ): Promise<ZoneView> {
    const { nowMs, requests } = known.facts;
    const alarms = known.alarms
      .filter((alarm) => alarm.zoneId === zone.zoneId)
      .toSorted((a, b) => compareStates(a.priority, b.priority) || b.raisedMs - a.raisedMs);
    const described = description.points.filter((point) => point.zoneId === zone.zoneId);
    const points = described.map((point): PointView => {
      const latest = known.samples.get(point.pointId);
      return { ...point, latest: latest ?? null, stale: isStale(point, latest, nowMs) };
    });
    const headline = headlineOf(described, alarms);
    const thermometers = points.filter((point) => point.quantity === "temperature");
    const alarmState = stateOfAlarms(alarms);
    const unknown = thermometers.some((point) => point.stale);
    return {
      ...zone,
      state: alarmState === "normal" && unknown ? "unknown" : alarmState,
      alarmState,
      headlinePointId: headline?.pointId ?? null,
      points,
      alarms: alarms.map((alarm) => withRequests(alarm, requests)),
      outOfService: ofZone(outOfServiceNow(known.health, nowMs), description, zone.zoneId),
      cameras: description.cameras
        .filter((camera) => camera.zoneId === zone.zoneId)
        .map(({ cameraId, name }) => ({ cameraId, name, health: healthOfCamera(known.health, cameraId) })),
      strip:
        headline === undefined
          ? null
          : await this.#strips.of({ siteId, pointId: headline.pointId }, headline.expectedIntervalMs),
    };
  }
}

/** The last word of a site's gateways on a camera. */
export function healthOfCamera(health: readonly SubjectHealth[], cameraId: string): SubjectHealth | null {
  const subject = `camera:${cameraId}`;
  return health.filter((entry) => entry.subject === subject).toSorted((a, b) => b.timeMs - a.timeMs)[0] ?? null;
}
