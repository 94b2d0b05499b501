import type { Box, Explanation, Priority } from "@frostlight/contract";
import type { SceneScore } from "@frostlight/edge-models";
import type { z } from "zod";

import type { Track } from "../tracks.ts";

/** What a rule looks at: one frame after the network. */
export interface RuleView {
  readonly timeMs: number;
  readonly monotonicMs: number;
  /** Pixels of the frame, for minimum sizes. */
  readonly width: number;
  readonly height: number;
  readonly tracks: readonly Track[];
  /** The judgement of this rule's scene memory, if it has one. */
  readonly scene: SceneScore | null;
}

/** What a rule saw. */
export interface RuleHit {
  readonly severity: Priority;
  readonly firstSeenMs: number;
  readonly score: number;
  readonly threshold: number;
  readonly boxes: readonly Box[];
  readonly explanation: Explanation;
  /** Cells 0..1 to be shown over the picture. */
  readonly heatMap: { readonly columns: number; readonly rows: number; readonly cells: readonly number[] } | null;
}

export interface CameraRule {
  look(view: RuleView): RuleHit | null;
  /** The rule wants to see the next frames even if nothing moves. */
  isAttentive(): boolean;
}

/** How a rule's scene memory is to be kept. */
interface SceneWish {
  readonly learnFrames: number;
  readonly capacity: number;
  readonly margin: number;
  readonly label: string;
  readonly maskedLabels: readonly string[];
  readonly maskScore: number;
}

/** A kind of camera rule. */
export interface CameraRuleDefinition<K extends string = string, Options = unknown> {
  readonly kind: K;
  readonly options: z.ZodType<Options>;
  readonly example: unknown;
  /** A scene memory it needs, or null. */
  scene(options: Options): SceneWish | null;
  /** Boxes it wants to see from this score on. */
  minScore(options: Options): number;
  create(options: Options, context: { readonly timeZone: string }): CameraRule;
}

/** Gives a definition its types by inference. */
export function defineCameraRule<const K extends string, Options>(
  definition: CameraRuleDefinition<K, Options>,
): CameraRuleDefinition<K, Options> {
  return definition;
}
