import type { ComponentChild } from "preact";
import { useState } from "preact/hooks";

import type { GatewayFile } from "../../api.generated.ts";
import { api, RequestError } from "../../api.ts";
import { explain } from "../../explain.ts";
import { durationText, timeText } from "../../format.ts";
import { t } from "../../i18n/language.ts";
import { now } from "../../now.ts";
import { changes, loadOverview, may, timeZoneOf } from "../../store.ts";
import { Glyph } from "../glyph.tsx";
import { RequestForm } from "./request.tsx";

/** The gateway renews in the last third; with less than this part left something is wrong. */
const latePart = 1 / 4;

/** Certificates of devices that somebody must look at. */
export function Approvals({ file }: { readonly file: GatewayFile }): ComponentChild {
  if (file.approvals.length === 0) return null;
  const { gatewayId, siteId } = file.gateway;
  return (
    <section class="card is-wanted">
      <h2>
        <Glyph state="warning" /> {t("gateway.approvals")}
      </h2>
      <p class="quiet">{t("gateway.approvals.hint")}</p>
      {file.approvals.map(({ sourceId, fingerprintSha256, explanation }) => (
        <div class="gateway-item" key={`${sourceId} ${fingerprintSha256}`}>
          <strong>{sourceId}</strong>
          <p>{explain(explanation, timeZoneOf(siteId), now.value)}</p>
          <code class="hash">{fingerprintSha256.toUpperCase().replaceAll(/(..)(?=.)/g, "$1:")}</code>
          {may("administer") ? (
            <RequestForm
              name={`approve ${gatewayId} ${fingerprintSha256}`}
              submit={t("gateway.approve", { source: sourceId })}
              reasonLabel={t("gateway.approve.reason")}
              send={(_, reason) => api.approveCertificate(gatewayId, { sourceId, fingerprintSha256, reason })}
            />
          ) : null}
        </div>
      ))}
    </section>
  );
}

/** The gateway's own certificate: how long it still lasts. */
export function CertificateCard({ file }: { readonly file: GatewayFile }): ComponentChild {
  const timeZone = timeZoneOf(file.gateway.siteId);
  const [newest, ...earlier] = file.certificates;
  return (
    <section class="card">
      <h2>{t("gateway.certificate")}</h2>
      {newest === undefined ? (
        <p class="quiet">{t("gateway.certificate.none")}</p>
      ) : (
        <dl class="facts">
          <dt>{t("gateway.certificate.validTo")}</dt>
          <dd>
            {timeText(newest.notAfterMs, timeZone, now.value)}
            <CertificateState certificate={newest} timeZone={timeZone} />
          </dd>
          <dt>{t("gateway.certificate.fingerprint")}</dt>
          <dd>
            <code class="hash">{newest.fingerprintSha256}</code>
          </dd>
        </dl>
      )}
      {earlier.length === 0 ? null : (
        <details>
          <summary>{t("gateway.certificate.earlier", { count: earlier.length })}</summary>
          <ul class="gateway-parts">
            {earlier.map((certificate) => (
              <li key={certificate.serial}>
                {timeText(certificate.issuedMs, timeZone, now.value)} · <code>{certificate.serial.slice(0, 16)}</code>
                {certificate.revokedMs === null
                  ? null
                  : ` · ${t("gateway.certificate.revoked", { time: timeText(certificate.revokedMs, timeZone, now.value) })}`}
              </li>
            ))}
          </ul>
        </details>
      )}
    </section>
  );
}

function CertificateState(props: {
  readonly certificate: GatewayFile["certificates"][number];
  readonly timeZone: string;
}): ComponentChild {
  const { certificate, timeZone } = props;
  const { notBeforeMs, notAfterMs, revokedMs } = certificate;
  const leftMs = notAfterMs - now.value;
  const isLate = leftMs < (notAfterMs - notBeforeMs) * latePart;
  const duration = durationText(Math.max(0, leftMs));
  if (revokedMs !== null) {
    const time = timeText(revokedMs, timeZone, now.value);
    return <Note state="unknown" text={t("gateway.certificate.revoked", { time })} />;
  }
  if (leftMs <= 0) {
    const time = timeText(notAfterMs, timeZone, now.value);
    return <Note state="high" text={t("gateway.certificate.ended", { time })} />;
  }
  if (isLate) return <Note state="warning" text={t("gateway.certificate.late", { duration })} />;
  return <span class="quiet is-small">{t("gateway.certificate.remaining", { duration })}</span>;
}

function Note({ state, text }: { readonly state: "warning" | "high" | "unknown"; readonly text: string }) {
  return (
    <span class={`state-tag is-${state}`}>
      <Glyph state={state} />
      {text}
    </span>
  );
}

/** Taking the access away: one touch, and one more for being sure. */
export function Revocation({ file }: { readonly file: GatewayFile }): ComponentChild {
  const [sure, setSure] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const { gatewayId, siteId, revokedMs } = file.gateway;
  const timeZone = timeZoneOf(siteId);
  if (revokedMs !== null) {
    const { refusedAttempts, lastRefusedMs } = file;
    const time = timeText(lastRefusedMs ?? 0, timeZone, now.value);
    return (
      <section class="card is-wanted">
        <h2>{t("gateway.revoked", { time: timeText(revokedMs, timeZone, now.value) })}</h2>
        {refusedAttempts === 0 ? null : (
          <p>
            <Note state="warning" text={t("gateway.revoked.attempts", { count: refusedAttempts, time })} />
          </p>
        )}
        <p class="quiet">{t("gateway.revoked.again")}</p>
      </section>
    );
  }
  if (!may("administer")) return null;
  const revoke = async (): Promise<void> => {
    setError(null);
    try {
      await api.revoke(gatewayId);
      changes.value += 1;
      void loadOverview();
    } catch (problem) {
      if (!(problem instanceof RequestError)) throw problem;
      setError(problem.status === "network" ? t("error.network") : t("error.other", { message: problem.message }));
    }
  };
  return (
    <section class="card">
      <h2>{t("gateway.revoke")}</h2>
      <p class="quiet">{t("gateway.revoke.hint")}</p>
      {error === null ? null : (
        <p class="form-error" role="alert">
          {error}
        </p>
      )}
      <div class="form-actions below">
        {sure ? (
          <>
            <button class="button is-danger" type="button" onClick={() => void revoke()}>
              {t("gateway.revoke.confirm")}
            </button>
            <button class="button is-quiet" type="button" onClick={() => setSure(false)}>
              {t("gateway.cancel")}
            </button>
          </>
        ) : (
          <button class="button" type="button" onClick={() => setSure(true)}>
            {t("gateway.revoke.start")}
          </button>
        )}
      </div>
    </section>
  );
}
