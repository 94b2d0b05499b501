import type { ComponentChild } from "preact";

import type { Camera, Finding, ZoneState } from "../api.generated.ts";
import { api } from "../api.ts";
import { EvidencePicture, mainPicture } from "../components/evidence.tsx";
import { Glyph } from "../components/glyph.tsx";
import { EmptyBox, ErrorBox, SimulatedBadge, Skeleton } from "../components/notices.tsx";
import { explain } from "../explain.ts";
import { timeText } from "../format.ts";
import type { TextKey } from "../i18n/en.ts";
import { localised, t } from "../i18n/language.ts";
import { now } from "../now.ts";
import { useResource } from "../resource.ts";
import { linkTo } from "../router.ts";
import { timeZoneOf } from "../store.ts";

const findingTexts: Readonly<Record<string, TextKey>> = {
  "person-in-zone": "finding.person-in-zone",
  "person-in-closed-zone": "finding.person-in-zone",
  "unusual-scene": "finding.unusual-scene",
  anomaly: "finding.unusual-scene",
  "people-count": "finding.people-count",
  loitering: "finding.loitering",
  "mask-cannot-tell": "finding.mask-cannot-tell",
  "no-mask": "finding.no-mask",
  taught: "finding.taught",
  rodent: "finding.rodent",
  "own-model": "finding.own-model",
};

/** What a rule calls what it saw. */
export function findingName(finding: Finding): string {
  const key = findingTexts[finding.ruleKind] ?? findingTexts[finding.explanation.code];
  return key === undefined ? finding.ruleId : t(key);
}

/** A tile for each camera: is it in order, and what was seen last. */
export function CamerasPage(): ComponentChild {
  const { data, error, reload } = useResource("cameras", api.cameras);
  const cameras = data?.cameras ?? [];
  const ordered = cameras.toSorted(
    (a, b) => Number(healthState(a) === "normal") - Number(healthState(b) === "normal") || lastSeen(b) - lastSeen(a),
  );
  return (
    <>
      <header class="page-head">
        <h1>{t("camera.title")}</h1>
        <SimulatedBadge />
      </header>
      {error === undefined ? null : <ErrorBox error={error} onRetry={reload} />}
      {data === undefined && error === undefined ? <Skeleton rows={2} height={280} /> : null}
      {data !== undefined && cameras.length === 0 ? (
        <EmptyBox title={t("camera.none")} hint={t("camera.noneHint")} />
      ) : null}
      <div class="tiles">
        {ordered.map((camera) => (
          <Tile key={`${camera.siteId}/${camera.cameraId}`} camera={camera} />
        ))}
      </div>
    </>
  );
}

function healthState({ health }: Pick<Camera, "health">): ZoneState {
  if (health === null || health.state === "starting") return "unknown";
  return health.state === "ok" ? "normal" : "high";
}

/** In a word whether a camera is in order. */
export function CameraHealth(props: { readonly health: Camera["health"]; readonly siteId: string }): ComponentChild {
  const { health, siteId } = props;
  const state = healthState({ health });
  const text = health === null ? t("camera.health.none") : explain(health.explanation, timeZoneOf(siteId), now.value);
  return (
    <span class={`state-tag is-${state}`}>
      <Glyph state={state} />
      {state === "normal" ? t("camera.health.ok") : text}
    </span>
  );
}

function Tile({ camera }: { readonly camera: Camera }): ComponentChild {
  const timeZone = timeZoneOf(camera.siteId);
  const [newest, ...others] = camera.findings;
  const count = camera.findingsLastDay;
  return (
    <article class="card tile">
      <header class="tile-head">
        <h2>{localised(camera.name)}</h2>
        <CameraHealth health={camera.health} siteId={camera.siteId} />
      </header>
      {newest === undefined ? (
        <div class="picture is-missing">
          <strong>{t("camera.noPicture")}</strong>
          <span>{t("camera.noPictureHint")}</span>
        </div>
      ) : (
        <a class="tile-newest" href={linkTo(["findings", newest.findingId])}>
          <EvidencePicture finding={newest} reference={mainPicture(newest)} alt={findingName(newest)} />
          <span class="tile-caption">
            <strong>
              <Glyph state={newest.severity} />
              {findingName(newest)}
            </strong>
            <span>{timeText(newest.lastSeenMs, timeZone, now.value)}</span>
          </span>
        </a>
      )}
      <p class="quiet">
        {localised(camera.zoneName)} · {count === 0 ? t("camera.noFindings") : t("camera.findings", { count })}
      </p>
      {others.length === 0 ? null : (
        <ul class="thumbs">
          {others.slice(0, 4).map((finding) => (
            <li key={finding.findingId}>
              <a
                href={linkTo(["findings", finding.findingId])}
                aria-label={t("finding.open", { time: timeText(finding.lastSeenMs, timeZone, now.value) })}
              >
                <EvidencePicture finding={finding} reference={mainPicture(finding)} alt="" boxes={false} />
              </a>
            </li>
          ))}
        </ul>
      )}
    </article>
  );
}

function lastSeen(camera: Camera): number {
  return camera.findings[0]?.lastSeenMs ?? 0;
}
