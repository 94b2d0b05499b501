import type { SceneScore } from "@frostlight/edge-models";
import { z } from "zod";

import { type CameraRule, defineCameraRule, type RuleContext, type RuleHit, type RuleView } from "./camera-rule.ts";
import { Confirmation } from "./confirmation.ts";
import { isInPlace, isLargeEnough, isOnDuty, ruleOptions } from "./rule-options.ts";

const options = z.strictObject({
  ...ruleOptions({ severity: "warning", k: 3, n: 3, minWidth: 1, minHeight: 1 }),
  /** Frames the normal scene is learnt from; the last 30 % set the threshold. */
  learnFrames: z.int().min(20).max(100_000).default(600),
  /** Patches of the scene kept at most, besides eight of each place. */
  capacity: z.int().min(50).max(5_000).default(1_200),
  /** Threshold = highest score of the calibration frames × this. */
  margin: z.number().min(1).max(5).default(1.1),
  /** Change it to have the scene learnt anew. */
  label: z.string().min(1).max(64).default("1"),
  /**
   * Boxes of these things are left out of the scene, from this score on. Where none were about while it was learnt they
   * are as unusual as anything else, unless the rule judges while people are about.
   */
  maskedLabels: z.array(z.string().min(1)).default(["person"]),
  maskScore: z.number().min(0.05).max(1).default(0.2),
  /** Judge also while people are about: what they carry and move is found too. */
  whileAttended: z.boolean().default(false),
  /** Nobody was seen for so long: unattended. */
  unattendedSeconds: z.number().min(0).max(3_600).default(30),
  /** Day and night (infra-red, lights out) are learnt apart. */
  dayAndNight: z.boolean().default(true),
});
type Options = z.output<typeof options>;

/** As in the scene's score: the mean of so many of the strangest cells. */
const strangestCells = 3;

/** Something in the picture that this camera has not shown before. */
export const unusualScene = defineCameraRule({
  kind: "unusual-scene",
  options,
  example: { learnFrames: 100 },
  accuracy: {
    measured:
      "AUROC 0.998 on six synthetic static scenes kept aside, 93 % of unusual frames found, 0 % of normal ones " +
      "flagged after three in a row; 0.86 and 0.97 on a street with people (edge-models/person-centernet)",
    byDefault: "on",
  },
  scene: ({ learnFrames, capacity, margin, label, maskedLabels, maskScore, whileAttended, dayAndNight }: Options) => ({
    learnFrames,
    capacity,
    margin,
    label,
    maskedLabels,
    maskScore,
    alwaysMask: whileAttended,
    dayAndNight,
  }),
  heads: () => [],
  model: () => null,
  minScore: ({ maskScore }: Options) => maskScore,
  create: (chosen: Options, context) => new UnusualScene(chosen, context),
});

class UnusualScene implements CameraRule {
  readonly #options: Options;
  readonly #timeZone: string;
  readonly #confirmation: Confirmation;
  #learning = true;
  #attendedMs = Number.NEGATIVE_INFINITY;

  constructor(chosen: Options, { timeZone, longestGapMs }: RuleContext) {
    this.#options = chosen;
    this.#timeZone = timeZone;
    this.#confirmation = new Confirmation(chosen, longestGapMs);
  }

  isAttentive(): boolean {
    return this.#learning || this.#confirmation.isOpen;
  }

  look(view: RuleView): RuleHit | null {
    const { scene } = view;
    if (view.people.some(({ label, seen }) => label === "person" && seen.at(-1) === true)) {
      this.#attendedMs = view.monotonicMs;
    }
    if (scene === null) return null;
    this.#learning = scene.phase !== "ready";
    const judged = this.#isWatching(view) ? this.#judge(scene, view) : null;
    const sightings = judged === null ? [] : [{ key: "scene", seen: judged.isStrange, score: judged.score }];
    const [confirmed] = this.#confirmation.look(sightings, view);
    if (confirmed === undefined || judged === null) return null;
    const { score, threshold } = judged;
    const { firstSeenMs, heldSeconds, frames } = confirmed;
    const cells = Array.from(scene.cells, (distance) => Math.min(1, distance / (2 * threshold)));
    return {
      severity: this.#options.severity,
      firstSeenMs,
      score,
      threshold,
      boxes: [],
      frames,
      explanation: { code: "unusual-scene", parameters: { score, threshold, heldSeconds } },
      heatMap: { columns: scene.columns, rows: scene.rows, cells },
    };
  }

  #isWatching(view: RuleView): boolean {
    const { whileAttended, unattendedSeconds } = this.#options;
    if (!isOnDuty(this.#options, this.#timeZone, view.timeMs)) return false;
    return whileAttended || view.monotonicMs - this.#attendedMs >= unattendedSeconds * 1_000;
  }

  /** null: nearly everything is hidden, or it is still being learnt. */
  #judge({ score, threshold, columns, rows, cells }: SceneScore, view: RuleView) {
    if (score === null || threshold === null) return null;
    const counted = Array.from(cells, (distance, cell) => {
      const x = ((cell % columns) + 0.5) / columns;
      const y = (Math.floor(cell / columns) + 0.5) / rows;
      return isInPlace(this.#options, x, y) ? distance : 0;
    });
    const isEverywhere = counted.every((distance, cell) => distance === cells[cell]);
    const highest = counted.toSorted((a, b) => b - a).slice(0, strangestCells);
    const own = isEverywhere ? score : highest.reduce((sum, value) => sum + value, 0) / strangestCells;
    const isStrange = own > threshold && isLargeEnough(this.#options, extent(counted, threshold, columns, rows), view);
    return { score: own, threshold, isStrange };
  }
}

/** The rectangle around the cells beyond the threshold. */
function extent(cells: readonly number[], threshold: number, columns: number, rows: number) {
  let [left, right, top, bottom] = [columns, 0, rows, 0];
  for (const [cell, distance] of cells.entries()) {
    if (distance <= threshold) continue;
    const column = cell % columns;
    const row = Math.floor(cell / columns);
    [left, right] = [Math.min(left, column), Math.max(right, column + 1)];
    [top, bottom] = [Math.min(top, row), Math.max(bottom, row + 1)];
  }
  // the score may be beyond it by its mean while no single cell is
  if (right === 0) return { left: 0, right: 1 / columns, top: 0, bottom: 1 / rows };
  return { left: left / columns, right: right / columns, top: top / rows, bottom: bottom / rows };
}
