import type { Box, Explanation, FindingFrame, Priority } from "@frostlight/contract";
import type { RgbImage, SceneScore } from "@frostlight/edge-models";
import type { z } from "zod";

import type { MovingRegion } from "../moving-regions.ts";
import type { Track } from "../tracks.ts";

/** A rectangle in fractions (0..1) of the picture's width and height. */
export type Region = Pick<Box, "left" | "top" | "right" | "bottom">;

/** What a rule looks at: one frame after the network. */
export interface RuleView {
  readonly timeMs: number;
  readonly monotonicMs: number;
  /** Pixels of the frame, for minimum sizes. */
  readonly width: number;
  readonly height: number;
  readonly image: RgbImage;
  /** Of the detector, or of the rule's own model. */
  readonly tracks: readonly Track[];
  /** People as the camera's detector sees them, whatever model the rule has. */
  readonly people: readonly Track[];
  /** What moved against the background, largest first. */
  readonly blobs: readonly MovingRegion[];
  /** The judgement of this rule's scene memory, if it has one. */
  readonly scene: SceneScore | null;
}

/** What a small model says about one region. */
export interface HeadJudgement {
  readonly verdict: "yes" | "no" | "uncertain";
  /** Probability (0..1) of what the head looks for: no mask, a rodent, the taught thing. */
  readonly score: number;
  /** From here on the head says yes, by its card. */
  readonly threshold: number;
}

/** Further looks at parts of the frame; each costs a pass, so rules ask only for what they need. */
export interface RuleEyes {
  /** How many times finer than the frame the picture is that they look at: 1, or more where the camera gave a large JPEG. */
  readonly detail: number;
  /**
   * @param headId one of those the definition named in `heads`
   * @returns one judgement for each region, in order
   */
  judge(headId: string, regions: readonly Region[]): Promise<readonly HeadJudgement[]>;
  /** Faces within people's boxes. Where a face is, never whose. */
  faces(persons: readonly Region[]): Promise<readonly Box[]>;
}

/** What a rule saw. */
export interface RuleHit {
  readonly severity: Priority;
  readonly firstSeenMs: number;
  readonly score: number;
  readonly threshold: number;
  readonly boxes: readonly Box[];
  /** The looks that spoke for it, oldest first. */
  readonly frames: readonly FindingFrame[];
  readonly explanation: Explanation;
  /** Cells 0..1 to be shown over the picture. */
  readonly heatMap: { readonly columns: number; readonly rows: number; readonly cells: readonly number[] } | null;
}

export interface CameraRule {
  look(view: RuleView, eyes: RuleEyes): RuleHit | null | Promise<RuleHit | null>;
  /**
   * The rule wants the network to look at this frame even if nothing large moves.
   * @param blobs what moved in it, however small
   */
  isAttentive(blobs: readonly MovingRegion[]): boolean;
}

/** How a rule's scene memory is to be kept. */
export interface SceneWish {
  readonly learnFrames: number;
  readonly capacity: number;
  readonly margin: number;
  readonly label: string;
  readonly maskedLabels: readonly string[];
  readonly maskScore: number;
  /** Leave people out even where none were about while it was learnt. */
  readonly alwaysMask: boolean;
  /** Day and night (infra-red) each have a memory of their own. */
  readonly dayAndNight: boolean;
}

export interface RuleContext {
  /** IANA name, for schedules. */
  readonly timeZone: string;
  /** Without a look for so long, what was seen before says nothing about now. */
  readonly longestGapMs: number;
}

/** What is known about how often a rule is right; told to people as it stands. */
interface RuleAccuracy {
  /** Figures, and on what they were measured. */
  readonly measured: string;
  /** "on": acts as soon as it is configured · "off": needs something more first (teaching, an own model). */
  readonly byDefault: "on" | "off";
}

/** A kind of camera rule. */
export interface CameraRuleDefinition<K extends string = string, Options = unknown> {
  readonly kind: K;
  readonly options: z.ZodType<Options>;
  readonly example: unknown;
  readonly accuracy: RuleAccuracy;
  /** A scene memory it needs, or null. */
  scene(options: Options): SceneWish | null;
  /** Small models it needs: shipped ones by id ("mask", "rodent"), taught ones as "taught:<thingId>". */
  heads(options: Options): readonly string[];
  /** It asks where faces are. */
  readonly usesFaces?: true;
  /** Folder of a detector of its own; null: the camera's. */
  model(options: Options): string | null;
  /** Boxes it wants to see from this score on; above 1: none. */
  minScore(options: Options): number;
  create(options: Options, context: RuleContext): CameraRule;
}

/** Gives a definition its types by inference. */
export function defineCameraRule<const K extends string, Options>(
  definition: CameraRuleDefinition<K, Options>,
): CameraRuleDefinition<K, Options> {
  return definition;
}

const taughtPrefix = "taught:";

/** The head of a thing the operator taught. */
export function taughtHeadId(thingId: string): string {
  return `${taughtPrefix}${thingId}`;
}

/** @returns the thing's id, or undefined for a shipped head */
export function taughtThingId(headId: string): string | undefined {
  return headId.startsWith(taughtPrefix) ? headId.slice(taughtPrefix.length) : undefined;
}
