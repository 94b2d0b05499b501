import { computed, type Signal, signal } from "@preact/signals";

import type { Overview, Session, SeriesSample, SiteOverview, Zone, ZoneState } from "./api.generated.ts";
import { api, RequestError } from "./api.ts";
import { readChoice, writeChoice } from "./choices.ts";
import { now, setServerTime } from "./now.ts";
import { compareStates, isStale, shownState } from "./zone-state.ts";

/** undefined: not known yet; null: nobody is signed in. */
export const session = signal<Session | null | undefined>(undefined);
export const overview = signal<Overview | null>(null);
export const overviewError = signal<RequestError | null>(null);
/** Counts up when something happened that lists should show. */
export const changes = signal(0);

const latest = new Map<string, Signal<SeriesSample | null>>();

/** The newest sample of a point; moves by itself. */
export function latestOf(siteId: string, pointId: string): Signal<SeriesSample | null> {
  const key = `${siteId}\n${pointId}`;
  let found = latest.get(key);
  if (found === undefined) {
    found = signal<SeriesSample | null>(null);
    latest.set(key, found);
  }
  return found;
}

/** Takes a sample if it is not older than what is shown: a back-fill never moves a value back. */
export function takeSample(siteId: string, pointId: string, sample: SeriesSample): void {
  const current = latestOf(siteId, pointId);
  if (current.value === null || sample.timeMs >= current.value.timeMs) current.value = sample;
}

export async function loadSession(): Promise<void> {
  if (readChoice("signedIn") !== "yes") {
    session.value = null;
    return;
  }
  try {
    takeSession(await api.session());
  } catch (error) {
    if (error instanceof RequestError && error.status === 401) takeSession(null);
    else throw error;
  }
}

export function takeSession(next: Session | null): void {
  session.value = next;
  writeChoice("signedIn", next === null ? "no" : "yes");
  if (next === null) {
    overview.value = null;
    latest.clear();
  } else {
    setServerTime(next.nowMs);
  }
}

export function may(permission: string): boolean {
  return session.value?.permissions.includes(permission) ?? false;
}

let loading: Promise<void> | undefined;
let again = false;

/** Loads the overview; while one is under way, at most one more follows. */
export function loadOverview(): Promise<void> {
  if (loading !== undefined) {
    again = true;
    return loading;
  }
  loading = readOverview().finally(() => {
    loading = undefined;
    if (again) {
      again = false;
      void loadOverview();
    }
  });
  return loading;
}

async function readOverview(): Promise<void> {
  try {
    const next = await api.overview();
    setServerTime(next.nowMs);
    for (const site of next.sites) {
      for (const point of site.zones.flatMap((zone) => zone.points)) {
        if (point.latest !== null) takeSample(site.siteId, point.pointId, point.latest);
      }
    }
    overview.value = next;
    overviewError.value = null;
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    if (error.status === 401) takeSession(null);
    else overviewError.value = error;
  }
}

export interface ZoneRow {
  readonly site: SiteOverview;
  readonly zone: Zone;
  /** By the alarms and by the age of the values now. */
  readonly state: ZoneState;
}

/** The state of a room now: what its alarms say, and unknown as soon as a thermometer's value is too old. */
function stateOf(site: SiteOverview, zone: Zone, nowMs: number): ZoneState {
  if (zone.alarmState !== "normal") return zone.alarmState;
  const thermometers = zone.points.filter((point) => point.quantity === "temperature");
  const isUnknown = thermometers.some((point) => isStale(point, latestOf(site.siteId, point.pointId).value, nowMs));
  return isUnknown ? "unknown" : "normal";
}

/** States change rarely: the clock is followed in steps of five seconds. */
const slowNow = computed(() => Math.floor(now.value / 5000) * 5000);

/** Every room of every site, worst first, then by name. */
export const zoneRows = computed((): readonly ZoneRow[] => {
  const rows = (overview.value?.sites ?? []).flatMap((site) =>
    site.zones.map((zone): ZoneRow => ({ site, zone, state: stateOf(site, zone, slowNow.value) })),
  );
  return rows.toSorted(
    (a, b) =>
      compareStates(a.state, b.state) ||
      a.site.siteId.localeCompare(b.site.siteId) ||
      a.zone.name.zh.localeCompare(b.zone.name.zh, "zh"),
  );
});

/** Alarms that ask for somebody: what is suppressed by design or out of service does not. */
export const openAlarmCount = computed(
  () => zoneRows.value.flatMap(({ zone }) => zone.alarms).filter((alarm) => shownState(alarm) !== "normal").length,
);
export const criticalCount = computed(() => zoneRows.value.filter(({ state }) => state === "critical").length);

/** The site and room of an address or an alarm, if they are known here. */
export function findZone(siteId: string, zoneId: string): ZoneRow | undefined {
  return zoneRows.value.find((row) => row.site.siteId === siteId && row.zone.zoneId === zoneId);
}

export function timeZoneOf(siteId: string): string {
  return overview.value?.sites.find((site) => site.siteId === siteId)?.timeZone ?? "UTC";
}
