import { ArrowLeft } from "lucide-preact";
import type { ComponentChild } from "preact";

import { api } from "../api.ts";
import { AlarmCard } from "../components/alarm/card.tsx";
import { IncidentCard, incidentsOf } from "../components/alarm/incident.tsx";
import { AsideTag } from "../components/alarm/tag.tsx";
import { CameraCourse } from "../components/camera-course.tsx";
import { StateTag } from "../components/glyph.tsx";
import { LimitBar, limitsText } from "../components/limit-bar.tsx";
import { EmptyBox, ErrorBox, SimulatedBadge, Skeleton } from "../components/notices.tsx";
import { Service } from "../components/service.tsx";
import { LiveAge, LiveValue } from "../components/values.tsx";
import { ZoneCourse } from "../components/zone-course.tsx";
import { decimal, unitText } from "../format.ts";
import { localised, t } from "../i18n/language.ts";
import { useResource } from "../resource.ts";
import { linkTo } from "../router.ts";
import { findZone, latestOf, overview, overviewError, type ZoneRow } from "../store.ts";
import { beyondLimits } from "../zone-state.ts";
import { CameraHealth } from "./cameras.tsx";

/** What: one room with its course, its alarms, its points and cameras. */
export function ZonePage({ siteId, zoneId }: { readonly siteId: string; readonly zoneId: string }): ComponentChild {
  const row = findZone(siteId, zoneId);
  if (row !== undefined) return <Room row={row} />;
  if (overview.value === null) {
    return overviewError.value === null ? <Skeleton rows={3} height={160} /> : <ErrorBox error={overviewError.value} />;
  }
  return (
    <EmptyBox title={t("error.notFound")}>
      <a class="button" href={linkTo([])}>
        {t("app.toOverview")}
      </a>
    </EmptyBox>
  );
}

function Room({ row }: { readonly row: ZoneRow }): ComponentChild {
  const { site, zone, state } = row;
  const isStopped = zone.outOfService.some(({ target }) => target.kind === "zone");
  const headline = zone.points.find((point) => point.pointId === zone.headlinePointId);
  return (
    <>
      <header class="page-head">
        <a class="button is-icon" href={linkTo([])} aria-label={t("app.toOverview")}>
          <ArrowLeft size={20} aria-hidden="true" />
        </a>
        <h1>{localised(zone.name)}</h1>
        {isStopped ? <AsideTag aside="out-of-service" /> : null}
        {isStopped && state === "normal" ? null : <StateTag state={state} />}
        <SimulatedBadge siteId={site.siteId} />
        {site.name === null ? null : <span class="page-head-count">{localised(site.name)}</span>}
      </header>
      <div class="room">
        <div class="room-main">
          {headline === undefined ? null : (
            <section class="card room-value">
              <div class="room-number">
                <LiveValue siteId={site.siteId} point={headline} size="page" />
                <LiveAge siteId={site.siteId} point={headline} />
                <Beyond row={row} />
              </div>
              <div class="room-limits">
                <LimitBar siteId={site.siteId} point={headline} limits={zone.limits} state={state} />
                <p class="quiet is-small">
                  {t("limits.label")}: {limitsText(zone.limits, headline.unit)}
                  {zone.limitsSource === "" ? "" : ` · ${t("limits.source", { source: zone.limitsSource })}`}
                </p>
              </div>
            </section>
          )}
          {incidentsOf(zone.alarms).map((group) => (
            <IncidentCard key={group[0]?.alarmId} alarms={group} />
          ))}
          <ZoneCourse site={site} zone={zone} />
        </div>
        <aside class="room-side">
          <Points row={row} />
          {zone.cameras.length === 0 ? null : (
            <section class="card">
              <h2>{t("zone.cameras")}</h2>
              <ul class="plain">
                {zone.cameras.map((camera) => (
                  <li key={camera.cameraId}>
                    <div class="plain-row">
                      <a href={linkTo(["cameras"])}>{localised(camera.name)}</a>
                      <CameraHealth health={camera.health} siteId={site.siteId} />
                    </div>
                    <CameraCourse siteId={site.siteId} cameraId={camera.cameraId} />
                  </li>
                ))}
              </ul>
            </section>
          )}
          <Service row={row} />
          <History row={row} />
        </aside>
      </div>
    </>
  );
}

/** How far the value is outside its limits, in words. */
function Beyond({ row }: { readonly row: ZoneRow }): ComponentChild {
  const { site, zone } = row;
  const headline = zone.points.find((point) => point.pointId === zone.headlinePointId);
  if (headline?.quantity !== "temperature") return null;
  const value = latestOf(site.siteId, headline.pointId).value?.value ?? null;
  const beyond = value === null ? 0 : beyondLimits(zone.limits, value);
  if (beyond === 0) return null;
  const delta = `${decimal(Math.abs(beyond))} ${unitText(headline.unit)}`;
  return <span class="room-beyond">{t(beyond > 0 ? "limits.away" : "limits.below", { delta })}</span>;
}

function Points({ row }: { readonly row: ZoneRow }): ComponentChild {
  const { site, zone } = row;
  return (
    <section class="card">
      <h2>{t("zone.points")}</h2>
      <ul class="plain">
        {zone.points.map((point) => {
          const quality = latestOf(site.siteId, point.pointId).value?.quality;
          return (
            <li key={point.pointId} class="plain-row">
              <span class="point-name">
                {localised(point.name)}
                <span class="quiet is-small">
                  {point.probeRole === null ? point.pointId : t(`zone.${point.probeRole}`)}
                  {quality === undefined || quality === "good" ? "" : ` · ${t(`quality.${quality}`)}`}
                </span>
              </span>
              <span class="point-value">
                <LiveValue siteId={site.siteId} point={point} />
                <LiveAge siteId={site.siteId} point={point} />
              </span>
            </li>
          );
        })}
      </ul>
    </section>
  );
}

/** The last alarms of this room that are over. */
function History({ row }: { readonly row: ZoneRow }): ComponentChild {
  const { site, zone } = row;
  const { data } = useResource(`history ${site.siteId} ${zone.zoneId}`, () =>
    api.alarms({ siteId: site.siteId, zoneId: zone.zoneId, open: false, limit: 5 }),
  );
  const over = data?.alarms ?? [];
  if (over.length === 0) return null;
  return (
    <section class="section">
      <h2>{t("zone.history")}</h2>
      <div class="cards">
        {over.map((alarm) => (
          <AlarmCard key={alarm.alarmId} alarm={alarm} />
        ))}
      </div>
    </section>
  );
}
