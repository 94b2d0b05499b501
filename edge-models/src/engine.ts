import { FrostlightError } from "@frostlight/kernel/errors";

import { type Detection, type Detector, openDetector } from "./detector.ts";
import {
  cutSquare,
  type DescriptorSetup,
  mirrored,
  poolLayers,
  type Region,
  squareAround,
} from "./heads/descriptor.ts";
import type { Placement } from "./letterbox.ts";
import type { ModelManifest } from "./manifest.ts";
import type { NetworkInput } from "./network-input.ts";
import type { DetectedBox, FeatureMap, RgbImage } from "./picture.ts";
import { createGraphNearest } from "./scene/graph-nearest.ts";
import { jitter } from "./scene/jitter.ts";
import { SceneMemory, type SceneOptions, type SceneScore } from "./scene/memory.ts";
import type { NearestSearch } from "./scene/nearest.ts";
import { describePatches, maskCells } from "./scene/patches.ts";
import { decodeScene, encodeScene } from "./scene/saved-scene.ts";

export interface DetectOptions {
  /** Boxes below are left out; the manifest's threshold by default. */
  readonly minScore?: number | undefined;
  /** Also hand out the feature maps (copied). */
  readonly features?: boolean | undefined;
  /** Also judge the frame by this scene memory, opened before. */
  readonly scene?: string | undefined;
}

export interface DetectResult {
  readonly boxes: readonly DetectedBox[];
  readonly features: readonly FeatureMap[] | null;
  readonly placement: Placement;
  readonly scene: SceneScore | null;
  /** Resizing, inference and decoding. */
  readonly durationMs: number;
}

export interface SceneSetup extends SceneOptions {
  /** Changed by the operator to have the scene learnt anew. */
  readonly label: string;
  /** Labels whose boxes are left out of the scene. */
  readonly maskedLabels: readonly string[];
  /** Boxes from this score on are left out; lower than what alarms, since a half-seen person is none of the scene. */
  readonly maskScore: number;
}

export type SceneOpened =
  | { readonly kind: "restored"; readonly framesLearnt: number }
  | { readonly kind: "new" }
  | { readonly kind: "relearn"; readonly reason: "corrupt" | "model-or-label-changed"; readonly detail: string };

interface Scene {
  readonly setup: SceneSetup;
  memory: SceneMemory;
}

/** A model with its scene memories, in the thread it was made in. One call at a time. */
export class ModelEngine {
  readonly #detector: Detector;
  readonly #nearest: NearestSearch | undefined;
  readonly #manifest: ModelManifest;
  readonly #scenes = new Map<string, Scene>();

  constructor(detector: Detector, manifest: ModelManifest, nearest: NearestSearch | undefined) {
    this.#detector = detector;
    this.#manifest = manifest;
    this.#nearest = nearest;
  }

  async detect(image: RgbImage, options: DetectOptions): Promise<DetectResult> {
    const startMs = performance.now();
    const scene = options.scene === undefined ? undefined : this.#scenes.get(options.scene);
    if (options.scene !== undefined && scene === undefined) {
      throw new FrostlightError("scene/unknown", "bug", `scene "${options.scene}" was not opened`);
    }
    const asked = options.minScore ?? this.#manifest.thresholds.score;
    const minScore = scene === undefined ? asked : Math.min(asked, scene.setup.maskScore);
    const wantFeatures = options.features === true || scene !== undefined;
    const detection = await this.#detector.detect(image, wantFeatures, minScore);
    const judged = scene === undefined ? null : await this.#judge(scene, image, detection);
    const boxes = detection.boxes.filter((box) => box.score >= asked);
    return { ...resultOf(detection, options), boxes, scene: judged, durationMs: performance.now() - startMs };
  }

  /** Without a scene: those need the picture itself. */
  async detectInput(input: NetworkInput, options: Omit<DetectOptions, "scene">): Promise<DetectResult> {
    const startMs = performance.now();
    const detection = await this.#detector.detectInput(input, options.features === true, options.minScore);
    return { ...resultOf(detection, options), durationMs: performance.now() - startMs };
  }

  /** One vector per region, in the same order: one pass of the network for each. */
  async describe(image: RgbImage, regions: readonly Region[], setup: DescriptorSetup): Promise<Float32Array[]> {
    if (this.#manifest.features.length === 0) {
      const message = `model ${this.#manifest.id} has no feature outputs to describe a region with`;
      throw new FrostlightError("model/no-features", "config", message);
    }
    const descriptors: Float32Array[] = [];
    for (const region of regions) {
      const square = cutSquare(image, squareAround(image, region, setup.margin));
      const descriptor = poolLayers(await this.#detector.describe(square, setup.size, setup.strides), setup);
      descriptors.push(descriptor);
      if (setup.mirror !== true) continue;
      const other = poolLayers(await this.#detector.describe(mirrored(square), setup.size, setup.strides), setup);
      for (let at = 0; at < other.length; at += 1) descriptor[at] = ((descriptor[at] ?? 0) + (other[at] ?? 0)) / 2;
    }
    return descriptors;
  }

  openScene(key: string, setup: SceneSetup, saved: Uint8Array | null): SceneOpened {
    if (this.#nearest === undefined) {
      const message = `model ${this.#manifest.id} has no feature outputs to remember a scene with`;
      throw new FrostlightError("model/no-features", "config", message);
    }
    const owner = { modelSha256: this.#manifest.sha256, label: setup.label };
    const decoded = saved === null ? undefined : decodeScene(saved, owner);
    const restored = decoded?.kind === "scene" ? decoded.scene : undefined;
    this.#scenes.set(key, { setup, memory: new SceneMemory(setup, this.#nearest, restored) });
    if (decoded === undefined) return { kind: "new" };
    if (decoded.kind === "scene") return { kind: "restored", framesLearnt: decoded.scene.framesLearnt };
    return decoded.kind === "corrupt"
      ? { kind: "relearn", reason: "corrupt", detail: decoded.reason }
      : { kind: "relearn", reason: "model-or-label-changed", detail: decoded.owner.label };
  }

  /** Null until the scene is learnt. */
  saveScene(key: string): Uint8Array | null {
    const scene = this.#scenes.get(key);
    const saved = scene?.memory.save();
    if (scene === undefined || saved === undefined) return null;
    return encodeScene(saved, { modelSha256: this.#manifest.sha256, label: scene.setup.label });
  }

  closeScene(key: string): void {
    this.#scenes.delete(key);
  }

  async close(): Promise<void> {
    await this.#detector.close();
  }

  async #judge(
    scene: Scene,
    image: RgbImage,
    detection: {
      readonly boxes: readonly DetectedBox[];
      readonly features: readonly FeatureMap[];
      readonly placement: Placement;
    },
  ): Promise<SceneScore> {
    const { setup } = scene;
    const { placement } = detection;
    const people = detection.boxes.filter(
      (box) => box.score >= setup.maskScore && setup.maskedLabels.includes(box.label),
    );
    const grid = describePatches(detection.features);
    const view = {
      outside: maskCells(grid, placement, []),
      hidden: maskCells(grid, placement, people),
      showsPeople: people.some(({ score }) => score >= this.#manifest.thresholds.score),
    };
    const { phase } = scene.memory;
    const judged = await scene.memory.look(grid, view);
    if (phase !== "ready" && scene.memory.phase !== "ready") {
      const copy = await this.#detector.detect(await jitter(image, phase, judged.framesLearnt), true);
      await scene.memory.lookAtCopy(phase, describePatches(copy.features), view);
    }
    return judged;
  }
}

function resultOf({ boxes, features, placement }: Detection, options: DetectOptions) {
  const copies = options.features === true ? features.map((map) => ({ ...map, data: map.data.slice() })) : null;
  return { boxes, features: copies, placement, scene: null };
}

/** Opens the model and, when it has features, the search for scene memories. */
export async function openEngine(path: string, manifest: ModelManifest, threads: number): Promise<ModelEngine> {
  const detector = await openDetector(path, manifest, threads);
  const remembers = manifest.features.some(({ use }) => use === "all");
  const nearest = !remembers ? undefined : await createGraphNearest(await import("onnxruntime-node"), threads);
  return new ModelEngine(detector, manifest, nearest);
}
