import { ArrowLeft } from "lucide-preact";
import type { ComponentChild } from "preact";
import { useState } from "preact/hooks";

import type { Finding } from "../api.generated.ts";
import { api } from "../api.ts";
import { EvidencePicture, mainPicture } from "../components/evidence.tsx";
import { StateTag } from "../components/glyph.tsx";
import { ErrorBox, SimulatedBadge, Skeleton } from "../components/notices.tsx";
import { explain } from "../explain.ts";
import { decimal, exactTimeText, timeText } from "../format.ts";
import { localised, t } from "../i18n/language.ts";
import { now } from "../now.ts";
import { useResource } from "../resource.ts";
import { overview, timeZoneOf } from "../store.ts";
import { findingName } from "./cameras.tsx";
import { FindingTeach } from "./finding-teach.tsx";
import { FindingVerdict } from "./finding-verdict.tsx";

/** One finding: the picture, what was found in it, and why. */
export function FindingPage({ findingId }: { readonly findingId: string }): ComponentChild {
  const { data, error, reload } = useResource(`finding ${findingId}`, () => api.finding(findingId));
  return (
    <>
      <header class="page-head">
        <button type="button" class="button is-icon" aria-label={t("app.back")} onClick={() => history.back()}>
          <ArrowLeft size={20} aria-hidden="true" />
        </button>
        <h1>{data === undefined ? t("finding.title") : findingName(data)}</h1>
        {data === undefined ? null : <StateTag state={data.severity} />}
        <SimulatedBadge />
      </header>
      {error === undefined ? null : <ErrorBox error={error} onRetry={reload} />}
      {data === undefined && error === undefined ? <Skeleton rows={1} height={360} /> : null}
      {data === undefined ? null : <Detail finding={data} reload={reload} />}
    </>
  );
}

const roles: readonly Finding["evidence"][number]["role"][] = ["picture", "original", "heat-map", "before", "after"];

function Detail({ finding, reload }: { readonly finding: Finding; readonly reload: () => void }): ComponentChild {
  const [chosen, setChosen] = useState(mainPicture(finding)?.sha256);
  const [boxes, setBoxes] = useState(true);
  const timeZone = timeZoneOf(finding.siteId);
  const pictures = finding.evidence
    .filter(({ mediaType, role }) => mediaType.startsWith("image/") && role !== "clip")
    .toSorted((a, b) => roles.indexOf(a.role) - roles.indexOf(b.role));
  const shown = pictures.find(({ sha256 }) => sha256 === chosen);
  const clip = finding.evidence.find(({ role, mediaType }) => role === "clip" && mediaType.startsWith("video/"));
  const moving = finding.evidence.find(({ role, mediaType }) => role === "clip" && mediaType.startsWith("image/"));
  return (
    <div class="finding">
      <div class="finding-picture">
        <EvidencePicture finding={finding} reference={shown} boxes={boxes} labels alt={findingName(finding)} />
        <div class="finding-tools">
          {pictures.length < 2 ? null : (
            <div class="segments" role="group">
              {pictures.map((picture) => (
                <button
                  key={picture.sha256}
                  type="button"
                  aria-pressed={picture === shown}
                  onClick={() => {
                    setChosen(picture.sha256);
                  }}
                >
                  {t(`finding.role.${picture.role}`)}
                  {picture.public === true ? " ◐" : ""}
                </button>
              ))}
            </div>
          )}
          {shown?.public === true ? <span class="quiet">◐ {t("evidence.public")}</span> : null}
          {finding.boxes.length === 0 ? null : (
            <label class="check">
              <input
                type="checkbox"
                checked={boxes}
                onChange={(event) => {
                  setBoxes(event.currentTarget.checked);
                }}
              />
              {t("finding.boxes")}
            </label>
          )}
        </div>
      </div>
      {clip?.stored === true ? (
        <figure class="finding-clip">
          <video src={api.evidenceUrl(clip.sha256)} controls muted playsInline preload="metadata" />
          <figcaption class="quiet">{t("evidence.clip")}</figcaption>
        </figure>
      ) : null}
      {moving?.stored === true ? (
        <figure class="finding-clip">
          <img src={api.evidenceUrl(moving.sha256)} alt={t("evidence.clip")} loading="lazy" />
          <figcaption class="quiet">{t("evidence.clip")}</figcaption>
        </figure>
      ) : null}
      <FindingVerdict finding={finding} reload={reload} />
      <section class="card finding-text">
        <p class="finding-why">{explain(finding.explanation, timeZone, now.value)}</p>
        <p class="quiet">
          {cameraName(finding)} · {timeText(finding.lastSeenMs, timeZone, now.value)}
        </p>
        <p class="quiet">{t("finding.review")}</p>
        <details open>
          <summary>{t("finding.why")}</summary>
          <Score finding={finding} />
          <dl class="facts">
            <dt>{t("finding.rule")}</dt>
            <dd>{finding.ruleId}</dd>
            <dt>{t("finding.score")}</dt>
            <dd>
              {t("finding.scoreOf", { score: decimal(finding.score, 2), threshold: decimal(finding.threshold, 2) })}
            </dd>
            <dt>{t("finding.seen")}</dt>
            <dd>
              {exactTimeText(finding.firstSeenMs, timeZone)} – {exactTimeText(finding.lastSeenMs, timeZone)}
            </dd>
            <dt>{t("finding.model")}</dt>
            <dd>
              {finding.modelId} <code>{finding.modelSha256.slice(0, 12)}</code>
            </dd>
            {shown === undefined ? null : (
              <>
                <dt>{t("finding.hash")}</dt>
                <dd>
                  <code class="hash">{shown.sha256}</code>
                </dd>
              </>
            )}
          </dl>
        </details>
      </section>
      {finding.ruleKind === "taught" ? <FindingTeach finding={finding} /> : null}
    </div>
  );
}

/** The score beside the threshold, to the eye. */
function Score({ finding }: { readonly finding: Finding }): ComponentChild {
  const most = Math.max(1, finding.score, finding.threshold) * 1.05;
  return (
    <div class="score" aria-hidden="true">
      <span class="score-value" style={{ width: `${(100 * finding.score) / most}%` }} />
      <span class="score-threshold" style={{ left: `${(100 * finding.threshold) / most}%` }} />
    </div>
  );
}

function cameraName(finding: Finding): string {
  const site = overview.value?.sites.find(({ siteId }) => siteId === finding.siteId);
  const zone = site?.zones.find(({ zoneId }) => zoneId === finding.zoneId);
  const camera = zone?.cameras.find(({ cameraId }) => cameraId === finding.cameraId);
  return camera === undefined ? finding.cameraId : localised(camera.name);
}
