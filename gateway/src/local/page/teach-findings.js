import { make } from "./elements.js";
import { language } from "./format.js";
import { clockTime, sentence } from "./gateway.js";
import { teachTexts } from "./teach-texts.js";
import { button } from "./teach-thing.js";

const t = teachTexts[language];
const keys = { 1: "true", 2: "false", 3: "unclear" };

/** A finding with its picture or clip and the three verdicts; keys 1, 2 and 3 give them. */
export function findingCard(finding, judge) {
  const { findingId, cameraId, ruleId, lastSeenMs, explanation, picture, clip, verdict } = finding;
  const image = picture === null ? null : make("img", "finding-picture");
  if (image !== null) {
    image.src = `/teach/picture.jpg?sha256=${picture}`;
    image.alt = "";
    image.loading = "lazy";
    image.addEventListener("error", () => image.remove());
  }
  const video = clip === null ? null : make("video", "finding-picture");
  if (video !== null) {
    video.src = `/teach/clip.mp4?sha256=${clip}`;
    Object.assign(video, { controls: true, muted: true, playsInline: true, preload: "none" });
    video.setAttribute("aria-label", t.clip);
    if (image !== null) video.poster = image.src;
  }
  const choices = Object.keys(t.verdicts).map((value) => {
    const choice = button(t.verdicts[value], "", () => judge(findingId, value));
    choice.setAttribute("aria-pressed", String(verdict?.verdict === value));
    return choice;
  });
  const card = make(
    "li",
    "",
    video ?? image,
    make("div", "title", sentence(explanation)),
    make("div", "muted", `${cameraId} · ${ruleId} · ${clockTime(lastSeenMs)}`),
    make("div", "choices", ...choices),
    verdict === null ? null : make("div", "muted", t.judged(t.verdicts[verdict.verdict], verdict.by)),
  );
  card.tabIndex = 0;
  card.addEventListener("keydown", (event) => {
    if (event.target === card && keys[event.key] !== undefined) judge(findingId, keys[event.key]);
  });
  return card;
}
