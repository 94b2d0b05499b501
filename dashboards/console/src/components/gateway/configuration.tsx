import type { ComponentChild } from "preact";
import { useState } from "preact/hooks";

import type { ConfigurationVersion, GatewayFile } from "../../api.generated.ts";
import { api, RequestError } from "../../api.ts";
import { explain } from "../../explain.ts";
import { timeText } from "../../format.ts";
import { t } from "../../i18n/language.ts";
import { now } from "../../now.ts";
import { may, timeZoneOf } from "../../store.ts";
import { diffLines } from "../../text-diff.ts";
import { Glyph } from "../glyph.tsx";
import { RequestForm, useDraft } from "./request.tsx";
import { StatusTag } from "./requests.tsx";

/** What is in force, what was sent, and an editor for the next version. */
export function ConfigurationCard({ file }: { readonly file: GatewayFile }): ComponentChild {
  const { configuration, configurations, gateway } = file;
  const [editing, setEditing] = useState(false);
  const [draft, setDraft, forgetDraft] = useDraft(`configuration ${gateway.gatewayId}`, configuration?.yaml ?? "");
  const mayEdit = may("administer") && gateway.revokedMs === null;
  const load = async (version: number): Promise<void> => {
    try {
      setDraft((await api.configuration(gateway.gatewayId, version)).yaml);
      setEditing(true);
    } catch (problem) {
      if (!(problem instanceof RequestError)) throw problem;
    }
  };
  const [newest] = configurations;
  return (
    <section class="card">
      <h2>{t("gateway.configuration")}</h2>
      <dl class="facts">
        <dt>{t("gateway.configuration.active")}</dt>
        <dd>
          {configuration === null ? t("gateway.configuration.unknown") : versionText(configuration.version)}
          {configuration === null ? null : <code class="quiet is-small hash">{configuration.sha256}</code>}
        </dd>
      </dl>
      {newest?.status === "pending" ? (
        <p class="state-tag is-unknown" role="status">
          <Glyph state="unknown" />
          {t(
            configuration?.version === newest.version ? "gateway.configuration.trial" : "gateway.configuration.waiting",
            { version: newest.version },
          )}
        </p>
      ) : null}
      {newest?.status === "failed" ? <Failure version={newest} siteId={gateway.siteId} /> : null}
      {editing ? (
        <Editor file={file} draft={draft} onChange={setDraft} onReset={forgetDraft} onSent={() => setEditing(false)} />
      ) : null}
      {mayEdit && !editing ? (
        <button class="button below" type="button" onClick={() => setEditing(true)}>
          {t("gateway.configuration.edit")}
        </button>
      ) : null}
      {configurations.length === 0 ? null : (
        <>
          <h3>{t("gateway.configuration.history")}</h3>
          <ul class="plain">
            {configurations.map((version) => (
              <li class="gateway-item plain-row" key={version.version}>
                <span class="point-name">
                  {versionText(version.version)} · {version.reason}
                  <span class="quiet is-small">
                    {version.author} · {timeText(version.createdMs, timeZoneOf(gateway.siteId), now.value)}
                  </span>
                </span>
                <StatusTag status={version.status} />
                {mayEdit ? (
                  <button
                    class="button is-quiet"
                    type="button"
                    aria-label={t("gateway.configuration.loadVersion", { version: version.version })}
                    onClick={() => void load(version.version)}
                  >
                    {t("gateway.configuration.load")}
                  </button>
                ) : null}
              </li>
            ))}
          </ul>
        </>
      )}
    </section>
  );
}

function versionText(version: number): string {
  return version === 0 ? t("gateway.configuration.local") : t("gateway.configuration.version", { version });
}

/** Why the newest version is not in force: the gateway's own words, line by line where it found several mistakes. */
function Failure(props: { readonly version: ConfigurationVersion; readonly siteId: string }): ComponentChild {
  const { version, siteId } = props;
  const { outcome } = version;
  if (outcome === null) return null;
  const { problems } = outcome.parameters;
  if (typeof problems !== "string") {
    return <p class="form-error">{explain(outcome, timeZoneOf(siteId), now.value)}</p>;
  }
  return (
    <div class="problems" role="status">
      <strong>
        <Glyph state="high" /> {t("gateway.configuration.problems", { version: version.version })}
      </strong>
      <ul>
        {problems.split("\n").map((line) => {
          const colon = line.indexOf(": ");
          return (
            <li key={line}>
              {colon < 0 ? null : <code>{line.slice(0, colon)}</code>} {line.slice(colon < 0 ? 0 : colon + 2)}
            </li>
          );
        })}
      </ul>
    </div>
  );
}

function Editor(props: {
  readonly file: GatewayFile;
  readonly draft: string;
  readonly onChange: (text: string) => void;
  readonly onReset: () => void;
  readonly onSent: () => void;
}): ComponentChild {
  const { file, draft, onChange, onReset, onSent } = props;
  const [comparing, setComparing] = useState(false);
  const { gatewayId } = file.gateway;
  const active = file.configuration?.yaml ?? "";
  const differences = comparing ? diffLines(active, draft) : [];
  return (
    <div class="below">
      {active === "" ? <p class="state-tag is-warning">{t("gateway.configuration.withheld")}</p> : null}
      <label class="field">
        <span>{t("gateway.configuration.text")}</span>
        <textarea
          class="input editor"
          value={draft}
          rows={18}
          spellcheck={false}
          autocapitalize="none"
          autocomplete="off"
          maxLength={131_072}
          onInput={(event) => {
            onChange(event.currentTarget.value);
            setComparing(false);
          }}
        />
      </label>
      <p class="quiet is-small">{t("gateway.configuration.hint")}</p>
      {comparing ? null : (
        <div class="form-actions below">
          <button class="button is-main" type="button" onClick={() => setComparing(true)}>
            {t("gateway.configuration.compare")}
          </button>
          <button
            class="button is-quiet"
            type="button"
            onClick={() => {
              onReset();
              onSent();
            }}
          >
            {t("gateway.configuration.reset")}
          </button>
        </div>
      )}
      {comparing && differences.length === 0 ? (
        <p class="quiet" role="status">
          {t("gateway.configuration.equal")}
        </p>
      ) : null}
      {differences.length === 0 ? null : (
        <>
          <h3>{t("gateway.configuration.differences")}</h3>
          <pre class="diff">
            {differences.map((line, index) => (
              <span key={index} class={`diff-line is-${line.kind}`}>
                {line.kind === "skip"
                  ? `⋯ ${t("gateway.configuration.skipped", { count: line.count })}`
                  : `${{ same: " ", added: "+", removed: "−" }[line.kind]} ${line.text}`}
              </span>
            ))}
          </pre>
          <RequestForm
            name={`configuration ${gatewayId}`}
            submit={t("gateway.configuration.apply")}
            send={async (_, reason) => {
              await api.sendConfiguration(gatewayId, draft, reason);
              onReset();
              onSent();
            }}
            onCancel={() => setComparing(false)}
          />
        </>
      )}
    </div>
  );
}
