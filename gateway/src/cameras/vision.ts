import { join } from "node:path";

import type { LoadedModel } from "@frostlight/edge-models";
import { describeError, type Logger } from "@frostlight/kernel";

import type { Frame } from "../core/camera.ts";
import type { CameraConfig } from "./camera-config.ts";
import type { MovingRegion } from "./moving-regions.ts";
import type { CameraRule, RuleEyes, RuleHit } from "./rules/camera-rule.ts";
import { readScene, writeScene } from "./scene-file.ts";
import { Tracker } from "./tracks.ts";

/** A rule with its place in the configuration. */
interface RunningRule {
  readonly ruleId: string;
  readonly ruleKind: string;
  readonly rule: CameraRule;
  readonly minScore: number;
  /** Key of its scene memory in the model; null when it has none. */
  readonly sceneKey: string | null;
  saved: boolean;
}

export interface SceneHit extends RuleHit {
  readonly ruleId: string;
  readonly ruleKind: string;
}

/** The stages with the network: detector, tracks, rules. One frame at a time. */
export class CameraVision {
  readonly model: LoadedModel;
  readonly #stateFolder: string;
  readonly #logger: Logger;
  readonly #rules: readonly RunningRule[];
  readonly #tracker = new Tracker();

  private constructor(model: LoadedModel, rules: readonly RunningRule[], stateFolder: string, logger: Logger) {
    this.model = model;
    this.#rules = rules;
    this.#stateFolder = stateFolder;
    this.#logger = logger;
  }

  static async open(parts: {
    readonly config: CameraConfig;
    readonly model: LoadedModel;
    readonly timeZone: string;
    readonly stateFolder: string;
    readonly logger: Logger;
  }): Promise<CameraVision> {
    const { config, model, timeZone, stateFolder, logger } = parts;
    const rules: RunningRule[] = [];
    for (const { own, kind, definition, options } of config.rules) {
      const wish = definition.scene(options);
      const sceneKey = wish === null ? null : `${config.id}/${own.id}`;
      let saved = true;
      if (wish !== null && sceneKey !== null) {
        const opened = await model.openScene(sceneKey, wish, await readScene(sceneFile(stateFolder, own.id)));
        saved = opened.kind === "restored";
        logger.info("scene-opened", { rule: own.id, ...opened });
      }
      const rule = definition.create(options, { timeZone, longestGapMs: Math.max(30_000, config.idleSeconds * 2_500) });
      rules.push({ ruleId: own.id, ruleKind: kind, rule, minScore: definition.minScore(options), sceneKey, saved });
    }
    return new CameraVision(model, rules, stateFolder, logger);
  }

  /** Some rule wants this frame to be looked at, whether anything large moves or not. */
  isAttentive(blobs: readonly MovingRegion[]): boolean {
    return this.#rules.some(({ rule }) => rule.isAttentive(blobs));
  }

  /** @param blobs what moved in this frame */
  async look(frame: Frame, blobs: readonly MovingRegion[] = []): Promise<readonly SceneHit[]> {
    const minScore = Math.min(...this.#rules.map((rule) => rule.minScore));
    const first = this.#rules.find((rule) => rule.sceneKey !== null);
    const result = await this.model.detect(frame, { minScore, scene: first?.sceneKey ?? undefined });
    const tracks = this.#tracker.update(result.boxes, frame);
    const hits: SceneHit[] = [];
    for (const running of this.#rules) {
      const scene = await this.#sceneOf(running, running === first ? result.scene : null, frame);
      const view = { ...frame, image: frame, tracks, people: tracks, blobs, scene };
      const hit = await running.rule.look(view, blindEyes);
      if (hit !== null) hits.push({ ...hit, ruleId: running.ruleId, ruleKind: running.ruleKind });
      if (scene?.phase === "ready" && !running.saved) await this.#save(running);
    }
    return hits;
  }

  async close(): Promise<void> {
    for (const { sceneKey } of this.#rules) if (sceneKey !== null) await this.model.closeScene(sceneKey);
  }

  /** The first scene rule's judgement came with the boxes; a further one needs a pass of its own. */
  async #sceneOf(running: RunningRule, judged: Awaited<ReturnType<LoadedModel["detect"]>>["scene"], frame: Frame) {
    if (running.sceneKey === null || judged !== null) return judged;
    return (await this.model.detect(frame, { scene: running.sceneKey })).scene;
  }

  async #save(running: RunningRule): Promise<void> {
    if (running.sceneKey === null) return;
    running.saved = true;
    try {
      const saved = await this.model.saveScene(running.sceneKey);
      if (saved !== null) await writeScene(sceneFile(this.#stateFolder, running.ruleId), saved);
    } catch (error) {
      this.#logger.error("scene-not-saved", { rule: running.ruleId, error: describeError(error) });
    }
  }
}

const blindEyes: RuleEyes = {
  detail: 1,
  judge: () => Promise.reject(new Error("no heads are loaded")),
  faces: () => Promise.resolve([]),
};

function sceneFile(stateFolder: string, ruleId: string): string {
  return join(stateFolder, `scene-${ruleId}.bin`);
}
