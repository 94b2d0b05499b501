import type { Box, FindingHead } from "@frostlight/contract";
import type { LoadedModel, SceneScore } from "@frostlight/edge-models";
import { describeError, isFrostlightError, type Logger } from "@frostlight/kernel";

import type { CameraRuleStatus, Frame } from "../core/camera.ts";
import type { CameraConfig } from "./camera-config.ts";
import { type EyesModels, FrameEyes } from "./eyes.ts";
import { LightJudge, type LightState } from "./light-state.ts";
import type { CameraModels } from "./model-pool.ts";
import type { MovingRegion } from "./moving-regions.ts";
import type { RuleHit } from "./rules/camera-rule.ts";
import { RunningRule } from "./running-rule.ts";
import { HeadShelf, type TaughtHeads } from "./taught-heads.ts";
import { type Track, Tracker } from "./tracks.ts";

export interface SceneHit extends RuleHit {
  readonly ruleId: string;
  readonly ruleKind: string;
  readonly modelId: string;
  readonly modelSha256: string;
  readonly heads: readonly FindingHead[];
  /** Everybody in the picture, also faint ones: whose faces are to be hidden. */
  readonly people: readonly Box[];
}

/** A detector that some of the rules want, with the tracks of what it finds. */
interface Sight {
  readonly model: LoadedModel;
  readonly tracker: Tracker;
  readonly askedScore: number;
}

/** What the networks say of a frame: boxes by detector, without those that failed. */
interface Found {
  readonly boxes: ReadonlyMap<string | null, readonly Box[]>;
  readonly scene: SceneScore | null;
}

/** The same with what was followed over frames. */
interface Seen {
  readonly tracks: ReadonlyMap<string | null, readonly Track[]>;
  readonly people: readonly Track[];
  readonly scene: SceneScore | null;
  /** People, also faint ones. */
  readonly faint: readonly Box[];
}

export interface VisionParts {
  readonly config: CameraConfig;
  readonly models: CameraModels;
  readonly taught: TaughtHeads;
  readonly timeZone: string;
  readonly stateFolder: string;
  readonly logger: Logger;
}

/** People whose box is fainter are not seen at all, not even to be hidden. */
const faintestScore = 0.1;
const defaultStartScore = 0.3;

/** The stages with the network: detector, tracks, rules. One frame at a time. */
export class CameraVision {
  readonly model: LoadedModel;
  readonly #logger: Logger;
  readonly #rules: readonly RunningRule[];
  readonly #sights: ReadonlyMap<string | null, Sight>;
  readonly #eyes: EyesModels;
  readonly #light = new LightJudge();
  /** The look before is judged. */
  #judged: Promise<void> = Promise.resolve();

  private constructor(
    sights: ReadonlyMap<string | null, Sight>,
    model: LoadedModel,
    rules: readonly RunningRule[],
    eyes: EyesModels,
    logger: Logger,
  ) {
    this.model = model;
    this.#sights = sights;
    this.#rules = rules;
    this.#eyes = eyes;
    this.#logger = logger;
  }

  /** @throws what the loader says of the camera's own detector; what else is missing only switches its rules off */
  static async open(parts: VisionParts): Promise<CameraVision> {
    const { config, models, taught, timeZone, logger } = parts;
    const context = { timeZone, longestGapMs: Math.max(30_000, config.idleSeconds * 2_500) };
    const rules = config.rules.map((rule) => new RunningRule(rule, config.id, context, parts));
    const model = await models.get(config.model);
    const sights = new Map<string | null, Sight>([[null, sightOf(model, rulesOf(rules, null))]]);
    for (const folder of new Set(rules.map((rule) => rule.modelFolder))) {
      if (folder === null) continue;
      await need(rulesOf(rules, folder), async () => {
        sights.set(folder, sightOf(await models.get(folder), rulesOf(rules, folder)));
      });
    }
    const shelf = new HeadShelf(model, taught);
    for (const id of new Set(rules.flatMap((rule) => rule.headIds))) {
      await need(
        rules.filter(({ headIds }) => headIds.includes(id)),
        () => shelf.fetch(id, models),
      );
    }
    await need(
      rules.filter((rule) => rule.usesFaces && rule.state.state !== "off"),
      () => models.faces(),
    );
    for (const rule of rules) await need([rule], () => rule.openScenes(model));
    const eyes: EyesModels = { detector: model, head: (id) => shelf.get(id), faces: () => models.faces() };
    return new CameraVision(sights, model, rules, eyes, logger);
  }

  /** What some rule wants this frame to be looked at for, whether anything large moves or not. */
  attention(blobs: readonly MovingRegion[]): "attention" | "learning" | null {
    const states = this.#rules
      .filter(({ rule, state }) => (state.state === "on" || state.state === "learning") && rule.isAttentive(blobs))
      .map(({ state }) => state.state);
    if (states.length === 0) return null;
    return states.includes("on") ? "attention" : "learning";
  }

  ruleStates(): readonly CameraRuleStatus[] {
    return this.#rules.map((rule) => rule.state);
  }

  /**
   * Looks may overlap: the network already works on this frame while the one before is judged; they are judged in order.
   * @param blobs what moved in this frame
   */
  async look(frame: Frame, blobs: readonly MovingRegion[] = []): Promise<readonly SceneHit[]> {
    const light = this.#light.look(frame);
    const scenic = this.#rules.find((rule) => rule.sceneKey(light) !== null);
    const finding = this.#find(frame, scenic, light);
    finding.catch(() => undefined); // told below, in its turn
    const before = this.#judged;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#judged = promise;
    await before;
    try {
      return await this.#judge(frame, blobs, light, scenic, this.#follow(await finding, frame));
    } finally {
      resolve();
    }
  }

  async #judge(
    frame: Frame,
    blobs: readonly MovingRegion[],
    light: LightState,
    scenic: RunningRule | undefined,
    seen: Seen,
  ): Promise<readonly SceneHit[]> {
    const jpegWidth = this.#rules.some(({ headIds }) => headIds.length > 0) ? await widthOfJpeg(frame) : null;
    const eyes = new FrameEyes(frame, this.#eyes, jpegWidth);
    const hits: SceneHit[] = [];
    for (const running of this.#rules) {
      const sight = this.#sights.get(running.modelFolder);
      const tracks = seen.tracks.get(running.modelFolder);
      const heads = running.heads(this.#eyes);
      if (sight === undefined || tracks === undefined || heads === undefined) continue;
      try {
        const scene = running === scenic ? seen.scene : await this.#furtherScene(running, light, frame);
        if (scene !== null) await running.noteScene(this.model, light, scene);
        const view = { ...frame, image: frame, tracks, people: seen.people, blobs, scene };
        const hit = await running.rule.look(view, eyes);
        running.explain(null);
        if (hit === null) continue;
        const { id: modelId, sha256: modelSha256 } = sight.model;
        const { ruleId, ruleKind } = running;
        hits.push({ ...hit, ruleId, ruleKind, modelId, modelSha256, heads, people: seen.faint });
      } catch (error) {
        // one rule's trouble is not its neighbours'
        running.explain(describeError(error));
      }
    }
    return hits;
  }

  /** Forgets what the rules know of the scene, durably; between two judgements. False: none of them remembers one. */
  async relearn(): Promise<boolean> {
    const before = this.#judged;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#judged = promise;
    await before;
    try {
      const forgotten: boolean[] = [];
      for (const rule of this.#rules) forgotten.push(await rule.forgetScene(this.model));
      return forgotten.includes(true);
    } finally {
      resolve();
    }
  }

  async close(): Promise<void> {
    for (const rule of this.#rules) await rule.closeScenes(this.model);
  }

  async #find(frame: Frame, scenic: RunningRule | undefined, light: LightState): Promise<Found> {
    const boxes = new Map<string | null, readonly Box[]>();
    let scene: SceneScore | null = null;
    for (const [folder, sight] of this.#sights) {
      if (folder === null) {
        const result = await this.#detect(sight, frame, scenic, light);
        scene = result.scene;
        boxes.set(null, result.boxes);
      } else {
        const found = await this.#otherBoxes(folder, sight, frame);
        if (found !== null) boxes.set(folder, found);
      }
    }
    return { boxes, scene };
  }

  #follow({ boxes, scene }: Found, frame: Frame): Seen {
    const tracks = new Map<string | null, readonly Track[]>();
    for (const [folder, found] of boxes) {
      const sight = this.#sights.get(folder);
      if (sight !== undefined) tracks.set(folder, sight.tracker.update(found, frame));
    }
    const faint = (boxes.get(null) ?? []).filter(({ label }) => label === "person");
    return { tracks, people: tracks.get(null) ?? [], scene, faint };
  }

  /** Boxes and the scene in one pass. A scene of another size of picture is learnt anew. */
  async #detect({ model, askedScore }: Sight, frame: Frame, scenic: RunningRule | undefined, light: LightState) {
    const key = scenic?.sceneKey(light) ?? undefined;
    try {
      return await model.detect(frame, { minScore: askedScore, scene: key });
    } catch (error) {
      if (scenic === undefined || !isFrostlightError(error, "scene/size-changed")) throw error;
      await scenic.relearn(model, light);
      return model.detect(frame, { minScore: askedScore });
    }
  }

  /** null: the model failed; its rules say so. */
  async #otherBoxes(folder: string, { model, askedScore }: Sight, frame: Frame): Promise<readonly Box[] | null> {
    try {
      return (await model.detect(frame, { minScore: askedScore })).boxes;
    } catch (error) {
      for (const rule of rulesOf(this.#rules, folder)) rule.explain(describeError(error));
      this.#logger.debug("own-model-failed", { folder, error: describeError(error) });
      return null;
    }
  }

  /** The first scene rule's judgement came with the boxes; a further one needs a pass of its own. */
  async #furtherScene(running: RunningRule, light: LightState, frame: Frame): Promise<SceneScore | null> {
    const scene = running.sceneKey(light);
    if (scene === null) return null;
    try {
      return (await this.model.detect(frame, { scene })).scene;
    } catch (error) {
      if (!isFrostlightError(error, "scene/size-changed")) throw error;
      await running.relearn(this.model, light);
      return null;
    }
  }
}

/** Does what some rules need; where that fails they are off and say why. */
async function need(rules: readonly RunningRule[], act: () => Promise<unknown>): Promise<void> {
  if (rules.length === 0) return;
  try {
    await act();
  } catch (error) {
    for (const rule of rules) rule.switchOff(describeError(error));
  }
}

function rulesOf(rules: readonly RunningRule[], folder: string | null): readonly RunningRule[] {
  return rules.filter((rule) => rule.modelFolder === folder);
}

/** Asks for boxes as faint as the tracker goes on with, and for those of whom only the face is to be hidden. */
function sightOf(model: LoadedModel, rules: readonly RunningRule[]): Sight {
  const wished = rules.map(({ minScore }) => minScore).filter((score) => score <= 1);
  const startScore = Math.min(defaultStartScore, ...wished);
  return { model, tracker: new Tracker(startScore), askedScore: Math.min(faintestScore, startScore / 2) };
}

async function widthOfJpeg({ jpeg }: Frame): Promise<number | null> {
  if (jpeg === null) return null;
  const { default: sharp } = await import("sharp");
  return (await sharp(jpeg).metadata()).width;
}
