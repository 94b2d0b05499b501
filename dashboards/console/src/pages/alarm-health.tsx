import { ArrowLeft } from "lucide-preact";
import type { ComponentChild } from "preact";

import { kindName, partNameOf, zoneNameOf } from "../alarm-names.ts";
import type { AlarmHealth, AlarmLoad, AlarmSystemHealth, BadActor, GatewayAlarmHealth } from "../api.generated.ts";
import { api } from "../api.ts";
import { Glyph } from "../components/glyph.tsx";
import { Rate } from "../components/health/rate.tsx";
import { EmptyBox, ErrorBox, SimulatedBadge, Skeleton } from "../components/notices.tsx";
import { explain } from "../explain.ts";
import { decimal, timeText } from "../format.ts";
import { t } from "../i18n/language.ts";
import { now } from "../now.ts";
import { useResource } from "../resource.ts";
import { currentLocation, linkTo } from "../router.ts";
import { overview, timeZoneOf } from "../store.ts";

const ranges = ["1", "7", "30"] as const;
const loadStates = { good: "normal", manageable: "warning", overloaded: "high" } as const satisfies Record<
  AlarmLoad,
  string
>;
/** The aim of IEC 62682, in percent. */
const aims = [
  { priority: "warning", percent: 80 },
  { priority: "high", percent: 15 },
  { priority: "critical", percent: 5 },
] as const;

type Actor = Omit<BadActor, "count" | "share" | "advice">;

/** Is the alarm system itself fit to be listened to? */
export function AlarmHealthPage(): ComponentChild {
  const { query } = currentLocation.value;
  const days = ranges.find((range) => range === query["days"]) ?? "1";
  const siteId = query["site"];
  const { data, error, reload } = useResource(`alarm-health ${days} ${siteId ?? ""}`, () =>
    api.alarmHealth(Number(days), siteId),
  );
  const sites = overview.value?.sites ?? [];
  return (
    <>
      <header class="page-head">
        <a class="button is-icon" href={linkTo(["alarms"])} aria-label={t("app.back")}>
          <ArrowLeft size={20} aria-hidden="true" />
        </a>
        <h1>{t("health.title")}</h1>
        <nav class="segments" aria-label={t("health.range")}>
          {ranges.map((range) => (
            <a
              key={range}
              href={linkTo(["alarm-health"], { days: range, site: siteId })}
              aria-current={range === days ? "true" : undefined}
            >
              {t(`health.days.${range}`)}
            </a>
          ))}
        </nav>
        <SimulatedBadge />
      </header>
      <p class="quiet health-hint">{t("health.hint")}</p>
      {error === undefined ? null : <ErrorBox error={error} onRetry={reload} />}
      {data === undefined && error === undefined ? <Skeleton rows={3} height={150} /> : null}
      {data === undefined ? null : (
        <Judgement
          data={data}
          timeZone={sites.length === 1 ? (sites[0]?.timeZone ?? "UTC") : timeZoneOf(siteId ?? "")}
        />
      )}
    </>
  );
}

function Judgement({
  data,
  timeZone,
}: {
  readonly data: AlarmSystemHealth;
  readonly timeZone: string;
}): ComponentChild {
  const { all, gateways, truncated } = data;
  return (
    <>
      {truncated ? <p class="quiet">{t("health.truncated")}</p> : null}
      <Measures health={all} />
      <div class="health">
        <div class="health-column">
          <Rate health={all} timeZone={timeZone} />
          <TopTen health={all} />
        </div>
        <div class="health-column">
          <Priorities health={all} />
          <Named title={t("health.staleList")} actors={all.stale} />
          <Named title={t("health.chatteringList")} actors={all.chattering} />
          <Gateways gateways={gateways} />
        </div>
      </div>
    </>
  );
}

function Measures({ health }: { readonly health: AlarmHealth }): ComponentChild {
  const state = loadStates[health.load];
  const isFlood = health.floods.length > 0;
  const counts = [
    { key: "floods", value: health.floods.length, text: t("health.floods"), hint: t("health.mostHint") },
    {
      key: "chattering",
      value: health.chattering.length,
      text: t("health.chattering"),
      hint: t("health.chatteringHint"),
    },
    { key: "stale", value: health.stale.length, text: t("health.stale"), hint: t("health.staleHint") },
  ];
  return (
    <dl class="measures">
      <div class={`measure is-${state}`}>
        <dt>{t("health.perHour")}</dt>
        <dd>{decimal(health.perHour)}</dd>
        <dd class="state-tag is-small">
          <Glyph state={state} />
          {t(`health.load.${health.load}`)}
        </dd>
      </div>
      <div class={`measure is-${isFlood ? "high" : "normal"}`}>
        <dt>{t("health.most")}</dt>
        <dd>{health.mostIn10Min}</dd>
        <dd class="quiet is-small">{t("health.mostHint")}</dd>
      </div>
      {counts.map(({ key, value, text, hint }) => (
        <div key={key} class={`measure is-${value > 0 ? "warning" : "normal"}`}>
          <dt>{text}</dt>
          <dd>{value}</dd>
          <dd class="quiet is-small">{hint}</dd>
        </div>
      ))}
    </dl>
  );
}

function percent(share: number): string {
  return decimal(share * 100, 0);
}

function Priorities({ health }: { readonly health: AlarmHealth }): ComponentChild {
  return (
    <section class="card">
      <h2>{t("health.priorities")}</h2>
      <ul class="plain">
        {aims.map(({ priority, percent: aim }) => {
          const share = health.priorities[priority];
          return (
            <li key={priority} class={`share is-${priority}`}>
              <span class="state-tag">
                <Glyph state={priority} />
                {t(`state.${priority}`)}
              </span>
              <span class="number">{percent(share)} %</span>
              <span class="quiet is-small">{t("health.priorities.aim", { percent: aim })}</span>
              <ShareBar share={share} aim={aim / 100} />
            </li>
          );
        })}
      </ul>
    </section>
  );
}

function ShareBar({ share, aim }: { readonly share: number; readonly aim?: number }): ComponentChild {
  return (
    <svg class="share-bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
      <rect class="share-all" width="100" height="8" />
      <rect class="share-own" width={Math.min(100, share * 100)} height="8" />
      {aim === undefined ? null : <rect class="share-aim" x={aim * 100 - 0.4} width="0.8" height="8" />}
    </svg>
  );
}

function actorKey({ gatewayId, ruleId, zoneId, pointId, cameraId }: Actor): string {
  return [gatewayId, ruleId, zoneId, pointId, cameraId].join(" ");
}

function ActorName({ actor }: { readonly actor: Actor }): ComponentChild {
  const part = partNameOf(actor);
  return (
    <a class="actor" href={linkTo(["site", actor.siteId, "zone", actor.zoneId])}>
      <strong>
        {zoneNameOf(actor)}
        {part === "" ? "" : ` · ${part}`}
      </strong>
      <span>
        {kindName(actor.ruleKind)} <code>{actor.ruleId}</code>
      </span>
    </a>
  );
}

function TopTen({ health }: { readonly health: AlarmHealth }): ComponentChild {
  if (health.topTen.length === 0) return <EmptyBox title={t("health.none")} />;
  return (
    <section class="card">
      <h2>{t("health.top")}</h2>
      <p class="quiet">{t("health.top.share", { percent: percent(health.topTenShare) })}</p>
      <ol class="plain">
        {health.topTen.map((actor) => (
          <li key={actorKey(actor)} class="bad-actor">
            <ActorName actor={actor} />
            <span class="number">{t("health.top.count", { count: actor.count, percent: percent(actor.share) })}</span>
            <ShareBar share={actor.share} />
            {actor.advice === null ? null : (
              <p class="advice">{t("health.advice", { advice: t(`health.advice.${actor.advice}`) })}</p>
            )}
          </li>
        ))}
      </ol>
    </section>
  );
}

function Named(props: {
  readonly title: string;
  readonly actors: readonly (Actor & { readonly sinceMs?: number })[];
}): ComponentChild {
  const { title, actors } = props;
  if (actors.length === 0) return null;
  return (
    <section class="card">
      <h2>{title}</h2>
      <ul class="plain">
        {actors.map((actor) => (
          <li key={actorKey(actor)} class="bad-actor">
            <ActorName actor={actor} />
            {actor.sinceMs === undefined ? null : (
              <span class="quiet">
                {t("health.staleSince", { time: timeText(actor.sinceMs, timeZoneOf(actor.siteId), now.value) })}
              </span>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}

/** Each gateway by the server's count, and beside it what the gateway says of itself. */
function Gateways({ gateways }: { readonly gateways: readonly GatewayAlarmHealth[] }): ComponentChild {
  return (
    <section class="card">
      <h2>{t("health.gateways")}</h2>
      <ul class="plain">
        {gateways.map((gateway) => {
          const { gatewayId, siteId, load, alarms, perHour, mostIn10Min, floods, chattering, stale, own } = gateway;
          const timeZone = timeZoneOf(siteId);
          const state = loadStates[load];
          return (
            <li key={gatewayId} class="health-gateway">
              <p class={`state-tag is-${state}`}>
                <Glyph state={state} />
                {t(`health.load.${load}`)}
              </p>
              <a class="actor" href={linkTo(["alarm-health"], { ...currentLocation.value.query, site: siteId })}>
                <strong>{siteId}</strong>
                <code>{gatewayId}</code>
              </a>
              <p>{t("health.gateway.line", { alarms, perHour: decimal(perHour), most: mostIn10Min })}</p>
              <p>{t("health.gateway.faults", { floods, chattering, stale })}</p>
              {own === null ? (
                <p class="quiet is-small">{t("health.gateway.noOwn")}</p>
              ) : (
                <p class="quiet is-small">
                  {t("health.gateway.own", { time: timeText(own.timeMs, timeZone, now.value) })}
                  {" — "}
                  {explain(own.explanation, timeZone, now.value)}
                </p>
              )}
            </li>
          );
        })}
      </ul>
    </section>
  );
}
