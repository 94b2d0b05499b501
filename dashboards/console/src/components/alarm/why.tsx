import type { ComponentChild } from "preact";

import { kindName } from "../../alarm-names.ts";
import type { Alarm, Explanation } from "../../api.generated.ts";
import { explain } from "../../explain.ts";
import { decimal, exactTimeText } from "../../format.ts";
import { t } from "../../i18n/language.ts";
import { now } from "../../now.ts";
import { timeZoneOf } from "../../store.ts";

/** What a context sentence is about; the rest is what was around the alarm. */
const groups = {
  "context-product": "product",
  "context-product-profile": "product",
  "context-product-fitted": "product",
  "context-applies-to-product": "product",
  "context-clears": "clears",
  "context-suppressed-defrost": "suppressed",
  "context-defrost-over": "suppressed",
} as const satisfies Readonly<Record<string, "product" | "clears" | "suppressed">>;

function groupOf({ code }: Explanation): "product" | "clears" | "suppressed" | "surroundings" {
  return Object.entries(groups).find(([known]) => known === code)?.[1] ?? "surroundings";
}

/** The estimate of the goods as a value beside the air's, plainly an estimate; null: none was made. */
export function ProductEstimate({ context }: { readonly context: readonly Explanation[] }): ComponentChild {
  const product = context.find(({ code }) => code === "context-product")?.parameters;
  const celsius = product?.["celsius"];
  const uncertainty = product?.["uncertaintyCelsius"];
  if (typeof celsius !== "number" || typeof uncertainty !== "number") return null;
  return (
    <p class="estimate">
      {t("alarm.why.product")} <strong>{`${decimal(celsius)} ± ${decimal(uncertainty)} °C`}</strong>
    </p>
  );
}

/** What the card does not say: what was around it, what would clear it, what was suppressed, the rule and its source. */
export function Why({ alarm }: { readonly alarm: Alarm }): ComponentChild {
  const timeZone = timeZoneOf(alarm.siteId);
  const { context, explanation } = alarm;
  const source = explanation.parameters["source"];
  const say = (one: Explanation): string => explain(one, timeZone, now.value);
  const section = (group: ReturnType<typeof groupOf>): ComponentChild => {
    const own = context.filter((one) => groupOf(one) === group);
    if (own.length === 0 && group !== "surroundings") return null;
    return (
      <>
        <dt>{t(`alarm.why.${group}`)}</dt>
        <dd>
          {own.length === 0 ? <span class="quiet">{t("alarm.why.none")}</span> : null}
          {own.map((one, index) => (
            <span key={`${one.code} ${index}`}>{say(one)}</span>
          ))}
        </dd>
      </>
    );
  };
  return (
    <section class="card section">
      <h2>{t("alarm.why")}</h2>
      <dl class="facts">
        <dt>{t("alarm.why.when")}</dt>
        <dd>
          {t("alarm.why.times", {
            onset: exactTimeText(alarm.onsetTimeMs, timeZone),
            raised: exactTimeText(alarm.raisedMs, timeZone),
          })}
        </dd>
        {section("product")}
        {section("surroundings")}
        {section("clears")}
        {section("suppressed")}
        <dt>{t("alarm.why.rule")}</dt>
        <dd>
          <span>
            {kindName(alarm.ruleKind)} <code>{alarm.ruleId}</code>
          </span>
        </dd>
        {typeof source === "string" && source !== "" ? (
          <>
            <dt>{t("alarm.why.source")}</dt>
            <dd>{source}</dd>
          </>
        ) : null}
      </dl>
    </section>
  );
}
