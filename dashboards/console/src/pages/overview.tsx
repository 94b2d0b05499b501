import { BellRing, Unplug, VideoOff } from "lucide-preact";
import type { ComponentChild } from "preact";

import type { SiteOverview, ZoneState } from "../api.generated.ts";
import { AsideTag } from "../components/alarm/tag.tsx";
import { Day } from "../components/day.tsx";
import { Glyph, StateTag } from "../components/glyph.tsx";
import { LimitBar, limitsText } from "../components/limit-bar.tsx";
import { EmptyBox, ErrorBox, SimulatedBadge, Skeleton } from "../components/notices.tsx";
import { LiveAge, LiveValue } from "../components/values.tsx";
import { explain } from "../explain.ts";
import { timeText } from "../format.ts";
import { localised, t } from "../i18n/language.ts";
import { now } from "../now.ts";
import { currentLocation, linkTo } from "../router.ts";
import { loadOverview, overview, overviewError, type ZoneRow, zoneRows } from "../store.ts";
import { zoneStates } from "../zone-state.ts";

/** Where: every room, worst first. */
export function OverviewPage(): ComponentChild {
  const data = overview.value;
  const filter = zoneStates.find((state) => state === currentLocation.value.query["state"]);
  const sites = data?.sites ?? [];
  const rows = zoneRows.value.filter(({ state }) => filter === undefined || state === filter);
  return (
    <>
      <header class="page-head">
        <h1>{sites.length === 1 && sites[0]?.name ? localised(sites[0].name) : t("overview.title")}</h1>
        <SimulatedBadge />
        <span class="page-head-count">{t("overview.rooms", { count: zoneRows.value.length })}</span>
      </header>
      <Counts filter={filter} />
      {data === null && overviewError.value !== null ? (
        <ErrorBox error={overviewError.value} onRetry={() => void loadOverview()} />
      ) : null}
      {data === null && overviewError.value === null ? <Skeleton rows={5} height={92} /> : null}
      {data !== null && sites.length === 0 ? (
        <EmptyBox title={t("overview.empty")} hint={t("overview.emptyHint")}>
          <a class="button" href={linkTo(["me"])}>
            {t("nav.me")}
          </a>
        </EmptyBox>
      ) : null}
      <SiteNotes sites={sites} />
      {rows.length === 0 && zoneRows.value.length > 0 ? <EmptyBox title={t("overview.noneInFilter")} /> : null}
      <ul class="rows">
        {rows.map((row) => (
          <Row key={`${row.site.siteId}/${row.zone.zoneId}`} row={row} manySites={sites.length > 1} />
        ))}
      </ul>
    </>
  );
}

/** Counts are doors: one touch filters. */
function Counts({ filter }: { readonly filter: ZoneState | undefined }): ComponentChild {
  const counts = new Map<ZoneState, number>();
  for (const { state } of zoneRows.value) counts.set(state, (counts.get(state) ?? 0) + 1);
  return (
    <nav class="counts" aria-label={t("overview.filter")}>
      {zoneStates.map((state) => {
        const count = counts.get(state) ?? 0;
        const isChosen = filter === state;
        return (
          <a
            key={state}
            class={`count-door is-${state} ${count === 0 ? "is-zero" : ""}`}
            href={isChosen ? linkTo([]) : linkTo([], { state })}
            aria-current={isChosen ? "true" : undefined}
          >
            <Glyph state={state} />
            <strong>{count}</strong>
            <span>{t(`state.${state}`)}</span>
          </a>
        );
      })}
    </nav>
  );
}

/** Sites that have not spoken, and gateways that are away. */
function SiteNotes({ sites }: { readonly sites: readonly SiteOverview[] }): ComponentChild {
  return sites.flatMap((site) => {
    const name = site.name === null ? site.siteId : localised(site.name);
    if (site.name === null) {
      return [
        <p key={site.siteId} class="site-note">
          <Glyph state="unknown" />
          <strong>{name}</strong> {t("overview.waiting")}
        </p>,
      ];
    }
    return site.gateways
      .filter((gateway) => !gateway.connected && gateway.revokedMs === null)
      .map((gateway) => {
        const seen = gateway.lastSeenMs;
        const time = seen === null ? t("value.never") : timeText(seen, site.timeZone, now.value);
        return (
          <p key={gateway.gatewayId} class="site-note">
            <Unplug size={18} aria-hidden="true" />
            <strong>{name}</strong> {t("overview.gatewayOffline", { time })}
          </p>
        );
      });
  });
}

function Row({ row, manySites }: { readonly row: ZoneRow; readonly manySites: boolean }): ComponentChild {
  const { site, zone, state } = row;
  const headline = zone.points.find((point) => point.pointId === zone.headlinePointId);
  const alarm = zone.alarms[0];
  const brokenCameras = zone.cameras.filter(
    ({ health }) => health !== null && !["ok", "starting"].includes(health.state),
  );
  return (
    <li>
      <a class={`row is-${state}`} href={linkTo(["site", site.siteId, "zone", zone.zoneId])}>
        <span class="row-state">
          {state === "normal" && zone.outOfService.some(({ target }) => target.kind === "zone") ? (
            <AsideTag aside="out-of-service" />
          ) : (
            <StateTag state={state} />
          )}
        </span>
        <span class="row-name">
          <strong>{localised(zone.name)}</strong>
          <span class="quiet">
            {manySites && site.name !== null ? `${localised(site.name)} · ` : ""}
            {headline === undefined ? null : limitsText(zone.limits, headline.unit)}
          </span>
        </span>
        <span class="row-value">
          {headline === undefined ? <span class="quiet">—</span> : <LiveValue siteId={site.siteId} point={headline} />}
        </span>
        <span class="row-bar">
          {headline === undefined ? null : (
            <LimitBar siteId={site.siteId} point={headline} limits={zone.limits} state={state} />
          )}
        </span>
        <span class="row-day">
          <Day strip={zone.strip} limits={zone.limits} />
        </span>
        <span class="row-age">{headline === undefined ? null : <LiveAge siteId={site.siteId} point={headline} />}</span>
        {alarm === undefined && brokenCameras.length === 0 ? null : (
          <span class="row-why">
            {alarm === undefined ? null : (
              <span class="row-reason">
                <BellRing size={16} aria-hidden="true" />
                <span>
                  {alarm.state === "unacknowledged" ? null : <strong>{t(`alarm.${alarm.state}`)} · </strong>}
                  {explain(alarm.explanation, site.timeZone, now.value)}
                  {zone.alarms.length > 1 ? ` (${t("overview.alarms", { count: zone.alarms.length })})` : ""}
                </span>
              </span>
            )}
            {brokenCameras.map((camera) => (
              <span class="row-reason" key={camera.cameraId}>
                <VideoOff size={16} aria-hidden="true" />
                <span>
                  {localised(camera.name)}
                  {camera.health === null ? "" : `: ${explain(camera.health.explanation, site.timeZone, now.value)}`}
                </span>
              </span>
            ))}
          </span>
        )}
      </a>
    </li>
  );
}
