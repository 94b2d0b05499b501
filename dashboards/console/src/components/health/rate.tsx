import type { ComponentChild } from "preact";

import type { AlarmHealth } from "../../api.generated.ts";
import { durationText, timeText } from "../../format.ts";
import { t } from "../../i18n/language.ts";
import { now } from "../../now.ts";

/** Alarms within ten minutes that make a flood. */
const floodCount = 10;
const height = 96;

/** Alarms by time as bars; where a bar is ten minutes, with the line of a flood. */
export function Rate({
  health,
  timeZone,
}: {
  readonly health: AlarmHealth;
  readonly timeZone: string;
}): ComponentChild {
  const { rate, fromMs, toMs, floods } = health;
  const most = Math.max(...rate.counts, 0);
  const isTenMinutes = rate.bucketMs === 600_000;
  const top = Math.max(most, isTenMinutes ? floodCount : 4);
  const text = t("health.rate.bucket", { duration: durationText(rate.bucketMs), most });
  return (
    <section class="card">
      <h2>{t("health.rate")}</h2>
      <svg
        class="rate"
        viewBox={`0 0 ${rate.counts.length} ${height}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={text}
      >
        {isTenMinutes ? (
          <line
            class="rate-flood"
            x1="0"
            x2={rate.counts.length}
            y1={height * (1 - floodCount / top)}
            y2={height * (1 - floodCount / top)}
          />
        ) : null}
        {rate.counts.map((count, index) =>
          count === 0 ? null : (
            <rect
              // oxlint-disable-next-line react/no-array-index-key -- a bar is its place in time
              key={index}
              class={isTenMinutes && count >= floodCount ? "is-flood" : undefined}
              x={index + 0.1}
              width="0.8"
              y={height * (1 - count / top)}
              height={(height * count) / top}
            />
          ),
        )}
      </svg>
      <p class="rate-axis quiet is-small">
        <span>{timeText(fromMs, timeZone, now.value)}</span>
        <span>{timeText(toMs, timeZone, now.value)}</span>
      </p>
      <p class="quiet is-small">{text}</p>
      {floods.map((flood) => (
        <p key={flood.fromMs} class="health-flood is-small">
          {t("health.flood", {
            count: flood.count,
            from: timeText(flood.fromMs, timeZone, now.value),
            to: timeText(flood.toMs, timeZone, now.value),
          })}
        </p>
      ))}
    </section>
  );
}
