import { Check, CheckCheck, ChevronRight, Hourglass } from "lucide-preact";
import type { ComponentChild } from "preact";
import { useState } from "preact/hooks";

import { asideOf, kindName, partNameOf, zoneNameOf } from "../../alarm-names.ts";
import type { AcknowledgementRequest, Alarm } from "../../api.generated.ts";
import { api, RequestError } from "../../api.ts";
import { explain } from "../../explain.ts";
import { durationText, timeText } from "../../format.ts";
import { t } from "../../i18n/language.ts";
import { now } from "../../now.ts";
import { linkTo } from "../../router.ts";
import { changes, loadOverview, may, timeZoneOf } from "../../store.ts";
import { shownState } from "../../zone-state.ts";
import { Acts } from "./acts.tsx";
import { alarmStateText, AlarmTag } from "./tag.tsx";
import { ProductEstimate } from "./why.tsx";

/** Notes being typed, by alarm: kept when the card is drawn anew or left for a moment. */
const notes = new Map<string, string>();

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
  const part = partNameOf(alarm);
  const lasting = durationText((endMs ?? nowMs) - alarm.onsetTimeMs);
  return (
    <article class={`card alarm-card is-${state}`}>
      <header class="alarm-head">
        <AlarmTag alarm={alarm} />
        <h3 class="alarm-title">
          {withZone ? `${zoneName} · ` : ""}
          {kindName(alarm.ruleKind)}
          {part === "" ? null : <span class="alarm-part"> · {part}</span>}
        </h3>
        <span class="alarm-state">{alarmStateText(alarm)}</span>
      </header>
      <p class="alarm-why">{explain(alarm.explanation, timeZone, nowMs)}</p>
      <ProductEstimate context={alarm.context} />
      <PutAside alarm={alarm} />
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
        {alarm.actionDone === null ? null : (
          <p class="alarm-known">
            <CheckCheck size={16} aria-hidden="true" />
            {t("alarm.done", {
              actor: alarm.actionDone.actor ?? "–",
              time: timeText(alarm.actionDone.timeMs, timeZone, nowMs),
            })}
          </p>
        )}
        <Acknowledge alarm={alarm} zoneName={zoneName} />
        <Pending alarm={alarm} />
        <Acts alarm={alarm} name={zoneName} />
      </footer>
    </article>
  );
}

/** Why it is quiet, who said so, until when; and that it is watched all the same. */
function PutAside({ alarm }: { readonly alarm: Alarm }): ComponentChild {
  if (asideOf(alarm) === undefined) return null;
  const timeZone = timeZoneOf(alarm.siteId);
  const { aside, untilMs, condition } = alarm;
  return (
    <div class="alarm-aside">
      {aside?.explanation == null ? null : <p>{explain(aside.explanation, timeZone, now.value)}</p>}
      <p class="quiet">
        {[
          aside?.actor == null ? t("alarm.aside.design") : t("alarm.aside.by", { actor: aside.actor }),
          ...(untilMs === null ? [] : [t("alarm.until", { time: timeText(untilMs, timeZone, now.value) })]),
        ].join(" · ")}
      </p>
      <p class="quiet">
        {condition === null ? "" : `${t(condition ? "alarm.condition.holds" : "alarm.condition.gone")} `}
        {t("alarm.aside.watched")}
      </p>
    </div>
  );
}

/** What was asked for and the gateway has not confirmed, besides the acknowledgement. */
function Pending({ alarm }: { readonly alarm: Alarm }): ComponentChild {
  return alarm.requests
    .filter(({ kind }) => kind !== "acknowledge-alarm")
    .map(({ commandId, kind, actor, issuedAtMs }) => (
      <p key={commandId} class="alarm-requested" role="status">
        <Hourglass size={16} aria-hidden="true" />
        {t("alarm.request.pending", {
          actor,
          what: t(`alarm.request.${kind}`),
          time: timeText(issuedAtMs, timeZoneOf(alarm.siteId), now.value),
        })}
      </p>
    ));
}

const toAcknowledge: ReadonlySet<Alarm["state"]> = new Set([
  "unacknowledged",
  "returned-unacknowledged",
  "latched-unacknowledged",
]);

function Acknowledge({ alarm, zoneName }: { readonly alarm: Alarm; readonly zoneName: string }): ComponentChild {
  const [note, setNote] = useState(notes.get(alarm.alarmId) ?? "");
  const [sending, setSending] = useState(false);
  const [asked, setAsked] = useState<AcknowledgementRequest | null>(null);
  const [error, setError] = useState<string | null>(null);
  if (!toAcknowledge.has(alarm.state)) return null;
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
