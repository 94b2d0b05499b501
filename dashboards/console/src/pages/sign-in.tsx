import { Languages } from "lucide-preact";
import type { ComponentChild } from "preact";
import { useState } from "preact/hooks";

import { api, RequestError } from "../api.ts";
import { fieldText } from "../form.ts";
import { chooseLanguage, language, t } from "../i18n/language.ts";
import { takeSession } from "../store.ts";

export function SignInPage(): ComponentChild {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const submit = async (event: SubmitEvent & { readonly currentTarget: HTMLFormElement }): Promise<void> => {
    event.preventDefault();
    const form = event.currentTarget;
    setBusy(true);
    setError(null);
    try {
      takeSession(await api.signIn(fieldText(form, "name"), fieldText(form, "password")));
    } catch (problem) {
      if (!(problem instanceof RequestError)) throw problem;
      if (problem.status === 401) setError(t("signIn.wrong"));
      else if (problem.status === 429) setError(t("signIn.tooMany"));
      else setError(problem.status === "network" ? t("error.network") : t("error.other", { message: problem.message }));
      setBusy(false);
    }
  };
  const other = language.value === "zh" ? "en" : "zh";
  return (
    <main class="sign-in">
      <button
        type="button"
        class="button is-quiet sign-in-language"
        lang={other === "zh" ? "zh-CN" : "en"}
        onClick={() => {
          chooseLanguage(other);
        }}
      >
        <Languages size={18} aria-hidden="true" />
        {other === "zh" ? "中文" : "English"}
      </button>
      <section class="card sign-in-card">
        <img src="./favicon.svg" alt="" width="56" height="56" />
        <h1>{t("app.name")}</h1>
        <p class="quiet">{t("signIn.claim")}</p>
        <form class="form" onSubmit={(event) => void submit(event)}>
          <label class="field">
            <span>{t("signIn.name")}</span>
            <input class="input" name="name" autocomplete="username" autocapitalize="none" required maxLength={100} />
          </label>
          <label class="field">
            <span>{t("signIn.password")}</span>
            <input
              class="input"
              name="password"
              type="password"
              autocomplete="current-password"
              required
              maxLength={200}
            />
          </label>
          {error === null ? null : (
            <p class="form-error" role="alert">
              {error}
            </p>
          )}
          <button class="button is-main is-wide" type="submit" disabled={busy}>
            {busy ? t("signIn.busy") : t("signIn.submit")}
          </button>
        </form>
        <p class="quiet is-small">{t("signIn.firstRun")}</p>
      </section>
    </main>
  );
}
