import type { ComponentChild } from "preact";

import type { CameraCourse as Course, CameraDay } from "../api.generated.ts";
import { api } from "../api.ts";
import { explain } from "../explain.ts";
import { dateText, decimal, durationText, exactTimeText } from "../format.ts";
import { t } from "../i18n/language.ts";
import { now } from "../now.ts";
import { useResource } from "../resource.ts";
import { timeZoneOf } from "../store.ts";
import { CameraLearningBox } from "./camera-learning.tsx";
import { EvidencePicture } from "./evidence.tsx";
import { ErrorBox, Skeleton } from "./notices.tsx";

const days = 30;
const barWidth = 6;
const barGap = 2;
const height = 40;

/** How a camera kept its operating hours over the last days, and its faults with pictures of before and after. */
export function CameraCourse(props: { readonly siteId: string; readonly cameraId: string }): ComponentChild {
  const { siteId, cameraId } = props;
  const { data, error, reload } = useResource(`camera ${siteId} ${cameraId}`, () =>
    api.cameraHealth(siteId, cameraId, days),
  );
  if (data === undefined) {
    return error === undefined ? <Skeleton rows={1} height={60} /> : <ErrorBox error={error} onRetry={reload} />;
  }
  const timeZone = timeZoneOf(siteId);
  return (
    <div class="camera-course">
      <Bars course={data} timeZone={timeZone} />
      <p class="quiet is-small">{summaryText(data)}</p>
      <Faults course={data} timeZone={timeZone} />
      <CameraLearningBox
        siteId={siteId}
        cameraId={cameraId}
        learning={data.learning}
        timeZone={timeZone}
        onAsked={reload}
      />
    </div>
  );
}

interface Part {
  readonly course: Course;
  readonly timeZone: string;
}

function Bars({ course, timeZone }: Part): ComponentChild {
  const width = course.days.length * (barWidth + barGap) - barGap;
  const first = course.days[0];
  return (
    <figure class="camera-days">
      <svg viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" role="img" aria-label={summaryText(course)}>
        {course.days.map((day, index) => (
          <Bar key={day.dayMs} day={day} x={index * (barWidth + barGap)} text={dayText(day, timeZone)} />
        ))}
      </svg>
      <figcaption class="quiet is-small">
        <span>{first === undefined ? "" : dateText(first.dayMs, timeZone)}</span>
        <span>{t("camera.today")}</span>
      </figcaption>
    </figure>
  );
}

function Bar({ day, x, text }: { readonly day: CameraDay; readonly x: number; readonly text: string }): ComponentChild {
  const { operatingMs, healthyMs, faultyMs } = day;
  if (operatingMs === 0) {
    return (
      <g>
        <title>{text}</title>
        <rect class="is-closed" x={x} y={height - 2} width={barWidth} height={2} />
      </g>
    );
  }
  const part = (ms: number): number => (ms / operatingMs) * height;
  // A fault of minutes is seen, too.
  const faulty = faultyMs === 0 ? 0 : Math.max(2, part(faultyMs));
  const healthy = Math.min(part(healthyMs), height - faulty);
  const unknown = Math.max(0, height - healthy - faulty);
  return (
    <g>
      <title>{text}</title>
      <rect class="is-unknown" x={x} y={0} width={barWidth} height={unknown} />
      <rect class="is-faulty" x={x} y={unknown} width={barWidth} height={faulty} />
      <rect class="is-healthy" x={x} y={unknown + faulty} width={barWidth} height={healthy} />
    </g>
  );
}

function dayText(day: CameraDay, timeZone: string): string {
  const date = dateText(day.dayMs, timeZone);
  if (day.share === null) return t("camera.day.closed", { date });
  const values = { date, percent: percentText(day.share), hours: durationText(day.operatingMs) };
  const parts = [t("camera.day", values)];
  if (day.longestOutageMs > 0) parts.push(t("camera.outage", { duration: durationText(day.longestOutageMs) }));
  if (day.unknownMs > 0) parts.push(t("camera.unknown", { duration: durationText(day.unknownMs) }));
  return parts.join(" · ");
}

function summaryText(course: Course): string {
  const sum = (of: (day: CameraDay) => number): number => course.days.reduce((total, day) => total + of(day), 0);
  const operatingMs = sum((day) => day.operatingMs);
  if (operatingMs === 0) return t("camera.course.none");
  const percent = percentText(sum((day) => day.healthyMs) / operatingMs);
  const parts = [
    t(course.operatingHours === null ? "camera.course.always" : "camera.course", { percent, days: course.days.length }),
  ];
  const longestMs = Math.max(...course.days.map((day) => day.longestOutageMs));
  if (longestMs > 0) parts.push(t("camera.outage", { duration: durationText(longestMs) }));
  const unknownMs = sum((day) => day.unknownMs);
  if (unknownMs > 0) parts.push(t("camera.unknown", { duration: durationText(unknownMs) }));
  return parts.join(" · ");
}

/** 100 % only when it is. */
function percentText(share: number): string {
  return share === 1 ? "100" : decimal(Math.min(99.9, share * 100));
}

function Faults({ course, timeZone }: Part): ComponentChild {
  if (course.faults.length === 0) return null;
  return (
    <details class="camera-faults">
      <summary>{t("camera.faults", { count: course.faults.length })}</summary>
      <ul class="plain">
        {course.faults.map((fault) => (
          <li key={`${fault.timeMs} ${fault.state}`}>
            <p>
              {explain(fault.explanation, timeZone, now.value)}
              <span class="quiet is-small">
                {exactTimeText(fault.timeMs, timeZone)} ·{" "}
                {fault.untilMs === null
                  ? t("camera.fault.still")
                  : t("camera.fault.lasted", { duration: durationText(fault.untilMs - fault.timeMs) })}
              </span>
            </p>
            {fault.evidence.length === 0 ? null : (
              <div class="camera-pictures">
                {fault.evidence.map((reference) => {
                  const name = t(reference.role === "before" ? "camera.before" : "camera.after");
                  return (
                    <figure key={`${reference.role} ${reference.sha256}`}>
                      <EvidencePicture reference={reference} alt={name} />
                      <figcaption class="quiet is-small">{name}</figcaption>
                    </figure>
                  );
                })}
              </div>
            )}
          </li>
        ))}
      </ul>
    </details>
  );
}
