import type { ComponentChild } from "preact";

import type { Point } from "../api.generated.ts";
import { ageText, decimal, isBinary, pointValue, unitText } from "../format.ts";
import { t } from "../i18n/language.ts";
import { now } from "../now.ts";
import { latestOf } from "../store.ts";
import { isStale } from "../zone-state.ts";

/** A point's newest value, live. Old values fade, missing ones are hatched: unknown never looks normal. */
export function LiveValue(props: {
  readonly siteId: string;
  readonly point: Point;
  readonly size?: "row" | "page";
}): ComponentChild {
  const { siteId, point, size = "row" } = props;
  const sample = latestOf(siteId, point.pointId).value;
  const stale = isStale(point, sample, now.value);
  if (sample === null || sample.value === null) {
    return (
      <span class={`value size-${size} is-missing`} title={sample?.reason ?? undefined}>
        <span class="value-number">—</span>
        <span class="visually-hidden">{t("value.none")}</span>
      </span>
    );
  }
  if (isBinary(point.quantity)) {
    return <span class={`value size-${size} ${stale ? "is-old" : ""}`}>{pointValue(point, sample.value)}</span>;
  }
  return (
    <span class={`value size-${size} ${stale ? "is-old" : ""}`}>
      <span class="value-number">{decimal(sample.value)}</span>
      <span class="value-unit">{unitText(point.unit)}</span>
    </span>
  );
}

/** How old the newest value is. */
export function LiveAge({ siteId, point }: { readonly siteId: string; readonly point: Point }): ComponentChild {
  const sample = latestOf(siteId, point.pointId).value;
  if (sample === null) return <span class="age is-old">{t("value.never")}</span>;
  const stale = isStale(point, sample, now.value);
  return <span class={`age ${stale ? "is-old" : ""}`}>{ageText(Math.max(0, now.value - sample.timeMs))}</span>;
}
