import { CheckCheck, CirclePause, Eye, Undo2 } from "lucide-preact";
import type { ComponentChild } from "preact";
import { useState } from "preact/hooks";

import type { Alarm } from "../../api.generated.ts";
import { api } from "../../api.ts";
import { fieldText } from "../../form.ts";
import { t } from "../../i18n/language.ts";
import { now } from "../../now.ts";
import { loadOverview, may } from "../../store.ts";
import { shownState } from "../../zone-state.ts";
import { RequestForm } from "../gateway/request.tsx";
import { Glyph } from "../glyph.tsx";

type Act = "done" | "shelve" | "unshelve" | "reset";

const icons = { done: CheckCheck, shelve: CirclePause, unshelve: Undo2, reset: Eye } as const;
const requestKinds = {
  done: "alarm-action-done",
  shelve: "shelve-alarm",
  unshelve: "unshelve-alarm",
  reset: "reset-alarm",
} as const;

/** What this person may do to this alarm now, besides acknowledging it. */
function actsFor(alarm: Alarm): readonly Act[] {
  const { state } = alarm;
  if (state === "normal" || alarm.ruleKind === "gateway-silent") return [];
  const acts: Act[] = may("acknowledge-alarms") ? ["done"] : [];
  if (may("shelve-alarms")) {
    if (state === "shelved") acts.push("unshelve");
    else if (state !== "suppressed" && state !== "out-of-service") acts.push("shelve");
    if (state.startsWith("latched-")) acts.push("reset");
  }
  return acts.filter((act) => !alarm.requests.some(({ kind }) => kind === requestKinds[act]));
}

/** The acts as buttons; each opens its form in place. */
export function Acts({ alarm, name }: { readonly alarm: Alarm; readonly name: string }): ComponentChild {
  const [open, setOpen] = useState<Act | null>(null);
  const acts = actsFor(alarm);
  const shown = open !== null && acts.includes(open) ? open : null;
  if (acts.length === 0) return null;
  const close = (): void => setOpen(null);
  const asked = (): void => {
    close();
    void loadOverview();
  };
  return (
    <div class="acts">
      <div class="acts-buttons">
        {acts.map((act) => {
          const Icon = icons[act];
          return (
            <button
              key={act}
              type="button"
              class="button"
              aria-expanded={shown === act}
              aria-label={`${t(`alarm.act.${act}`)} · ${name}`}
              onClick={() => setOpen(shown === act ? null : act)}
            >
              <Icon size={18} aria-hidden="true" />
              {t(`alarm.act.${act}`)}
            </button>
          );
        })}
      </div>
      {shown === null ? null : <ActForm key={shown} act={shown} alarm={alarm} onCancel={close} onAsked={asked} />}
    </div>
  );
}

function ActForm(props: {
  readonly act: Act;
  readonly alarm: Alarm;
  readonly onCancel: () => void;
  readonly onAsked: () => void;
}): ComponentChild {
  const { act, alarm, onCancel, onAsked } = props;
  const { alarmId } = alarm;
  const shared = { name: `${act} ${alarmId}`, submit: t(`alarm.act.${act}`), onCancel, onAsked };
  if (act === "shelve") return <ShelveForm alarm={alarm} shared={shared} />;
  if (act === "done") {
    return (
      <RequestForm
        {...shared}
        reasonLabel={t("alarm.act.note")}
        isReasonOptional
        send={(_, note) => api.alarmActionDone(alarmId, note)}
      >
        <p class="quiet">{t("alarm.act.doneHint")}</p>
      </RequestForm>
    );
  }
  const send = act === "unshelve" ? api.unshelve : api.resetAlarm;
  return (
    <RequestForm {...shared} send={(_, reason) => send(alarmId, reason)}>
      {act === "reset" ? <p class="quiet">{t("alarm.act.resetHint")}</p> : null}
    </RequestForm>
  );
}

const minuteMs = 60_000;
/** Up to an hour for critical alarms, a day for others; a little less, for clocks that differ and the way to the gateway. */
const shelfMinutes = { critical: [15, 30, 55], other: [30, 60, 240, 480, 1380] } as const;

function shelfText(minutes: number): string {
  return minutes < 60 ? t("alarm.act.minutes", { n: minutes }) : t("alarm.act.hours", { n: minutes / 60 });
}

function ShelveForm(props: {
  readonly alarm: Alarm;
  readonly shared: {
    readonly name: string;
    readonly submit: string;
    readonly onCancel: () => void;
    readonly onAsked: () => void;
  };
}): ComponentChild {
  const { alarm, shared } = props;
  const isCritical = alarm.priority === "critical";
  const choices: readonly number[] = isCritical ? shelfMinutes.critical : shelfMinutes.other;
  const [minutes, setMinutes] = useState(choices[0] ?? 30);
  const send = (form: HTMLFormElement, reason: string): Promise<unknown> =>
    api.shelve(alarm.alarmId, {
      untilMs: Math.round(now.value + minutes * minuteMs),
      oneShot: fieldText(form, "oneShot") === "on",
      reason,
      acceptCritical: fieldText(form, "acceptCritical") === "on",
    });
  return (
    <RequestForm {...shared} send={send}>
      <p class={isCritical ? "acts-warning is-critical" : "quiet"}>
        {isCritical ? <Glyph state={shownState(alarm)} /> : null}
        {t(isCritical ? "alarm.act.shelveCriticalHint" : "alarm.act.shelveHint")}
      </p>
      <div class="field">
        <span>{t("alarm.act.for")}</span>
        <div class="segments" role="group" aria-label={t("alarm.act.for")}>
          {choices.map((choice) => (
            <button
              key={choice}
              type="button"
              aria-pressed={choice === minutes}
              onClick={() => {
                setMinutes(choice);
              }}
            >
              {shelfText(choice)}
            </button>
          ))}
        </div>
      </div>
      <label class="check">
        <input type="checkbox" name="oneShot" />
        {t("alarm.act.oneShot")}
      </label>
      {isCritical ? (
        <label class="check">
          <input type="checkbox" name="acceptCritical" required />
          {t("alarm.act.acceptCritical")}
        </label>
      ) : null}
    </RequestForm>
  );
}
