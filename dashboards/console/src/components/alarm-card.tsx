import { Check, ChevronRight, Hourglass } from "lucide-preact";
import type { ComponentChild } from "preact";
import { useState } from "preact/hooks";

import type { AcknowledgementRequest, Alarm, ZoneState } from "../api.generated.ts";
import { api, RequestError } from "../api.ts";
import { explain } from "../explain.ts";
import { durationText, timeText } from "../format.ts";
import type { TextKey } from "../i18n/en.ts";
import { localised, t } from "../i18n/language.ts";
import { now } from "../now.ts";
import { linkTo } from "../router.ts";
import { changes, findZone, loadOverview, may, timeZoneOf } from "../store.ts";
import { Glyph, StateTag } from "./glyph.tsx";

const ruleTexts: Readonly<Record<string, TextKey>> = {
  limit: "alarm.limit",
  "no-data": "alarm.no-data",
  "camera-health": "alarm.camera-health",
};

/** Notes being typed, by alarm: kept when the card is drawn anew or left for a moment. */
const notes = new Map<string, string>();

/** How an alarm is shown: by its priority while it is there, calm once it is over. */
export function shownState(alarm: Alarm): ZoneState {
  if (alarm.state === "normal") return "normal";
  return alarm.state === "returned-unacknowledged" ? "warning" : alarm.priority;
}

export function zoneNameOf(alarm: { readonly siteId: string; readonly zoneId: string }): string {
  const row = findZone(alarm.siteId, alarm.zoneId);
  return row === undefined ? alarm.zoneId : localised(row.zone.name);
}

/** What happened, since when, how bad, who knows; and the button. */
export function AlarmCard(props: {
  readonly alarm: Alarm;
  readonly withZone?: boolean;
  readonly withLink?: boolean;
}): ComponentChild {
  const { alarm, withZone = false, withLink = true } = props;
  const timeZone = timeZoneOf(alarm.siteId);
  const nowMs = now.value;
  const endMs = alarm.clearedMs ?? alarm.returnedMs;
  const state = shownState(alarm);
  const zoneName = zoneNameOf(alarm);
  const lasting = durationText((endMs ?? nowMs) - alarm.onsetTimeMs);
  return (
    <article class={`card alarm-card is-${state}`}>
      <header class="alarm-head">
        {alarm.state === "normal" ? (
          <span class="state-tag is-normal">
            <Glyph state="normal" />
            {t("alarm.normal")}
          </span>
        ) : (
          <StateTag state={state} />
        )}
        <h3 class="alarm-title">
          {withZone ? `${zoneName} · ` : ""}
          {t(ruleTexts[alarm.ruleKind] ?? "alarm.other")}
        </h3>
        <span class="alarm-state">
          {alarm.state === "normal" ? t(`state.${alarm.priority}`) : t(`alarm.${alarm.state}`)}
        </span>
      </header>
      <p class="alarm-why">{explain(alarm.explanation, timeZone, nowMs)}</p>
      <div class="alarm-when">
        <p>
          {t("alarm.since", { time: timeText(alarm.onsetTimeMs, timeZone, nowMs) })}
          {" · "}
          {endMs === null ? t("alarm.lasts", { duration: lasting }) : t("alarm.lasted", { duration: lasting })}
        </p>
        {withLink ? (
          <a class="button is-quiet" href={linkTo(["alarms", alarm.alarmId])}>
            {t("alarm.details")}
            <ChevronRight size={16} aria-hidden="true" />
          </a>
        ) : null}
      </div>
      <footer class="alarm-foot">
        {alarm.acknowledgedMs === null ? null : (
          <p class="alarm-known">
            <Check size={16} aria-hidden="true" />
            {t("alarm.ackedBy", {
              actor: alarm.acknowledgedBy ?? "–",
              time: timeText(alarm.acknowledgedMs, timeZone, nowMs),
            })}
          </p>
        )}
        <Acknowledge alarm={alarm} zoneName={zoneName} />
      </footer>
    </article>
  );
}

function Acknowledge({ alarm, zoneName }: { readonly alarm: Alarm; readonly zoneName: string }): ComponentChild {
  const [note, setNote] = useState(notes.get(alarm.alarmId) ?? "");
  const [sending, setSending] = useState(false);
  const [asked, setAsked] = useState<AcknowledgementRequest | null>(null);
  const [error, setError] = useState<string | null>(null);
  if (alarm.state === "acknowledged" || alarm.state === "normal") return null;
  const requested = alarm.acknowledgeRequested ?? asked;
  if (requested !== null) {
    const time = timeText(requested.issuedAtMs, timeZoneOf(alarm.siteId), now.value);
    return (
      <p class="alarm-requested" role="status">
        <Hourglass size={16} aria-hidden="true" />
        {t("alarm.requested", { actor: requested.actor, time })}
      </p>
    );
  }
  if (!may("acknowledge-alarms")) return <p class="quiet">{t("alarm.viewer")}</p>;
  const send = async (event: Event): Promise<void> => {
    event.preventDefault();
    setSending(true);
    setError(null);
    try {
      setAsked(await api.acknowledge(alarm.alarmId, note));
      notes.delete(alarm.alarmId);
      changes.value += 1;
      void loadOverview();
    } catch (problem) {
      if (!(problem instanceof RequestError)) throw problem;
      if (problem.code === "already-acknowledged") void loadOverview();
      else setError(problem.status === "network" ? t("error.network") : t("error.other", { message: problem.message }));
    } finally {
      setSending(false);
    }
  };
  return (
    <form class="acknowledge" onSubmit={(event) => void send(event)}>
      <input
        class="input"
        value={note}
        maxLength={500}
        placeholder={t("alarm.comment")}
        aria-label={t("alarm.comment")}
        onInput={(event) => {
          setNote(event.currentTarget.value);
          notes.set(alarm.alarmId, event.currentTarget.value);
        }}
      />
      <button
        class="button is-main"
        type="submit"
        disabled={sending}
        aria-label={t("alarm.acknowledgeOne", { zone: zoneName })}
      >
        <Check size={18} aria-hidden="true" />
        {sending ? t("alarm.sending") : t("alarm.acknowledge")}
      </button>
      {error === null ? null : (
        <p class="form-error" role="alert">
          {error}
        </p>
      )}
    </form>
  );
}
