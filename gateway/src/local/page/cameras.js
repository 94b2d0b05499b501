import { reasonField } from "./alarms.js";
import { ask } from "./ask.js";
import { make } from "./elements.js";
import { number, t } from "./format.js";
import { age } from "./gateway.js";
import { rowOf } from "./sources.js";

/** What of a camera is being learnt just now, and how far. */
function learningText({ normalPicture, rules = [] }) {
  const isNew = normalPicture !== undefined && normalPicture.learnt < normalPicture.of;
  const scenes = rules.filter(({ state, scene }) => state === "learning" && scene !== undefined);
  return [
    isNew ? t.learningNormal(number(normalPicture.learnt, 0), number(normalPicture.of, 0)) : "",
    ...scenes.map(({ ruleId, scene }) => t.learningScene(ruleId, number(scene.learnt, 0), number(scene.of, 0))),
  ].filter(Boolean);
}

/** Something was moved on purpose: what the camera learnt by itself is forgotten. */
function relearnButton({ cameraId, rules = [] }) {
  const hasScene = rules.some(({ scene }) => scene !== undefined);
  const whats = [["health", t.relearnHealth], ...(hasScene ? [["scene", t.relearnScene]] : [])];
  const button = make("button", "quiet", t.relearn);
  button.type = "button";
  button.addEventListener("click", () => {
    ask({
      heading: t.relearn,
      about: `${cameraId} · ${t.relearnMeans}`,
      fields: [{ name: "part", kind: "choice", label: t.relearnWhat, options: whats }, reasonField()],
      address: "/teach",
      bodyOf: ({ name, part, reason }) => ({ name, request: { kind: "learn-anew", cameraId, what: part, reason } }),
    });
  });
  return button;
}

export function cameraRow(camera) {
  const isUnknown = camera.health === "offline" || camera.health === "starting";
  const state = camera.health === "ok" ? "normal" : isUnknown ? "unknown" : "warning";
  const last = camera.lastFrameMs === null ? "" : age(camera.lastFrameMs);
  const counts = t.frames(number(camera.framesSeen, 0), number(camera.findings, 0));
  const looks = camera.looks === undefined ? "" : t.looks(number(camera.looks, 0));
  const heldBack = (camera.skipped?.busy ?? 0) + (camera.skipped?.limited ?? 0);
  const waited = heldBack === 0 ? "" : t.heldBack(number(heldBack, 0));
  return rowOf(
    state,
    t.cameraStates[camera.health] ?? camera.health,
    camera.cameraId,
    camera.problem,
    [last, counts, looks, waited].filter(Boolean).join(" · "),
    ...learningText(camera).map((text) => make("div", "detail muted", `◌ ${text}`)),
    make("div", "acts", relearnButton(camera)),
  );
}
