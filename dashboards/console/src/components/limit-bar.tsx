import type { ComponentChild } from "preact";

import type { LimitBand, Point, ZoneState } from "../api.generated.ts";
import { decimal, unitText } from "../format.ts";
import { t } from "../i18n/language.ts";
import { latestOf } from "../store.ts";
import { barRange } from "../zone-state.ts";

/** Limits in words, e.g. "at most −18.0 °C". */
export function limitsText(limits: LimitBand, unit: string): string {
  const shown = (value: number): string => `${decimal(value)} ${unitText(unit)}`;
  if (limits.low !== null && limits.high !== null) {
    return t("limits.between", { low: decimal(limits.low), high: shown(limits.high) });
  }
  if (limits.high !== null) return t("limits.atMost", { high: shown(limits.high) });
  return limits.low === null ? t("limits.none") : t("limits.atLeast", { low: shown(limits.low) });
}

/** Where the newest value stands within the limits of its room. */
export function LimitBar(props: {
  readonly siteId: string;
  readonly point: Point;
  readonly limits: LimitBand;
  readonly state: ZoneState;
}): ComponentChild {
  const { siteId, point, limits, state } = props;
  const value = latestOf(siteId, point.pointId).value?.value ?? null;
  const range = barRange(limits);
  const at = (mark: number): number =>
    Math.min(100, Math.max(0, (100 * (mark - range.low)) / (range.high - range.low)));
  const from = limits.low === null ? 0 : at(limits.low);
  const to = limits.high === null ? 100 : at(limits.high);
  return (
    <span
      class={`limit-bar is-${state}`}
      role="img"
      aria-label={`${t("limits.label")}: ${limitsText(limits, point.unit)}`}
    >
      <span class="limit-track">
        <span class="limit-allowed" style={{ left: `${from}%`, width: `${to - from}%` }} />
        {limits.criticalHigh === null ? null : (
          <span class="limit-critical" style={{ left: `${at(limits.criticalHigh)}%` }} />
        )}
        {limits.criticalLow === null ? null : (
          <span class="limit-critical" style={{ left: `${at(limits.criticalLow)}%` }} />
        )}
        {value === null ? null : <span class="limit-value" style={{ left: `${at(value)}%` }} />}
      </span>
      <span class="limit-labels" aria-hidden="true">
        {limits.low === null ? null : <span style={{ left: `${from}%` }}>{decimal(limits.low, 0)}</span>}
        {limits.high === null ? null : <span style={{ left: `${to}%` }}>{decimal(limits.high, 0)}</span>}
      </span>
    </span>
  );
}
