import type { FindingHead } from "@frostlight/contract";
import type { LoadedModel, SceneScore } from "@frostlight/edge-models";
import { describeError, type Logger } from "@frostlight/kernel";

import type { CameraRuleStatus } from "../core/camera.ts";
import type { CameraConfig } from "./camera-config.ts";
import type { EyesModels } from "./eyes.ts";
import type { LightState } from "./light-state.ts";
import { type CameraRule, type RuleContext, type SceneWish, taughtThingId } from "./rules/camera-rule.ts";
import { readScene, removeScene, sceneFile, writeScene } from "./scene-file.ts";

type ConfiguredRule = CameraConfig["rules"][number];

/** A rule with its place in the configuration and what it needs. */
export class RunningRule {
  readonly ruleId: string;
  readonly ruleKind: string;
  readonly rule: CameraRule;
  readonly minScore: number;
  readonly headIds: readonly string[];
  readonly usesFaces: boolean;
  /** Folder of its own model; null: the camera's. */
  readonly modelFolder: string | null;
  readonly #scene: SceneWish | null;
  readonly #sceneKey: string;
  readonly #stateFolder: string;
  readonly #logger: Logger;
  /** Scenes that need not be written (any more). */
  readonly #saved = new Set<LightState>();
  #isLearning: boolean;
  #framesLearnt = 0;
  #areScenesOpen = false;
  #reason: string | null = null;
  #isWaiting = false;
  #isOffForGood = false;

  constructor(
    configured: ConfiguredRule,
    cameraId: string,
    context: RuleContext,
    place: { readonly stateFolder: string; readonly logger: Logger },
  ) {
    const { own, kind, definition, options } = configured;
    this.ruleId = own.id;
    this.ruleKind = kind;
    this.rule = definition.create(options, context);
    this.minScore = definition.minScore(options);
    this.headIds = definition.heads(options);
    this.usesFaces = definition.usesFaces === true;
    this.modelFolder = definition.model(options);
    this.#scene = definition.scene(options);
    this.#sceneKey = `${cameraId}/${own.id}`;
    this.#stateFolder = place.stateFolder;
    this.#logger = place.logger;
    this.#isLearning = this.#scene !== null;
  }

  get state(): CameraRuleStatus {
    const { ruleId, ruleKind } = this;
    const reason = this.#reason;
    if (reason !== null) return { ruleId, ruleKind, state: this.#isWaiting ? "waiting" : "off", reason };
    const state = this.#isLearning ? "learning" : "on";
    if (this.#scene === null) return { ruleId, ruleKind, state, reason: null };
    const of = this.#scene.learnFrames;
    const learnt = this.#isLearning ? Math.min(of, this.#framesLearnt) : of;
    return { ruleId, ruleKind, state, reason: null, scene: { learnt, of } };
  }

  /** Off until the gateway starts again: what it needs will not come by itself. */
  switchOff(reason: string): void {
    this.explain(reason);
    this.#isOffForGood = true;
  }

  /** Says why it found nothing in this look, or null. Logged on change. */
  explain(reason: string | null): void {
    if (this.#isOffForGood) return;
    this.#isWaiting = false;
    if (reason === this.#reason) return;
    this.#reason = reason;
    const details = { rule: this.ruleId, reason };
    if (reason === null) this.#logger.info("camera-rule-on", details);
    else this.#logger.warn("camera-rule-off", details);
  }

  /** The heads it judges with, or undefined when it cannot look: then it says why. */
  heads(models: Pick<EyesModels, "head">): readonly FindingHead[] | undefined {
    if (this.#isOffForGood) return undefined;
    const heads: FindingHead[] = [];
    for (const id of this.headIds) {
      const held = models.head(id);
      if (held === undefined) {
        const thing = taughtThingId(id);
        if (thing !== undefined) {
          this.explain(`"${thing}" is not taught yet, or for another detector`);
          this.#isWaiting = true;
        } else this.explain(`head "${id}" is not there`);
        return undefined;
      }
      heads.push({ id, sha256: held.sha256 });
    }
    return heads;
  }

  /** @throws `model/no-features` when the model can remember no scene */
  async openScenes(model: LoadedModel): Promise<void> {
    if (this.#scene === null) return;
    for (const light of this.#lights()) {
      await this.#open(model, this.#scene, light, await readScene(sceneFile(this.#stateFolder, this.ruleId, light)));
    }
    this.#areScenesOpen = true;
  }

  /** Forgets what it knows of the scene in this light and learns it anew: the camera gives another size of picture. */
  async relearn(model: LoadedModel, light: LightState): Promise<void> {
    if (this.#scene === null) return;
    const kept = this.#scene.dayAndNight ? light : "day";
    this.#saved.delete(kept);
    this.#isLearning = true;
    this.#framesLearnt = 0;
    await this.#open(model, this.#scene, kept, null);
  }

  /** Forgets the scene in every light, on disk too. False: it remembers none. */
  async forgetScene(model: LoadedModel): Promise<boolean> {
    if (this.#scene === null || !this.#areScenesOpen) return false;
    for (const light of this.#lights()) {
      await removeScene(sceneFile(this.#stateFolder, this.ruleId, light));
      await this.relearn(model, light);
    }
    return true;
  }

  async #open(model: LoadedModel, scene: SceneWish, light: LightState, saved: Uint8Array | null): Promise<void> {
    const { dayAndNight: _, ...setup } = scene;
    const opened = await model.openScene(this.#keyOf(light), setup, saved);
    if (opened.kind === "restored") this.#saved.add(light);
    this.#logger.info("scene-opened", { rule: this.ruleId, light, ...opened });
  }

  async closeScenes(model: LoadedModel): Promise<void> {
    if (!this.#areScenesOpen) return;
    for (const light of this.#lights()) await model.closeScene(this.#keyOf(light));
  }

  /** Key of its scene memory in the model for this light; null when it has none. */
  sceneKey(light: LightState): string | null {
    return this.#areScenesOpen ? this.#keyOf(light) : null;
  }

  /** Takes note of how far the scene is learnt, and writes it once it is. */
  async noteScene(model: LoadedModel, light: LightState, scene: SceneScore): Promise<void> {
    this.#isLearning = scene.phase !== "ready";
    this.#framesLearnt = scene.framesLearnt;
    const kept = this.#scene?.dayAndNight === true ? light : "day";
    if (this.#isLearning || this.#saved.has(kept)) return;
    try {
      const saved = await model.saveScene(this.#keyOf(light));
      // this look was begun before the scene was forgotten
      if (saved === null) return;
      this.#saved.add(kept);
      await writeScene(sceneFile(this.#stateFolder, this.ruleId, kept), saved);
    } catch (error) {
      this.#saved.add(kept);
      this.#logger.error("scene-not-saved", { rule: this.ruleId, error: describeError(error) });
    }
  }

  #lights(): readonly LightState[] {
    return this.#scene?.dayAndNight === true ? ["day", "night"] : ["day"];
  }

  #keyOf(light: LightState): string {
    return this.#scene?.dayAndNight === true && light === "night" ? `${this.#sceneKey}/night` : this.#sceneKey;
  }
}
