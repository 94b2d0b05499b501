import type { ComponentChild, ComponentChildren } from "preact";

import type { RequestError } from "../api.ts";
import { t } from "../i18n/language.ts";
import { overview } from "../store.ts";

/** What happened and what one can do. */
export function ErrorBox(props: { readonly error: RequestError; readonly onRetry?: () => void }): ComponentChild {
  const { error, onRetry } = props;
  const texts = { network: t("error.network"), 403: t("error.forbidden"), 404: t("error.notFound") };
  const text =
    error.status === "network" || error.status === 403 || error.status === 404
      ? texts[error.status]
      : t("error.other", { message: error.message });
  return (
    <div class="notice is-error" role="alert">
      <p>{text}</p>
      {onRetry === undefined ? null : (
        <button type="button" class="button" onClick={onRetry}>
          {t("app.retry")}
        </button>
      )}
    </div>
  );
}

export function EmptyBox(props: {
  readonly title: string;
  readonly hint?: string;
  readonly children?: ComponentChildren;
}): ComponentChild {
  return (
    <div class="notice">
      <p class="notice-title">{props.title}</p>
      {props.hint === undefined ? null : <p>{props.hint}</p>}
      {props.children}
    </div>
  );
}

/** Grey shapes where content will be: the page does not jump when it comes. */
export function Skeleton(props: { readonly rows: number; readonly height: number }): ComponentChild {
  return (
    <div class="skeletons" role="status" aria-label={t("app.loading")}>
      {Array.from({ length: props.rows }, (_, row) => (
        <div key={row} class="skeleton" style={{ height: `${props.height}px` }} />
      ))}
    </div>
  );
}

/** Says that a site's data is made up (that of any site shown, when none is named). */
export function SimulatedBadge({ siteId }: { readonly siteId?: string }): ComponentChild {
  const sites = overview.value?.sites.filter((site) => siteId === undefined || site.siteId === siteId) ?? [];
  if (!sites.some(({ simulated }) => simulated)) return null;
  return (
    <span class="badge is-simulated" title={t("app.simulatedLong")}>
      {t("app.simulated")}
    </span>
  );
}
