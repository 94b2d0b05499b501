import { Bell, Cctv, LayoutGrid, User } from "lucide-preact";
import type { ComponentChild, ComponentChildren } from "preact";

import { timeText } from "../format.ts";
import type { TextKey } from "../i18n/en.ts";
import { t } from "../i18n/language.ts";
import { link } from "../live.ts";
import { now } from "../now.ts";
import { currentLocation, linkTo } from "../router.ts";
import { criticalCount, openAlarmCount, overview, overviewError } from "../store.ts";
import { Glyph } from "./glyph.tsx";

const places = [
  { path: "", key: "nav.overview", icon: LayoutGrid },
  { path: "alarms", key: "nav.alarms", icon: Bell },
  { path: "cameras", key: "nav.cameras", icon: Cctv },
  { path: "me", key: "nav.me", icon: User },
] as const satisfies readonly { path: string; key: TextKey; icon: typeof Bell }[];

/** Which place a page belongs to. */
function placeOf(first: string | undefined): string {
  if (first === undefined || first === "site") return "";
  if (first === "gateway") return "me";
  if (first === "alarm-health") return "alarms";
  return first === "findings" ? "cameras" : first;
}

/** The frame of every page: bottom bar on a phone, rail on a desk, and a strip while something is critical or cut off. */
export function Shell({ children }: { readonly children: ComponentChildren }): ComponentChild {
  const place = placeOf(currentLocation.value.path[0]);
  return (
    <div class="shell" data-link={link.value}>
      <a class="skip" href="#content" onClick={focusContent}>
        {t("app.skip")}
      </a>
      <nav class="places" aria-label={t("nav.main")}>
        <a class="brand" href={linkTo([])} aria-label={t("app.name")} tabIndex={-1}>
          <img src="./favicon.svg" alt="" width="32" height="32" />
        </a>
        {places.map(({ path, key, icon: Icon }) => (
          <a
            key={path}
            href={linkTo(path === "" ? [] : [path])}
            class="place"
            aria-current={place === path ? "page" : undefined}
          >
            <span class="place-icon">
              <Icon size={22} strokeWidth={1.8} aria-hidden="true" />
              {path === "alarms" && openAlarmCount.value > 0 ? <span class="count">{openAlarmCount.value}</span> : null}
            </span>
            <span class="place-name">{t(key)}</span>
          </a>
        ))}
      </nav>
      <div class="body">
        <TopStrip />
        <main id="content" class="content" tabIndex={-1}>
          {children}
        </main>
      </div>
    </div>
  );
}

function focusContent(event: Event): void {
  event.preventDefault();
  document.querySelector<HTMLElement>("#content")?.focus();
}

function TopStrip(): ComponentChild {
  const parts: ComponentChild[] = [];
  if (overviewError.value?.status === "network") {
    const known = overview.value;
    const time = known === null ? "–" : timeText(known.nowMs, known.sites[0]?.timeZone ?? "UTC", now.value);
    parts.push(
      <p class="strip-line is-link" key="offline">
        <Glyph state="unknown" />
        {t("link.offline", { time })}
      </p>,
    );
  } else if (link.value === "lost") {
    parts.push(
      <p class="strip-line is-link" key="lost">
        <Glyph state="unknown" />
        {t("link.reconnecting")}
      </p>,
    );
  }
  if (criticalCount.value > 0) {
    parts.push(
      <a class="strip-line is-critical" key="critical" href={linkTo([], { state: "critical" })}>
        <Glyph state="critical" />
        {t("link.critical", { count: criticalCount.value })}
      </a>,
    );
  }
  return (
    <div class="top-strip" role="status">
      {parts}
    </div>
  );
}
