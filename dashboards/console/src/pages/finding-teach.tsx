import type { ComponentChild } from "preact";
import { useRef, useState } from "preact/hooks";

import type { Finding } from "../api.generated.ts";
import { api, RequestError } from "../api.ts";
import { TeachMarks } from "../components/teach-marks.tsx";
import { explain } from "../explain.ts";
import { timeText } from "../format.ts";
import { t } from "../i18n/language.ts";
import { now } from "../now.ts";
import { useResource } from "../resource.ts";
import { changes, may, timeZoneOf } from "../store.ts";

interface Region {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

const steps = new Set(["define-thing", "mark", "fit", "activate", "deactivate", "roll-back", "remove"] as const);
type Step = typeof steps extends Set<infer S> ? S : never;
const isStep = (step: string): step is Step => (steps as ReadonlySet<string>).has(step); // any text may be asked for
const shownRecords = 8;

/** Marks on a finding's own picture, and the steps that follow; what the gateway answered stands below. */
export function FindingTeach({ finding }: { readonly finding: Finding }): ComponentChild {
  const { gatewayId, cameraId, siteId } = finding;
  const { data, reload } = useResource(`teaching ${gatewayId}`, () => api.teaching(gatewayId));
  const [chosen, setChosen] = useState<string | undefined>(undefined);
  const [region, setRegion] = useState<Region | undefined>(finding.boxes[0]);
  const [version, setVersion] = useState(1);
  const [acceptWeak, setAcceptWeak] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const timeZone = timeZoneOf(siteId);
  const plain = finding.evidence.find(({ role, mediaType }) => role === "original" && mediaType === "image/jpeg");
  const known = [...new Set(data?.changes.filter(({ after }) => after !== "removed").map(({ thing }) => thing))];
  const thing = chosen ?? known[0];
  if (!may("judge-findings") || data === undefined) return null;
  if (thing === undefined) {
    return (
      <section class="card">
        <h2>{t("teach.title")}</h2>
        <p class="quiet">{t("teach.none")}</p>
      </section>
    );
  }
  const send = async (step: object): Promise<void> => {
    setError(null);
    try {
      await api.teach(gatewayId, { thing, ...step });
      changes.value += 1;
      reload();
    } catch (problem) {
      if (!(problem instanceof RequestError)) throw problem;
      setError(problem.status === "network" ? t("error.network") : t("error.other", { message: problem.message }));
    }
  };
  const mark = (answer: "yes" | "no"): void => {
    if (plain === undefined || region === undefined) return;
    const { left, top, right, bottom } = region;
    const picture = { kind: "evidence", cameraId, sha256: plain.sha256 };
    void send({ kind: "mark", picture, region: { left, top, right, bottom }, answer });
  };
  const open = data.requests.filter(({ status }) => status !== "done").slice(0, shownRecords);
  return (
    <section class="card teach">
      <h2>{t("teach.title")}</h2>
      <label class="field">
        <span>{t("teach.thing")}</span>
        <select
          class="input"
          value={thing}
          onChange={(event) => {
            setChosen(event.currentTarget.value);
          }}
        >
          {known.map((one) => (
            <option key={one}>{one}</option>
          ))}
        </select>
      </label>
      {plain?.stored === true ? (
        <>
          <p class="quiet">{t("teach.hint")}</p>
          <ChoosingPicture finding={finding} sha256={plain.sha256} region={region} onChoose={setRegion} />
          <div class="verdict-choices">
            {(["yes", "no"] as const).map((answer) => (
              <button
                key={answer}
                type="button"
                class="button"
                disabled={region === undefined}
                onClick={() => {
                  mark(answer);
                }}
              >
                {t(`teach.${answer}`)}
              </button>
            ))}
          </div>
        </>
      ) : null}
      <div class="verdict-choices">
        {(["fit", "deactivate", "roll-back"] as const).map((kind) => (
          <button key={kind} type="button" class="button" onClick={() => void send({ kind })}>
            {t(`teach.step.${kind}`)}
          </button>
        ))}
      </div>
      <div class="teach-version">
        <label class="field">
          <span>{t("teach.version")}</span>
          <input
            class="input"
            type="number"
            min={1}
            value={version}
            onInput={(event) => {
              setVersion(Math.max(1, Math.floor(Number(event.currentTarget.value))));
            }}
          />
        </label>
        <label class="check">
          <input
            type="checkbox"
            checked={acceptWeak}
            onChange={(event) => {
              setAcceptWeak(event.currentTarget.checked);
            }}
          />
          {t("teach.acceptWeak")}
        </label>
        <button type="button" class="button" onClick={() => void send({ kind: "activate", version, acceptWeak })}>
          {t("teach.step.activate", { version })}
        </button>
      </div>
      {error === null ? null : (
        <p class="form-error" role="alert">
          {error}
        </p>
      )}
      <TeachMarks teaching={data} thing={thing} timeZone={timeZone} />
      <h3>{t("teach.record")}</h3>
      <ul class="plain">
        {open.map(({ commandId, thing: about, step, status, outcome, actor, issuedAtMs }) => (
          <li key={commandId}>
            {about}: {isStep(step) ? t(`teach.step.${step}`, { version: "" }) : step} – {t(`gateway.status.${status}`)}
            {outcome === null ? "" : ` · ${explain(outcome, timeZone, now.value)}`}
            <span class="quiet is-small">
              {" "}
              {actor} · {timeText(issuedAtMs, timeZone, now.value)}
            </span>
          </li>
        ))}
        {data.changes.slice(0, shownRecords).map((change, index) => (
          <li key={`${change.timeMs} ${index}`}>
            {change.thing}: {change.after}
            <span class="quiet is-small">
              {" "}
              {change.author} · {timeText(change.timeMs, timeZone, now.value)}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** The finding's plain picture; a box is taken by touch, a frame is drawn by dragging. */
function ChoosingPicture(props: {
  readonly finding: Finding;
  readonly sha256: string;
  readonly region: Region | undefined;
  readonly onChoose: (region: Region) => void;
}): ComponentChild {
  const { finding, sha256, region, onChoose } = props;
  const from = useRef<readonly [number, number] | undefined>(undefined);
  const dragged = useRef(false);
  const at = (event: PointerEvent & { readonly currentTarget: HTMLElement }): readonly [number, number] => {
    const { left, top, width, height } = event.currentTarget.getBoundingClientRect();
    const within = (value: number): number => Math.max(0, Math.min(1, value));
    return [within((event.clientX - left) / width), within((event.clientY - top) / height)];
  };
  const isOwn = region !== undefined && !finding.boxes.some((box) => isSame(box, region));
  return (
    <div
      class="picture teach-picture"
      onPointerDown={(event) => {
        from.current = at(event);
        dragged.current = false;
      }}
      onPointerMove={(event) => {
        const begin = from.current;
        if (begin === undefined || event.buttons === 0) return;
        const to = at(event);
        const [left, right] = [Math.min(begin[0], to[0]), Math.max(begin[0], to[0])];
        const [top, bottom] = [Math.min(begin[1], to[1]), Math.max(begin[1], to[1])];
        if (right - left < 0.01 || bottom - top < 0.01) return;
        dragged.current = true;
        onChoose({ left, top, right, bottom });
      }}
      onPointerUp={() => {
        from.current = undefined;
      }}
    >
      <img src={api.evidenceUrl(sha256)} alt="" draggable={false} />
      {finding.boxes.map((box, index) => (
        <button
          key={index}
          type="button"
          class="teach-box"
          aria-pressed={region !== undefined && isSame(box, region)}
          aria-label={`${box.label} ${index + 1}`}
          style={placeOf(box)}
          onClick={() => {
            if (!dragged.current) onChoose(box);
          }}
        />
      ))}
      {isOwn ? <span class="teach-box is-own" style={placeOf(region)} /> : null}
    </div>
  );
}

function isSame(a: Region, b: Region): boolean {
  return a.left === b.left && a.top === b.top && a.right === b.right && a.bottom === b.bottom;
}

function placeOf({ left, top, right, bottom }: Region) {
  return {
    left: `${left * 100}%`,
    top: `${top * 100}%`,
    width: `${(right - left) * 100}%`,
    height: `${(bottom - top) * 100}%`,
  };
}
