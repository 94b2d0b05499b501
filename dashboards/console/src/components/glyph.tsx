import type { ComponentChild } from "preact";

import type { ZoneState } from "../api.generated.ts";
import { t } from "../i18n/language.ts";

/** The shapes of the states: never told apart by colour alone. */
const shapes: Readonly<Record<ZoneState, ComponentChild>> = {
  normal: <circle cx="8" cy="8" r="4.4" />,
  warning: <path d="M8 1.8 15 14H1z" />,
  high: <path d="M8 .8 15.2 8 8 15.2.8 8z" />,
  critical: <rect x="1.8" y="1.8" width="12.4" height="12.4" rx="1" />,
  unknown: (
    <circle cx="8" cy="8" r="5.6" fill="none" stroke="currentColor" stroke-width="2.2" stroke-dasharray="2.6 2.2" />
  ),
};

export function Glyph({ state, size = 16 }: { readonly state: ZoneState; readonly size?: number }): ComponentChild {
  return (
    <svg
      class={`glyph is-${state}`}
      width={size}
      height={size}
      viewBox="0 0 16 16"
      fill="currentColor"
      aria-hidden="true"
    >
      {shapes[state]}
    </svg>
  );
}

/** Shape and word together. */
export function StateTag({ state }: { readonly state: ZoneState }): ComponentChild {
  return (
    <span class={`state-tag is-${state}`}>
      <Glyph state={state} />
      {t(`state.${state}`)}
    </span>
  );
}
