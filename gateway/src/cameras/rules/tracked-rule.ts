import type { Priority } from "@frostlight/contract";
import type { ScheduleEntry } from "@frostlight/kernel";

import type { Track } from "../tracks.ts";
import type { CameraRule, RuleContext, RuleHit, RuleView } from "./camera-rule.ts";
import { Confirmation } from "./confirmation.ts";
import { hitOf, seen } from "./people.ts";
import { isOnDuty } from "./rule-options.ts";

type TrackedOptions = ConstructorParameters<typeof Confirmation>[0] & {
  readonly when?: readonly ScheduleEntry[] | undefined;
  readonly severity: Priority;
  readonly minScore: number;
};

interface Told {
  readonly code: string;
  /** Name of the parameter that says how many. */
  readonly counted?: "people" | "count";
  readonly parameters?: RuleHit["explanation"]["parameters"];
}

/** A rule about who or what was followed in a place for long enough. Which tracks count, and what is said of them, is each rule's own. */
export function trackedRule(
  chosen: TrackedOptions,
  { timeZone, longestGapMs }: RuleContext,
  own: {
    readonly counts: (view: RuleView) => readonly Track[];
    /** @param best the one the finding rests on */
    readonly tell: (best: Track | undefined) => Told;
  },
): CameraRule {
  const { severity, minScore: threshold } = chosen;
  const confirmation = new Confirmation(chosen, longestGapMs);
  return {
    isAttentive: () => confirmation.isOpen,
    look: (view) => {
      const tracks = isOnDuty(chosen, timeZone, view.timeMs) ? own.counts(view) : [];
      const confirmed = confirmation.look(tracks.map(seen), view);
      const { parameters, ...told } = own.tell(tracks.find(({ trackId }) => trackId === confirmed[0]?.key));
      return hitOf(confirmed, tracks, { severity, threshold, ...told, parameters: { threshold, ...parameters } });
    },
  };
}
