import { Settings } from "lucide-preact";
import type { ComponentChild } from "preact";
import { useState } from "preact/hooks";

import type { OutOfService } from "../api.generated.ts";
import { api } from "../api.ts";
import { fieldText } from "../form.ts";
import { timeText } from "../format.ts";
import { localised, t } from "../i18n/language.ts";
import { now } from "../now.ts";
import { may, type ZoneRow } from "../store.ts";
import { RequestForm } from "./gateway/request.tsx";

const hourMs = 3_600_000;
const serviceHours = [1, 4, 8, 24, 72, 168, 672] as const;
const purposes = ["maintenance", "calibration", "other"] as const;

function hoursText(hours: number): string {
  return hours < 24 ? t("alarm.act.hours", { n: hours }) : t("alarm.act.days", { n: hours / 24 });
}

function targetName({ zone }: ZoneRow, { kind, id }: OutOfService["target"]): string {
  if (kind === "zone") return t("service.of.zone");
  const point = zone.points.find(({ pointId }) => kind === "point" && pointId === id);
  if (point !== undefined) return t("service.of.point", { name: `${localised(point.name)} ${point.pointId}` });
  const camera = zone.cameras.find(({ cameraId }) => kind === "camera" && cameraId === id);
  return t(`service.of.${kind}`, { name: camera === undefined ? id : localised(camera.name) });
}

/** What of a room nobody watches now, by whom and until when; for those who may, taking it out and back. */
export function Service({ row }: { readonly row: ZoneRow }): ComponentChild {
  const { site, zone } = row;
  const [isOpen, setOpen] = useState(false);
  const mayChange = may("set-service");
  if (zone.outOfService.length === 0 && !mayChange) return null;
  return (
    <section class="card service">
      <h2>{t("service.title")}</h2>
      <ul class="plain">
        {zone.outOfService.map((one) => (
          <Stopped key={`${one.target.kind} ${one.target.id}`} row={row} stopped={one} />
        ))}
      </ul>
      {mayChange && !isOpen ? (
        <button type="button" class="button" onClick={() => setOpen(true)}>
          <Settings size={18} aria-hidden="true" />
          {t("service.stop")}
        </button>
      ) : null}
      {mayChange && isOpen ? (
        <StopForm key={`${site.siteId} ${zone.zoneId}`} row={row} onCancel={() => setOpen(false)} />
      ) : null}
    </section>
  );
}

function Stopped({ row, stopped }: { readonly row: ZoneRow; readonly stopped: OutOfService }): ComponentChild {
  const [isOpen, setOpen] = useState(false);
  const { site } = row;
  const { target, untilMs, actor, purpose, reason } = stopped;
  const name = targetName(row, target);
  const time = timeText(untilMs, site.timeZone, now.value);
  return (
    <li class="service-item">
      <span class="state-tag is-aside">
        <Settings size={16} strokeWidth={2.4} aria-hidden="true" />
        {name}
      </span>
      <p>{t("service.until", { purpose: t(`service.purpose.${purpose}`), time, actor, reason })}</p>
      {may("set-service") && !isOpen ? (
        <button type="button" class="button is-quiet" onClick={() => setOpen(true)}>
          {t("service.restore")}
        </button>
      ) : null}
      {isOpen ? (
        <RequestForm
          name={`restore ${site.siteId} ${target.kind} ${target.id}`}
          submit={t("service.restore")}
          send={(_, why) => api.setService(site.siteId, { inService: true, target, reason: why })}
          onCancel={() => setOpen(false)}
        />
      ) : null}
    </li>
  );
}

function StopForm({ row, onCancel }: { readonly row: ZoneRow; readonly onCancel: () => void }): ComponentChild {
  const { site, zone } = row;
  const targets: readonly OutOfService["target"][] = [
    { kind: "zone", id: zone.zoneId },
    ...zone.points.map(({ pointId }) => ({ kind: "point" as const, id: pointId })),
    ...zone.cameras.map(({ cameraId }) => ({ kind: "camera" as const, id: cameraId })),
  ];
  const send = (form: HTMLFormElement, reason: string): Promise<unknown> => {
    const target = targets[Number(fieldText(form, "target"))] ?? { kind: "zone", id: zone.zoneId };
    const purpose = purposes.find((one) => one === fieldText(form, "purpose")) ?? "other";
    const untilMs = Math.round(now.value + Number(fieldText(form, "hours")) * hourMs);
    return api.setService(site.siteId, { inService: false, target, purpose, untilMs, reason });
  };
  return (
    <RequestForm name={`stop ${site.siteId} ${zone.zoneId}`} submit={t("service.stop")} send={send} onCancel={onCancel}>
      <p class="quiet">{t("service.hint")}</p>
      <label class="field">
        <span>{t("service.what")}</span>
        <select class="input" name="target">
          {targets.map((target, index) => (
            <option key={`${target.kind} ${target.id}`} value={index}>
              {targetName(row, target)}
            </option>
          ))}
        </select>
      </label>
      <div class="form-columns">
        <label class="field">
          <span>{t("service.purpose")}</span>
          <select class="input" name="purpose">
            {purposes.map((purpose) => (
              <option key={purpose} value={purpose}>
                {t(`service.purpose.${purpose}`)}
              </option>
            ))}
          </select>
        </label>
        <label class="field">
          <span>{t("alarm.act.for")}</span>
          <select class="input" name="hours">
            {serviceHours.map((hours) => (
              <option key={hours} value={hours}>
                {hoursText(hours)}
              </option>
            ))}
          </select>
        </label>
      </div>
    </RequestForm>
  );
}
