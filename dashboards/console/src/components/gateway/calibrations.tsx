import { Pencil } from "lucide-preact";
import type { ComponentChild } from "preact";
import { useState } from "preact/hooks";

import type { CalibratedPoint, GatewayFile } from "../../api.generated.ts";
import { api } from "../../api.ts";
import { fieldText } from "../../form.ts";
import { dateText, unitText } from "../../format.ts";
import { localised, t } from "../../i18n/language.ts";
import { now } from "../../now.ts";
import { may, timeZoneOf } from "../../store.ts";
import { Glyph } from "../glyph.tsx";
import { RequestForm } from "./request.tsx";

/** Every point with its correction and when it must be calibrated again; the overdue first. */
export function Calibrations({ file }: { readonly file: GatewayFile }): ComponentChild {
  const dueOf = ({ calibration }: CalibratedPoint): number => calibration?.dueMs ?? Number.POSITIVE_INFINITY;
  const points = file.points.toSorted((a, b) => dueOf(a) - dueOf(b) || a.pointId.localeCompare(b.pointId));
  return (
    <section class="card">
      <h2>{t("gateway.points")}</h2>
      {points.length === 0 ? <p class="quiet">{t("gateway.points.none")}</p> : null}
      <ul class="plain">
        {points.map((point) => (
          <PointRow key={point.pointId} point={point} file={file} />
        ))}
      </ul>
    </section>
  );
}

function PointRow({ point, file }: { readonly point: CalibratedPoint; readonly file: GatewayFile }): ComponentChild {
  const [editing, setEditing] = useState(false);
  const { gatewayId, siteId, revokedMs } = file.gateway;
  const { calibration } = point;
  const name = localised(point.name);
  return (
    <li class="gateway-item">
      <div class="plain-row">
        <span class="point-name">
          {name}
          <span class="quiet is-small">
            {point.zoneName === null ? "" : `${localised(point.zoneName)} · `}
            {point.pointId}
          </span>
        </span>
        <span class="point-value">
          <span class="number">{correctionText(point)}</span>
          <Due dueMs={calibration?.dueMs ?? null} timeZone={timeZoneOf(siteId)} />
          {calibration?.certificate == null ? null : (
            <span class="quiet is-small">
              {t("gateway.point.certificate", { certificate: calibration.certificate })}
            </span>
          )}
        </span>
        {may("calibrate-points") && revokedMs === null ? (
          <button
            class="button is-icon is-quiet"
            type="button"
            aria-expanded={editing}
            aria-label={t("gateway.point.edit", { point: name })}
            onClick={() => setEditing(!editing)}
          >
            <Pencil size={18} aria-hidden="true" />
          </button>
        ) : null}
      </div>
      {editing ? <CalibrationForm point={point} gatewayId={gatewayId} onCancel={() => setEditing(false)} /> : null}
    </li>
  );
}

function correctionText({ calibration, unit }: CalibratedPoint): string {
  if (calibration === null || (calibration.offset === 0 && calibration.slope === 1)) {
    return t("gateway.point.uncorrected");
  }
  const { offset, slope } = calibration;
  const shift = offset === 0 ? "" : `${offset < 0 ? "−" : "+"} ${Math.abs(offset)} ${unitText(unit)}`;
  return slope === 1 ? shift : t("gateway.point.correction", { slope, offset: shift });
}

function Due({ dueMs, timeZone }: { readonly dueMs: number | null; readonly timeZone: string }): ComponentChild {
  if (dueMs === null) return <span class="quiet is-small">{t("gateway.point.noDue")}</span>;
  const date = dateText(dueMs, timeZone);
  if (dueMs > now.value) return <span class="quiet is-small">{t("gateway.point.due", { date })}</span>;
  return (
    <span class="state-tag is-warning is-small">
      <Glyph state="warning" />
      {t("gateway.point.overdue", { date })}
    </span>
  );
}

function CalibrationForm(props: {
  readonly point: CalibratedPoint;
  readonly gatewayId: string;
  readonly onCancel: () => void;
}): ComponentChild {
  const { point, gatewayId, onCancel } = props;
  const { pointId, calibration, unit } = point;
  const send = (form: HTMLFormElement, reason: string): Promise<unknown> => {
    const certificate = fieldText(form, "certificate").trim();
    const due = Date.parse(fieldText(form, "due"));
    return api.calibrate(gatewayId, {
      pointId,
      offset: Number(fieldText(form, "offset")),
      slope: Number(fieldText(form, "slope")),
      certificate: certificate === "" ? null : certificate,
      dueMs: Number.isNaN(due) ? null : due,
      reason,
    });
  };
  const due = calibration?.dueMs ?? null;
  return (
    <RequestForm
      name={`calibrate ${gatewayId} ${pointId}`}
      submit={t("gateway.point.save")}
      send={send}
      onCancel={onCancel}
    >
      <div class="form-columns">
        <label class="field">
          <span>{t("gateway.point.offset", { unit: unitText(unit) || "1" })}</span>
          <input
            class="input"
            name="offset"
            type="number"
            step="any"
            min="-1000"
            max="1000"
            required
            defaultValue={String(calibration?.offset ?? 0)}
          />
        </label>
        <label class="field">
          <span>{t("gateway.point.slope")}</span>
          <input
            class="input"
            name="slope"
            type="number"
            step="any"
            min="0.01"
            max="100"
            required
            defaultValue={String(calibration?.slope ?? 1)}
          />
        </label>
        <label class="field">
          <span>{t("gateway.point.certificateField")}</span>
          <input class="input" name="certificate" maxLength={200} defaultValue={calibration?.certificate ?? ""} />
        </label>
        <label class="field">
          <span>{t("gateway.point.dueField")}</span>
          <input
            class="input"
            name="due"
            type="date"
            defaultValue={due === null ? "" : new Date(due).toISOString().slice(0, 10)}
          />
        </label>
      </div>
    </RequestForm>
  );
}
