import { Copy, LogOut } from "lucide-preact";
import type { ComponentChild } from "preact";
import { useState } from "preact/hooks";

import type { EnrolmentToken, GatewayList } from "../api.generated.ts";
import { api, RequestError } from "../api.ts";
import { Glyph } from "../components/glyph.tsx";
import { ErrorBox } from "../components/notices.tsx";
import { explain } from "../explain.ts";
import { fieldText } from "../form.ts";
import { timeText } from "../format.ts";
import { chooseLanguage, language, t } from "../i18n/language.ts";
import { now } from "../now.ts";
import { useResource } from "../resource.ts";
import { linkTo } from "../router.ts";
import { changes, loadOverview, may, session, takeSession, timeZoneOf } from "../store.ts";
import { chooseTheme, theme, themes } from "../theme.ts";

type FormEvent = SubmitEvent & { readonly currentTarget: HTMLFormElement };

/** The person, the device's settings, and the gateways. */
export function MePage(): ComponentChild {
  const user = session.value;
  if (user === null || user === undefined) return null;
  return (
    <>
      <header class="page-head">
        <h1>{t("me.title")}</h1>
      </header>
      <div class="me">
        <section class="card me-person">
          <div>
            <strong class="me-name">{user.name}</strong>
            <p class="quiet">{t(`me.role.${user.role}`)}</p>
          </div>
          <button type="button" class="button" onClick={() => void signOut()}>
            <LogOut size={18} aria-hidden="true" />
            {t("me.signOut")}
          </button>
        </section>
        <section class="card">
          <h2>{t("me.language")}</h2>
          <div class="segments" role="group" aria-label={t("me.language")}>
            <button
              type="button"
              lang="zh-CN"
              aria-pressed={language.value === "zh"}
              onClick={() => chooseLanguage("zh")}
            >
              中文
            </button>
            <button type="button" lang="en" aria-pressed={language.value === "en"} onClick={() => chooseLanguage("en")}>
              English
            </button>
          </div>
          <h2>{t("me.theme")}</h2>
          <div class="segments" role="group" aria-label={t("me.theme")}>
            {themes.map((name) => (
              <button key={name} type="button" aria-pressed={theme.value === name} onClick={() => chooseTheme(name)}>
                {t(`me.theme.${name}`)}
              </button>
            ))}
          </div>
        </section>
        <Gateways />
        {may("administer") ? <Join /> : null}
        <Password name={user.name} />
      </div>
    </>
  );
}

async function signOut(): Promise<void> {
  try {
    await api.signOut();
  } catch (error) {
    if (!(error instanceof RequestError) || error.status === "network") return;
  }
  takeSession(null);
}

function Gateways(): ComponentChild {
  const { data, error, reload } = useResource("gateways", api.gateways);
  return (
    <section class="card">
      <h2>{t("me.gateways")}</h2>
      {error === undefined ? null : <ErrorBox error={error} onRetry={reload} />}
      {data?.gateways.length === 0 ? <p class="quiet">{t("me.gateways.none")}</p> : null}
      <ul class="plain">
        {data?.gateways.map((gateway) => (
          <GatewayRow key={gateway.gatewayId} gateway={gateway} />
        ))}
      </ul>
    </section>
  );
}

function GatewayRow({ gateway }: { readonly gateway: GatewayList["gateways"][number] }): ComponentChild {
  const timeZone = timeZoneOf(gateway.siteId);
  const seen = gateway.lastSeenMs;
  const state = gateway.connected ? "normal" : "unknown";
  const word = gateway.revokedMs === null ? (gateway.connected ? "connected" : "offline") : "revoked";
  const parts = gateway.health.filter(({ subject }) => !subject.startsWith("camera:"));
  return (
    <li class="gateway">
      <div class="plain-row">
        <a class="point-name" href={linkTo(["gateway", gateway.gatewayId])}>
          {gateway.siteId}
          <span class="quiet is-small">
            {gateway.gatewayId}
            {gateway.softwareVersion === null ? "" : ` · ${gateway.softwareVersion}`}
          </span>
        </a>
        <span class={`state-tag is-${state}`}>
          <Glyph state={state} />
          {t(`me.gateway.${word}`)}
        </span>
      </div>
      <p class="quiet is-small">
        {t("me.gateway.seen", { time: seen === null ? t("value.never") : timeText(seen, timeZone, now.value) })}
      </p>
      <ul class="gateway-parts">
        {parts.map((part) => (
          <li key={part.subject}>
            <code>{part.subject}</code> {explain(part.explanation, timeZone, now.value)}
          </li>
        ))}
      </ul>
    </li>
  );
}

/** A one-time token for a gateway of a new or known site. */
function Join(): ComponentChild {
  const [token, setToken] = useState<EnrolmentToken | null>(null);
  const [copied, setCopied] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    const siteId = fieldText(event.currentTarget, "siteId").trim();
    setError(null);
    setCopied(false);
    try {
      await api.createSite(siteId).catch((problem: unknown) => {
        if (!(problem instanceof RequestError && problem.code === "site-exists")) throw problem;
      });
      setToken(await api.createToken(siteId));
      changes.value += 1;
      void loadOverview();
    } catch (problem) {
      if (!(problem instanceof RequestError)) throw problem;
      setError(t("error.other", { message: problem.message }));
    }
  };
  return (
    <section class="card">
      <h2>{t("me.join")}</h2>
      <p class="quiet">{t("me.join.hint")}</p>
      <form class="form" onSubmit={(event) => void submit(event)}>
        <label class="field">
          <span>{t("me.join.site")}</span>
          <input
            class="input"
            name="siteId"
            required
            maxLength={63}
            pattern="[a-z0-9]+(-[a-z0-9]+)*"
            autocapitalize="none"
          />
        </label>
        {error === null ? null : (
          <p class="form-error" role="alert">
            {error}
          </p>
        )}
        <button class="button" type="submit">
          {t("me.join.submit")}
        </button>
      </form>
      {token === null ? null : (
        <div class="token" role="status">
          <p>
            {t("me.join.token", {
              site: token.siteId,
              time: timeText(token.expiresMs, timeZoneOf(token.siteId), now.value),
            })}
          </p>
          <code class="hash">{token.token}</code>
          <button
            type="button"
            class="button"
            onClick={() => {
              void navigator.clipboard.writeText(token.token).then(() => {
                setCopied(true);
                return undefined;
              });
            }}
          >
            <Copy size={18} aria-hidden="true" />
            {copied ? t("me.join.copied") : t("me.join.copy")}
          </button>
        </div>
      )}
    </section>
  );
}

function Password({ name }: { readonly name: string }): ComponentChild {
  const [result, setResult] = useState<{ readonly isError: boolean; readonly text: string } | null>(null);
  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    const form = event.currentTarget;
    try {
      await api.changePassword(fieldText(form, "current"), fieldText(form, "next"));
      setResult({ isError: false, text: t("me.password.done") });
      form.reset();
    } catch (problem) {
      if (!(problem instanceof RequestError)) throw problem;
      const isWrong = problem.code === "credentials-wrong";
      setResult({
        isError: true,
        text: isWrong ? t("me.password.wrong") : t("error.other", { message: problem.message }),
      });
    }
  };
  return (
    <section class="card">
      <h2>{t("me.password")}</h2>
      <form class="form" onSubmit={(event) => void submit(event)}>
        <input type="hidden" name="username" autocomplete="username" value={name} />
        <label class="field">
          <span>{t("me.password.current")}</span>
          <input
            class="input"
            name="current"
            type="password"
            autocomplete="current-password"
            required
            maxLength={200}
          />
        </label>
        <label class="field">
          <span>{t("me.password.next")}</span>
          <input
            class="input"
            name="next"
            type="password"
            autocomplete="new-password"
            required
            minLength={10}
            maxLength={200}
          />
        </label>
        {result === null ? null : (
          <p class={result.isError ? "form-error" : "form-done"} role="alert">
            {result.text}
          </p>
        )}
        <button class="button" type="submit">
          {t("me.password.submit")}
        </button>
      </form>
    </section>
  );
}
