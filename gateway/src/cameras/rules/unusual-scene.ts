import { z } from "zod";

import { type CameraRule, defineCameraRule, type RuleHit, type RuleView } from "./camera-rule.ts";

const options = z.strictObject({
  /** Frames the normal scene is learnt from; the last 30 % set the threshold. */
  learnFrames: z.int().min(20).max(100_000).default(600),
  /** Patches of the scene kept at most. */
  capacity: z.int().min(50).max(5_000).default(1_200),
  /** Threshold = highest score of the calibration frames × this. */
  margin: z.number().min(1).max(5).default(1.1),
  /** Strange frames in a row. */
  inARow: z.int().min(1).max(100).default(3),
  severity: z.enum(["warning", "high", "critical"]).default("warning"),
  realarmMinutes: z.number().min(0).max(1_440).default(30),
  /** Change it to have the scene learnt anew. */
  label: z.string().min(1).max(64).default("1"),
  /** Boxes of these things are left out of the scene, from this score on. */
  maskedLabels: z.array(z.string().min(1)).default(["person"]),
  maskScore: z.number().min(0.05).max(1).default(0.2),
});
type Options = z.output<typeof options>;

/** Something in the picture that this camera has not shown before. */
export const unusualScene = defineCameraRule({
  kind: "unusual-scene",
  options,
  example: { learnFrames: 100 },
  accuracy: { measured: "AUROC 1.000 on a synthetic static scene (edge-models/person-centernet)", byDefault: "on" },
  scene: ({ learnFrames, capacity, margin, label, maskedLabels, maskScore }: Options) => ({
    learnFrames,
    capacity,
    margin,
    label,
    maskedLabels,
    maskScore,
    dayAndNight: false,
  }),
  heads: () => [],
  model: () => null,
  minScore: () => 1,
  create: (chosen: Options) => new UnusualScene(chosen),
});

class UnusualScene implements CameraRule {
  readonly #options: Options;
  #strange = 0;
  #sinceMs = 0;
  #lastFindingMs: number | undefined;
  #learning = true;

  constructor(chosen: Options) {
    this.#options = chosen;
  }

  isAttentive(): boolean {
    return this.#learning || this.#strange > 0;
  }

  look(view: RuleView): RuleHit | null {
    const { scene } = view;
    if (scene === null) return null;
    this.#learning = scene.phase !== "ready";
    if (scene.score === null || scene.threshold === null) return null;
    if (scene.score <= scene.threshold) {
      this.#strange = 0;
      return null;
    }
    if (this.#strange === 0) this.#sinceMs = view.timeMs;
    this.#strange += 1;
    const { inARow, realarmMinutes, severity } = this.#options;
    if (this.#strange < inARow) return null;
    const last = this.#lastFindingMs;
    if (last !== undefined && view.monotonicMs - last < realarmMinutes * 60_000) return null;
    this.#lastFindingMs = view.monotonicMs;
    const { score, threshold } = scene;
    const heldSeconds = Math.max(0, Math.round((view.timeMs - this.#sinceMs) / 1_000));
    const cells = Array.from(scene.cells, (distance) => Math.min(1, distance / (2 * threshold)));
    return {
      severity,
      firstSeenMs: this.#sinceMs,
      score,
      threshold,
      boxes: [],
      frames: [{ timeMs: view.timeMs, score }],
      explanation: { code: "unusual-scene", parameters: { score, threshold, heldSeconds } },
      heatMap: { columns: scene.columns, rows: scene.rows, cells },
    };
  }
}
