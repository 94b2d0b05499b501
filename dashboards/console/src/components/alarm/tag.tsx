import { CirclePause, RotateCcw, Settings } from "lucide-preact";
import type { ComponentChild } from "preact";

import { type Aside, asideOf } from "../../alarm-names.ts";
import type { Alarm } from "../../api.generated.ts";
import { t } from "../../i18n/language.ts";
import { shownState } from "../../zone-state.ts";
import { Glyph, StateTag } from "../glyph.tsx";

const icons = { shelved: CirclePause, suppressed: RotateCcw, "out-of-service": Settings } as const;

/** Shape and word of what is put aside. */
export function AsideTag({ aside }: { readonly aside: Aside }): ComponentChild {
  const Icon = icons[aside];
  return (
    <span class="state-tag is-aside">
      <Icon size={16} strokeWidth={2.4} aria-hidden="true" />
      {t(`alarm.${aside}`)}
    </span>
  );
}

/** How an alarm stands: its priority while it asks for somebody, how it is put aside, or that it is over. */
export function AlarmTag({ alarm }: { readonly alarm: Alarm }): ComponentChild {
  const aside = asideOf(alarm);
  if (aside !== undefined) return <AsideTag aside={aside} />;
  if (alarm.state !== "normal") return <StateTag state={shownState(alarm)} />;
  return (
    <span class="state-tag is-normal">
      <Glyph state="normal" />
      {t("alarm.normal")}
    </span>
  );
}

/** The other half: what a tag of priority does not say, and the priority where the tag says something else. */
export function alarmStateText(alarm: Alarm): string {
  const priority = t(`state.${alarm.priority}`);
  if (alarm.state === "normal" || asideOf(alarm) !== undefined) return priority;
  return t(`alarm.${alarm.state}`);
}
