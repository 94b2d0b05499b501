import type { ComponentChild, ComponentChildren } from "preact";
import { useState } from "preact/hooks";

import { RequestError } from "../../api.ts";
import { t } from "../../i18n/language.ts";
import { changes } from "../../store.ts";

type FormEvent = SubmitEvent & { readonly currentTarget: HTMLFormElement };

/** What is being typed, kept when the page is left: nothing typed is lost. */
const drafts = new Map<string, string>();

/** A text that survives leaving the page. */
export function useDraft(key: string, initial: string): readonly [string, (next: string) => void, () => void] {
  const [, turn] = useState(0);
  const change = (next: string): void => {
    drafts.set(key, next);
    turn((value) => value + 1);
  };
  const forget = (): void => {
    drafts.delete(key);
    turn((value) => value + 1);
  };
  return [drafts.get(key) ?? initial, change, forget];
}

/** A form that asks the gateway for something, always with a reason. */
export function RequestForm(props: {
  /** Names the draft of the reason. */
  readonly name: string;
  readonly submit: string;
  readonly reasonLabel?: string;
  readonly isReasonOptional?: boolean;
  /** Called once it was asked for, instead of saying so here. */
  readonly onAsked?: () => void;
  readonly send: (form: HTMLFormElement, reason: string) => Promise<unknown>;
  readonly onCancel?: () => void;
  readonly children?: ComponentChildren;
}): ComponentChild {
  const [reason, setReason, forgetReason] = useDraft(`reason ${props.name}`, "");
  const [state, setState] = useState<"typing" | "sending" | "asked">("typing");
  const [error, setError] = useState<string | null>(null);
  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    setState("sending");
    setError(null);
    try {
      await props.send(event.currentTarget, reason);
      forgetReason();
      setState("asked");
      changes.value += 1;
      props.onAsked?.();
    } catch (problem) {
      setState("typing");
      if (!(problem instanceof RequestError)) throw problem;
      setError(problem.status === "network" ? t("error.network") : t("error.other", { message: problem.message }));
    }
  };
  if (state === "asked") {
    return (
      <p class="form-done" role="status">
        {t("gateway.requested")}
      </p>
    );
  }
  return (
    <form class="form" onSubmit={(event) => void submit(event)}>
      {props.children}
      <label class="field">
        <span>{props.reasonLabel ?? t("gateway.reason")}</span>
        <input
          class="input"
          value={reason}
          required={props.isReasonOptional !== true}
          minLength={props.isReasonOptional === true ? 0 : 3}
          maxLength={500}
          onInput={(event) => {
            setReason(event.currentTarget.value);
          }}
        />
      </label>
      {error === null ? null : (
        <p class="form-error" role="alert">
          {error}
        </p>
      )}
      <div class="form-actions">
        <button class="button is-main" type="submit" disabled={state === "sending"}>
          {state === "sending" ? t("alarm.sending") : props.submit}
        </button>
        {props.onCancel === undefined ? null : (
          <button class="button is-quiet" type="button" onClick={props.onCancel}>
            {t("gateway.cancel")}
          </button>
        )}
      </div>
    </form>
  );
}
