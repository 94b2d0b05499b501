import { ChevronRight } from "lucide-preact";
import type { ComponentChild } from "preact";

import { kindName, partNameOf, zoneNameOf } from "../../alarm-names.ts";
import type { Alarm } from "../../api.generated.ts";
import { timeText } from "../../format.ts";
import { t } from "../../i18n/language.ts";
import { now } from "../../now.ts";
import { linkTo } from "../../router.ts";
import { timeZoneOf } from "../../store.ts";
import { compareStates, shownState } from "../../zone-state.ts";
import { AlarmCard } from "./card.tsx";
import { alarmStateText, AlarmTag } from "./tag.tsx";

/** Alarms of one failure together, first-out first; what is not grouped stands alone. In the order of the first found. */
export function incidentsOf(alarms: readonly Alarm[]): readonly (readonly Alarm[])[] {
  const groups = Map.groupBy(alarms, (alarm) => `${alarm.siteId} ${alarm.incidentId ?? alarm.alarmId}`);
  return [...groups.values()].map((group) =>
    group.toSorted((a, b) => a.raisedMs - b.raisedMs || a.onsetTimeMs - b.onsetTimeMs),
  );
}

/** The one of an incident that needs a person most; of equals the first-out. */
export function leadOf(incident: readonly Alarm[]): Alarm | undefined {
  return incident.toSorted((a, b) => compareStates(shownState(a), shownState(b)) || a.raisedMs - b.raisedMs)[0];
}

/** One failure of a room: the alarm that needs a person most as a card, its other parts as lines. */
export function IncidentCard(props: {
  readonly alarms: readonly Alarm[];
  readonly withZone?: boolean;
}): ComponentChild {
  const { alarms, withZone = false } = props;
  const lead = leadOf(alarms);
  const first = alarms[0];
  if (lead === undefined || first === undefined) return null;
  if (alarms.length === 1) return <AlarmCard alarm={lead} withZone={withZone} />;
  const others = alarms.filter((alarm) => alarm !== lead);
  const time = timeText(first.raisedMs, timeZoneOf(first.siteId), now.value);
  return (
    <section class="incident" aria-label={`${zoneNameOf(lead)} · ${t("alarm.incident", { count: alarms.length })}`}>
      <header class="incident-head">
        <strong>{t("alarm.incident", { count: alarms.length })}</strong>
        <span class="quiet">{t("alarm.incident.first", { what: `${nameOf(first)}, ${time}` })}</span>
      </header>
      <AlarmCard alarm={lead} withZone={withZone} />
      <AlarmLines alarms={others} />
    </section>
  );
}

function nameOf(alarm: Alarm): string {
  const part = partNameOf(alarm);
  return part === "" ? kindName(alarm.ruleKind) : `${kindName(alarm.ruleKind)} (${part})`;
}

/** Alarms as lines that lead to their pages. */
export function AlarmLines({ alarms }: { readonly alarms: readonly Alarm[] }): ComponentChild {
  return (
    <ul class="alarm-lines">
      {alarms.map((alarm) => (
        <li key={alarm.alarmId}>
          <a class="alarm-line" href={linkTo(["alarms", alarm.alarmId])}>
            <AlarmTag alarm={alarm} />
            <span class="alarm-line-name">
              {nameOf(alarm)}
              <span class="quiet is-small">
                {alarmStateText(alarm)} · {timeText(alarm.raisedMs, timeZoneOf(alarm.siteId), now.value)}
              </span>
            </span>
            <ChevronRight size={16} aria-hidden="true" />
          </a>
        </li>
      ))}
    </ul>
  );
}
