import { ImageOff } from "lucide-preact";
import type { ComponentChild } from "preact";
import { useState } from "preact/hooks";

import type { Teaching, TeachingMark } from "../api.generated.ts";
import { api } from "../api.ts";
import { timeText } from "../format.ts";
import { t } from "../i18n/language.ts";
import { now } from "../now.ts";

const shownMarks = 24;

/** What was marked of a thing, and what its newest fit got wrong, in pictures where the server has them. */
export function TeachMarks(props: {
  readonly teaching: Teaching;
  readonly thing: string;
  readonly timeZone: string;
}): ComponentChild {
  const { teaching, thing, timeZone } = props;
  const marks = teaching.marks.filter((mark) => mark.thing === thing);
  const fit = teaching.changes.find(
    (change) => change.thing === thing && /^version .* (fitted|suggested)/.test(change.after),
  );
  const wrong = fit?.mistakes.flatMap((crop) => marks.find((mark) => mark.crop === crop) ?? []) ?? [];
  const count = (answer: TeachingMark["answer"]): number => marks.filter((mark) => mark.answer === answer).length;
  return (
    <>
      {fit === undefined ? null : (
        <section class="teach-marks">
          <h3>{t("teach.mistakes")}</h3>
          <p class="quiet is-small">{fit.after}</p>
          {wrong.length === 0 ? (
            <p class="quiet">{t("teach.noMistakes")}</p>
          ) : (
            <Tiles marks={wrong} timeZone={timeZone} areWrong />
          )}
        </section>
      )}
      <section class="teach-marks">
        <h3>{t("teach.marks")}</h3>
        {marks.length === 0 ? (
          <p class="quiet">{t("teach.noMarks")}</p>
        ) : (
          <>
            <p class="quiet is-small">{t("teach.counts", { yes: count("yes"), no: count("no") })}</p>
            <Tiles marks={marks.slice(0, shownMarks)} timeZone={timeZone} />
          </>
        )}
      </section>
    </>
  );
}

function Tiles(props: {
  readonly marks: readonly TeachingMark[];
  readonly timeZone: string;
  readonly areWrong?: boolean;
}): ComponentChild {
  const { marks, timeZone, areWrong = false } = props;
  return (
    <ul class="teach-tiles">
      {marks.map((mark) => {
        const answer = t(mark.answer === "yes" ? "teach.marked.yes" : "teach.marked.no");
        const who = `${mark.author} · ${timeText(mark.timeMs, timeZone, now.value)}`;
        return (
          <li key={mark.crop}>
            <Crop mark={mark} alt={`${answer}, ${who}`} />
            <strong>
              {mark.answer === "yes" ? "✓" : "✗"} {answer}
            </strong>
            {areWrong ? <span>▲ {t("teach.judgedOtherwise")}</span> : null}
            <span class="quiet is-small">{who}</span>
          </li>
        );
      })}
    </ul>
  );
}

/** The region of the evidence picture that the gateway cut the crop from; the crop itself stays there. */
function Crop({ mark, alt }: { readonly mark: TeachingMark; readonly alt: string }): ComponentChild {
  const [ratio, setRatio] = useState(16 / 9);
  const { picture } = mark;
  if (picture === null) {
    return (
      <span class="teach-crop is-missing">
        <ImageOff size={20} aria-hidden="true" />
        {t("teach.atGateway")}
        <code>{mark.crop}</code>
      </span>
    );
  }
  const { left, top, right, bottom } = picture.region;
  const [width, height] = [Math.max(0.01, right - left), Math.max(0.01, bottom - top)];
  // The region's longer side fills the square.
  const scale = 1 / Math.max(width * ratio, height);
  const style = {
    width: `${scale * ratio * 100}%`,
    height: `${scale * 100}%`,
    left: `${50 - (left + width / 2) * scale * ratio * 100}%`,
    top: `${50 - (top + height / 2) * scale * 100}%`,
  };
  return (
    <span class="teach-crop">
      <img
        src={api.evidenceUrl(picture.sha256)}
        alt={alt}
        loading="lazy"
        decoding="async"
        style={style}
        onLoad={({ currentTarget: { naturalWidth, naturalHeight } }) => {
          if (naturalWidth > 0 && naturalHeight > 0) setRatio(naturalWidth / naturalHeight);
        }}
      />
    </span>
  );
}
