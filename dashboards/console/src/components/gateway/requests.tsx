import type { ComponentChild } from "preact";

import type { ConfigurationVersion, GatewayFile } from "../../api.generated.ts";
import { explain } from "../../explain.ts";
import { timeText } from "../../format.ts";
import { t } from "../../i18n/language.ts";
import { now } from "../../now.ts";
import { timeZoneOf } from "../../store.ts";
import { Glyph } from "../glyph.tsx";

const states = {
  pending: "unknown",
  done: "normal",
  failed: "high",
  expired: "warning",
  superseded: "unknown",
  unsent: "warning",
} as const;

/** What became of a request, in shape and word. */
export function StatusTag({ status }: { readonly status: ConfigurationVersion["status"] }): ComponentChild {
  const state = states[status];
  return (
    <span class={`state-tag is-${state}`}>
      <Glyph state={state} />
      {t(`gateway.status.${status}`)}
    </span>
  );
}

interface Entry {
  readonly key: string;
  readonly timeMs: number;
  readonly title: string;
  readonly detail: string;
  readonly who: string;
  readonly status: ConfigurationVersion["status"] | null;
}

/** What people asked for that is not in the record (yet), and what the gateway recorded; newest first. */
export function Requests({ file }: { readonly file: GatewayFile }): ComponentChild {
  const timeZone = timeZoneOf(file.gateway.siteId);
  const asked = file.commands
    .filter(({ status }) => status !== "done")
    .map((command): Entry => ({
      key: command.commandId,
      timeMs: command.issuedAtMs,
      title: t(`gateway.command.${command.kind}`, { subject: command.subject }),
      detail: command.outcome === null ? command.reason : explain(command.outcome, timeZone, now.value),
      who: command.actor,
      status: command.status,
    }));
  const recorded = file.changes.map((change, index): Entry => ({
    key: `${change.timeMs} ${index}`,
    timeMs: change.timeMs,
    title:
      change.subject === "configuration"
        ? t("gateway.configuration")
        : t(`gateway.change.${change.what}`, { subject: change.subject.replace(/^(point|source):/, "") }),
    detail: `${change.before === "" ? "—" : change.before} → ${change.after} · ${change.reason}`,
    who: change.author,
    status: null,
  }));
  const entries = [...asked, ...recorded].toSorted((a, b) => b.timeMs - a.timeMs);
  return (
    <section class="card">
      <h2>{t("gateway.history")}</h2>
      {entries.length === 0 ? <p class="quiet">{t("gateway.history.none")}</p> : null}
      <ul class="plain">
        {entries.map((entry) => (
          <li class="gateway-item" key={entry.key}>
            <div class="plain-row">
              <span class="point-name">
                {entry.title}
                <span class="quiet is-small">
                  {entry.who} · {timeText(entry.timeMs, timeZone, now.value)}
                </span>
              </span>
              {entry.status === null ? null : <StatusTag status={entry.status} />}
            </div>
            <p class="is-small gateway-detail">{entry.detail}</p>
          </li>
        ))}
      </ul>
    </section>
  );
}
