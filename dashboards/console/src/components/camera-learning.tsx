import { RotateCcw } from "lucide-preact";
import type { ComponentChild } from "preact";
import { useState } from "preact/hooks";

import type { CameraLearning } from "../api.generated.ts";
import { api } from "../api.ts";
import { explain } from "../explain.ts";
import { fieldText } from "../form.ts";
import { timeText } from "../format.ts";
import { t } from "../i18n/language.ts";
import { now } from "../now.ts";
import { may } from "../store.ts";
import { RequestForm } from "./gateway/request.tsx";

const parts: readonly CameraLearning["what"][] = ["health", "scene"];

/** What a camera was told to learn anew, and for those who may, telling it so. */
export function CameraLearningBox(props: {
  readonly siteId: string;
  readonly cameraId: string;
  readonly learning: readonly CameraLearning[];
  readonly timeZone: string;
  readonly onAsked: () => void;
}): ComponentChild {
  const { siteId, cameraId, learning, timeZone, onAsked } = props;
  const [isOpen, setOpen] = useState(false);
  const mayChange = may("set-service");
  const send = (form: HTMLFormElement, reason: string): Promise<unknown> =>
    api.learnAnew(siteId, cameraId, parts.find((part) => part === fieldText(form, "what")) ?? "health", reason);
  return (
    <div class="camera-learning">
      {learning.map(({ what, status, isLearnt, actor, reason, timeMs, outcome }) => (
        <p key={`${timeMs} ${status}`} class="is-small">
          {isLearnt ? "● " : "◌ "}
          {t(
            isLearnt
              ? `camera.isLearnt.${what}`
              : status === "done"
                ? `camera.learnt.${what}`
                : `camera.relearn.${what}`,
          )}
          {status === "done" ? "" : ` – ${t(`gateway.status.${status}`)}`}
          {outcome === null ? "" : ` · ${explain(outcome, timeZone, now.value)}`}
          <span class="quiet">
            {" "}
            {[actor, timeText(timeMs, timeZone, now.value), reason].filter((one) => one !== "").join(" · ")}
          </span>
        </p>
      ))}
      {mayChange && !isOpen ? (
        <button type="button" class="button is-quiet" onClick={() => setOpen(true)}>
          <RotateCcw size={18} aria-hidden="true" />
          {t("camera.relearn")}
        </button>
      ) : null}
      {mayChange && isOpen ? (
        <RequestForm
          name={`learn ${siteId} ${cameraId}`}
          submit={t("camera.relearn")}
          send={send}
          onAsked={() => {
            setOpen(false);
            onAsked();
          }}
          onCancel={() => setOpen(false)}
        >
          <p class="quiet">{t("camera.relearn.hint")}</p>
          <label class="field">
            <span>{t("camera.relearn.what")}</span>
            <select class="input" name="what">
              {parts.map((part) => (
                <option key={part} value={part}>
                  {t(`camera.relearn.${part}`)}
                </option>
              ))}
            </select>
          </label>
        </RequestForm>
      ) : null}
    </div>
  );
}
