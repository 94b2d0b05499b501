import type { ComponentChild } from "preact";

import type { GatewayFile } from "../../api.generated.ts";
import { timeText } from "../../format.ts";
import type { TextKey } from "../../i18n/en.ts";
import { t } from "../../i18n/language.ts";
import { now } from "../../now.ts";
import { timeZoneOf } from "../../store.ts";
import { Glyph } from "../glyph.tsx";

const faults: Readonly<Record<string, TextKey>> = {
  duplicate: "gateway.fault.duplicate",
  "sequence-reused": "gateway.fault.sequence-reused",
  "chain-broken": "gateway.fault.chain-broken",
};

/** How completely the gateway's journal has arrived: what is missing, doubled, refused, and how often it began anew. */
export function JournalCard({ file }: { readonly file: GatewayFile }): ComponentChild {
  const timeZone = timeZoneOf(file.gateway.siteId);
  const epochs = file.epochs.toReversed();
  return (
    <section class="card">
      <h2>{t("gateway.journal")}</h2>
      {epochs.length === 0 ? <p class="quiet">{t("gateway.journal.none")}</p> : null}
      {epochs.length < 2 ? null : (
        <p>
          {t("gateway.journal.resets")} {t("gateway.journal.times", { count: epochs.length - 1 })}
        </p>
      )}
      {epochs.map((epoch, index) => (
        <div class="gateway-item" key={epoch.epoch}>
          <strong>{t(index === 0 ? "gateway.journal.current" : "gateway.journal.earlier")}</strong>{" "}
          <code class="quiet is-small">{epoch.epoch}</code>{" "}
          <span class="quiet is-small">
            {timeText(epoch.firstReceivedMs, timeZone, now.value)} –{" "}
            {timeText(epoch.lastReceivedMs, timeZone, now.value)}
          </span>
          <dl class="facts is-numbers">
            <dt>{t("gateway.journal.batches")}</dt>
            <dd>{epoch.batches}</dd>
            <dt>{t("gateway.journal.samples")}</dt>
            <dd>{epoch.samples}</dd>
            <dt>{t("gateway.journal.missing")}</dt>
            <dd>
              <Missing missing={epoch.missing} explained={epoch.explained} />
            </dd>
            {epoch.faults.map(({ kind, count, lastMs }) => (
              <Fault key={kind} kind={kind} count={count} time={timeText(lastMs, timeZone, now.value)} />
            ))}
          </dl>
        </div>
      ))}
    </section>
  );
}

function Missing({ missing, explained }: { readonly missing: number; readonly explained: number }): ComponentChild {
  if (missing === 0) return t("gateway.journal.complete");
  const state = explained < missing ? "high" : "warning";
  return (
    <span class={`state-tag is-${state}`}>
      <Glyph state={state} />
      {t("gateway.journal.missingOf", { count: missing, explained })}
    </span>
  );
}

/** Repeats are how the link works, and quiet; what was refused is not. */
function Fault(props: { readonly kind: string; readonly count: number; readonly time: string }): ComponentChild {
  const { kind, count, time } = props;
  const key = faults[kind];
  const value = (
    <>
      {t("gateway.journal.times", { count })} <span class="quiet is-small">{time}</span>
    </>
  );
  return (
    <>
      <dt>{key === undefined ? t("gateway.fault.other", { kind }) : t(key)}</dt>
      <dd>
        {kind === "duplicate" ? (
          value
        ) : (
          <span class="state-tag is-high">
            <Glyph state="high" />
            {value}
          </span>
        )}
      </dd>
    </>
  );
}
