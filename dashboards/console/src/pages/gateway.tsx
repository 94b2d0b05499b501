import { ArrowLeft } from "lucide-preact";
import type { ComponentChild } from "preact";

import type { GatewayFile } from "../api.generated.ts";
import { api } from "../api.ts";
import { Calibrations } from "../components/gateway/calibrations.tsx";
import { ConfigurationCard } from "../components/gateway/configuration.tsx";
import { JournalCard } from "../components/gateway/journal.tsx";
import { Requests } from "../components/gateway/requests.tsx";
import { Approvals, CertificateCard, Revocation } from "../components/gateway/standing.tsx";
import { Glyph } from "../components/glyph.tsx";
import { ErrorBox, SimulatedBadge, Skeleton } from "../components/notices.tsx";
import { explain } from "../explain.ts";
import { timeText } from "../format.ts";
import { t } from "../i18n/language.ts";
import { now } from "../now.ts";
import { useResource } from "../resource.ts";
import { linkTo } from "../router.ts";
import { timeZoneOf } from "../store.ts";

/** One gateway: what needs a person first, then its standing, its journal, its configuration and its points. */
export function GatewayPage({ gatewayId }: { readonly gatewayId: string }): ComponentChild {
  const { data, error, reload } = useResource(`gateway ${gatewayId}`, () => api.gateway(gatewayId));
  return (
    <>
      <header class="page-head">
        <a class="button is-icon" href={linkTo(["me"])} aria-label={t("gateway.back")}>
          <ArrowLeft size={20} aria-hidden="true" />
        </a>
        <h1>{t("gateway.title", { site: data?.gateway.siteId ?? "…" })}</h1>
        {data === undefined ? null : <SimulatedBadge siteId={data.gateway.siteId} />}
      </header>
      {error === undefined ? null : <ErrorBox error={error} onRetry={reload} />}
      {data === undefined && error === undefined ? <Skeleton rows={3} height={160} /> : null}
      {data === undefined ? null : (
        <div class="gateway-page">
          <div class="gateway-column">
            <Head file={data} />
            <Approvals file={data} />
            {data.gateway.revokedMs === null ? null : <Revocation file={data} />}
            <CertificateCard file={data} />
            <JournalCard file={data} />
          </div>
          <div class="gateway-column">
            <ConfigurationCard file={data} />
            <Calibrations file={data} />
            <Requests file={data} />
            {data.gateway.revokedMs === null ? <Revocation file={data} /> : null}
          </div>
        </div>
      )}
    </>
  );
}

function Head({ file }: { readonly file: GatewayFile }): ComponentChild {
  const { gateway } = file;
  const timeZone = timeZoneOf(gateway.siteId);
  const state = gateway.connected ? "normal" : "unknown";
  const word = gateway.revokedMs === null ? (gateway.connected ? "connected" : "offline") : "revoked";
  const time = timeText(gateway.lastSeenMs ?? 0, timeZone, now.value);
  const parts = gateway.health.filter(
    ({ subject }) => !subject.startsWith("camera:") && !subject.startsWith("certificate:"),
  );
  return (
    <section class="card">
      <div class="plain-row">
        <span class="point-name">
          <code>{gateway.gatewayId}</code>
          <span class="quiet is-small">
            {gateway.lastSeenMs === null ? t("gateway.neverSeen") : t("gateway.seen", { time })}
            {gateway.softwareVersion === null ? "" : ` · ${gateway.softwareVersion}`}
          </span>
        </span>
        <span class={`state-tag is-${state}`}>
          <Glyph state={state} />
          {t(`me.gateway.${word}`)}
        </span>
      </div>
      <ul class="gateway-parts">
        {parts.map((part) => (
          <li key={part.subject}>
            <code>{part.subject}</code> {explain(part.explanation, timeZone, now.value)}
          </li>
        ))}
      </ul>
    </section>
  );
}
