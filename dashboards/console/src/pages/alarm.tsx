import { ArrowLeft, ChartLine } from "lucide-preact";
import type { ComponentChild } from "preact";

import type { AlarmDetail } from "../api.generated.ts";
import { api } from "../api.ts";
import { AlarmCard, zoneNameOf } from "../components/alarm-card.tsx";
import { ErrorBox, SimulatedBadge, Skeleton } from "../components/notices.tsx";
import { explain } from "../explain.ts";
import { exactTimeText } from "../format.ts";
import { t } from "../i18n/language.ts";
import { now } from "../now.ts";
import { useResource } from "../resource.ts";
import { linkTo } from "../router.ts";
import { timeZoneOf } from "../store.ts";
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
  const { alarm, events } = detail;
  const timeZone = timeZoneOf(alarm.siteId);
  const endMs = alarm.clearedMs ?? now.value;
  const room = Math.max(900_000, (endMs - alarm.onsetTimeMs) * 0.3);
  const range = writeRange({ kind: "fixed", fromMs: alarm.onsetTimeMs - room, toMs: endMs + room });
  return (
    <>
      <AlarmCard alarm={alarm} withLink={false} />
      <p class="below">
        <a class="button" href={linkTo(["site", alarm.siteId, "zone", alarm.zoneId], range)}>
          <ChartLine size={18} aria-hidden="true" />
          {t("alarm.toZone")}
        </a>
      </p>
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
              <span>{explain(event.explanation, timeZone, now.value)}</span>
            </li>
          ))}
        </ol>
        <p class="quiet is-small">
          {t("alarm.rule")}: {alarm.ruleId}
        </p>
      </section>
    </>
  );
}
