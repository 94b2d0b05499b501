import { ArrowLeft, ChartLine } from "lucide-preact";
import type { ComponentChild } from "preact";

import { requestText, zoneNameOf } from "../alarm-names.ts";
import type { AlarmDetail } from "../api.generated.ts";
import { api } from "../api.ts";
import { AlarmCard } from "../components/alarm/card.tsx";
import { AlarmLines } from "../components/alarm/incident.tsx";
import { Why } from "../components/alarm/why.tsx";
import { ErrorBox, SimulatedBadge, Skeleton } from "../components/notices.tsx";
import { explain } from "../explain.ts";
import { exactTimeText } from "../format.ts";
import { t } from "../i18n/language.ts";
import { now } from "../now.ts";
import { useResource } from "../resource.ts";
import { linkTo } from "../router.ts";
import { findZone, timeZoneOf } from "../store.ts";
import { writeRange } from "../time-range.ts";

/** Why: one alarm and every step of its life. */
export function AlarmPage({ alarmId }: { readonly alarmId: string }): ComponentChild {
  const { data, error, reload } = useResource(`alarm ${alarmId}`, () => api.alarm(alarmId));
  return (
    <>
      <header class="page-head">
        <button type="button" class="button is-icon" aria-label={t("app.back")} onClick={() => history.back()}>
          <ArrowLeft size={20} aria-hidden="true" />
        </button>
        <h1>{data === undefined ? t("alarm.other") : zoneNameOf(data.alarm)}</h1>
        <SimulatedBadge />
      </header>
      {error === undefined ? null : <ErrorBox error={error} onRetry={reload} />}
      {data === undefined && error === undefined ? <Skeleton rows={2} height={150} /> : null}
      {data === undefined ? null : <Detail detail={data} />}
    </>
  );
}

function Detail({ detail }: { readonly detail: AlarmDetail }): ComponentChild {
  const { alarm, events, incident, requests } = detail;
  const others = incident.filter(({ alarmId }) => alarmId !== alarm.alarmId);
  const refused = requests.filter(({ status }) => status !== "pending" && status !== "done");
  const timeZone = timeZoneOf(alarm.siteId);
  const endMs = alarm.clearedMs ?? now.value;
  const room = Math.max(900_000, (endMs - alarm.onsetTimeMs) * 0.3);
  const range = writeRange({ kind: "fixed", fromMs: alarm.onsetTimeMs - room, toMs: endMs + room });
  return (
    <>
      <AlarmCard alarm={alarm} withLink={false} />
      {findZone(alarm.siteId, alarm.zoneId) === undefined ? null : (
        <p class="below">
          <a class="button" href={linkTo(["site", alarm.siteId, "zone", alarm.zoneId], range)}>
            <ChartLine size={18} aria-hidden="true" />
            {t("alarm.toZone")}
          </a>
        </p>
      )}
      <Why alarm={alarm} />
      {others.length === 0 ? null : (
        <section class="section">
          <h2>{t("alarm.incident.parts", { count: others.length })}</h2>
          <AlarmLines alarms={others} />
        </section>
      )}
      {refused.length === 0 ? null : (
        <section class="section">
          <h2>{t("alarm.requests")}</h2>
          <ul class="plain">
            {refused.map((request) => (
              <li key={request.commandId} class="alarm-refused">
                <span class="life-time">{exactTimeText(request.finishedMs ?? request.issuedAtMs, timeZone)}</span>
                {requestText(request, timeZone, now.value)}
              </li>
            ))}
          </ul>
        </section>
      )}
      <section class="section">
        <h2>{t("alarm.life")}</h2>
        <ol class="life">
          {events.map((event) => (
            <li key={event.eventId} class={`life-step is-${event.transition === "raised" ? event.priority : "normal"}`}>
              <span class="life-time">{exactTimeText(event.timeMs, timeZone)}</span>
              <strong>
                {t(`alarm.transition.${event.transition}`)}
                {event.actor === null ? "" : ` · ${event.actor}`}
              </strong>
              <span class="life-words">
                <span>{explain(event.explanation, timeZone, now.value)}</span>
                {event.context?.map((one, index) => (
                  <span key={`${one.code} ${index}`} class="quiet is-small">
                    {explain(one, timeZone, now.value)}
                  </span>
                ))}
              </span>
            </li>
          ))}
        </ol>
      </section>
    </>
  );
}
