import { Activity } from "lucide-preact";
import type { ComponentChild } from "preact";

import { api } from "../api.ts";
import { AlarmCard } from "../components/alarm/card.tsx";
import { IncidentCard, incidentsOf, leadOf } from "../components/alarm/incident.tsx";
import { EmptyBox, ErrorBox, SimulatedBadge, Skeleton } from "../components/notices.tsx";
import { t } from "../i18n/language.ts";
import { useResource } from "../resource.ts";
import { currentLocation, linkTo } from "../router.ts";
import { compareStates, shownState } from "../zone-state.ts";

const shownAlarms = 100;

/** What needs a person, worst first; or everything that was, newest first. */
export function AlarmsPage(): ComponentChild {
  const showsAll = currentLocation.value.query["show"] === "all";
  const { data, error, reload } = useResource(`alarms ${showsAll}`, () =>
    api.alarms(showsAll ? { limit: shownAlarms } : { open: true, limit: shownAlarms }),
  );
  const alarms = data?.alarms ?? [];
  const incidents = incidentsOf(alarms)
    .map((group) => ({ group, lead: leadOf(group) }))
    .toSorted((a, b) => {
      if (a.lead === undefined || b.lead === undefined) return 0;
      return compareStates(shownState(a.lead), shownState(b.lead)) || b.lead.raisedMs - a.lead.raisedMs;
    });
  return (
    <>
      <header class="page-head">
        <h1>{t("alarm.title")}</h1>
        <nav class="segments" aria-label={t("alarm.title")}>
          <a href={linkTo(["alarms"])} aria-current={showsAll ? undefined : "true"}>
            {t("alarm.open")}
          </a>
          <a href={linkTo(["alarms"], { show: "all" })} aria-current={showsAll ? "true" : undefined}>
            {t("alarm.all")}
          </a>
        </nav>
        <SimulatedBadge />
        <a class="button page-head-act" href={linkTo(["alarm-health"])}>
          <Activity size={18} aria-hidden="true" />
          {t("health.open")}
        </a>
      </header>
      {error === undefined ? null : <ErrorBox error={error} onRetry={reload} />}
      {data === undefined && error === undefined ? <Skeleton rows={3} height={150} /> : null}
      {data !== undefined && alarms.length === 0 ? (
        <EmptyBox
          title={showsAll ? t("alarm.noneAtAll") : t("alarm.none")}
          {...(showsAll ? {} : { hint: t("alarm.noneHint") })}
        />
      ) : null}
      <div class="cards">
        {showsAll
          ? alarms.map((alarm) => <AlarmCard key={alarm.alarmId} alarm={alarm} withZone />)
          : incidents.map(({ group, lead }) => <IncidentCard key={lead?.alarmId} alarms={group} withZone />)}
      </div>
      {data?.truncated === true ? <p class="quiet">{t("alarm.more", { count: shownAlarms })}</p> : null}
    </>
  );
}
