import { Hourglass } from "lucide-preact";
import type { ComponentChild } from "preact";
import { useEffect, useState } from "preact/hooks";

import type { Finding, Verdict } from "../api.generated.ts";
import { api, RequestError } from "../api.ts";
import { useDraft } from "../components/gateway/request.tsx";
import { explain } from "../explain.ts";
import { timeText } from "../format.ts";
import { t } from "../i18n/language.ts";
import { now } from "../now.ts";
import { changes, may, timeZoneOf } from "../store.ts";

const choices = [
  { verdict: "true", key: "1" },
  { verdict: "false", key: "2" },
  { verdict: "unclear", key: "3" },
] as const satisfies readonly { readonly verdict: Verdict; readonly key: string }[];

/** What people say of a finding: what the gateway has, what is on its way, and giving it. Keys 1, 2, 3. */
export function FindingVerdict(props: { readonly finding: Finding; readonly reload: () => void }): ComponentChild {
  const { finding, reload } = props;
  const { findingId, siteId, verdict, verdictRequest } = finding;
  const [comment, setComment, forget] = useDraft(`verdict ${findingId}`, "");
  const [sending, setSending] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const mayJudge = may("judge-findings");
  const timeZone = timeZoneOf(siteId);
  const isWaiting = verdictRequest?.status === "pending";
  const send = async (chosen: Verdict): Promise<void> => {
    setSending(true);
    setError(null);
    try {
      await api.judgeFinding(findingId, chosen, comment);
      forget();
      changes.value += 1;
      reload();
    } catch (problem) {
      if (!(problem instanceof RequestError)) throw problem;
      setError(problem.status === "network" ? t("error.network") : t("error.other", { message: problem.message }));
    } finally {
      setSending(false);
    }
  };
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      const { target } = event;
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement) return;
      const choice = choices.find(({ key }) => key === event.key);
      if (choice !== undefined && mayJudge && !sending) void send(choice.verdict);
    };
    addEventListener("keydown", onKey);
    return () => {
      removeEventListener("keydown", onKey);
    };
  });
  // The gateway's answer comes by itself, mostly within seconds.
  const turn = isWaiting ? Math.floor(now.value / 3_000) : 0;
  useEffect(() => {
    if (turn > 0) reload();
  }, [turn]);
  return (
    <section class="card verdict">
      <h2>{t("verdict.title")}</h2>
      {verdict === null ? null : (
        <p>
          <strong>{t(`verdict.${verdict.verdict}`)}</strong>{" "}
          <span class="quiet">
            {verdict.actor} · {timeText(verdict.timeMs, timeZone, now.value)}
            {verdict.comment === "" ? "" : ` · ${verdict.comment}`}
          </span>
        </p>
      )}
      {verdictRequest === null || verdictRequest.status === "done" ? null : (
        <p class="alarm-requested" role="status">
          <Hourglass size={16} aria-hidden="true" />
          {verdictRequest.status === "failed" && verdictRequest.outcome !== null
            ? explain(verdictRequest.outcome, timeZone, now.value)
            : t("verdict.waiting", {
                actor: verdictRequest.actor,
                verdict: t(`verdict.${verdictRequest.verdict}`),
                status: t(`gateway.status.${verdictRequest.status}`),
              })}
        </p>
      )}
      {mayJudge ? (
        <>
          <input
            class="input"
            value={comment}
            maxLength={500}
            placeholder={t("verdict.comment")}
            aria-label={t("verdict.comment")}
            onInput={(event) => {
              setComment(event.currentTarget.value);
            }}
          />
          <div class="verdict-choices">
            {choices.map(({ verdict: choice, key }) => (
              <button
                key={choice}
                type="button"
                class="button"
                disabled={sending}
                aria-pressed={verdict?.verdict === choice}
                aria-keyshortcuts={key}
                onClick={() => void send(choice)}
              >
                {t(`verdict.${choice}`)}
              </button>
            ))}
          </div>
          <p class="quiet is-small">{t("verdict.keys")}</p>
        </>
      ) : (
        <p class="quiet">{t("verdict.viewer")}</p>
      )}
      {error === null ? null : (
        <p class="form-error" role="alert">
          {error}
        </p>
      )}
    </section>
  );
}
