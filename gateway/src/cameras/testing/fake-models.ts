import type { DetectedBox, Head, LoadedModel, RgbImage, SceneScore } from "@frostlight/edge-models";

import type { CameraModels } from "../model-pool.ts";

/** Everything a model may be asked; what a test leaves out must not be asked. */
export function fakeModel(answers: {
  readonly id?: string;
  readonly boxes?: (image: RgbImage) => readonly DetectedBox[];
  readonly scene?: () => SceneScore;
  readonly descriptor?: () => Float32Array;
  readonly openScene?: LoadedModel["openScene"];
  readonly saveScene?: LoadedModel["saveScene"];
}): LoadedModel {
  const unused = (): never => {
    throw new Error("not expected here");
  };
  const { id = "fake", boxes, scene, descriptor, openScene, saveScene = () => Promise.resolve(null) } = answers;
  return {
    id,
    sha256: "f".repeat(64),
    loadMs: 0,
    warmMs: 0,
    flushesDenormals: true,
    // the one part of a manifest that is asked for
    manifest: { thresholds: { score: 0.2, overlap: 0.5 } } as LoadedModel["manifest"],
    detect: async (image, options) => {
      const placement = {
        inputWidth: 64,
        inputHeight: 64,
        pictureWidth: image.width,
        pictureHeight: image.height,
        contentWidth: 64,
        contentHeight: 64,
        offsetX: 0,
        offsetY: 0,
      };
      const judged = options?.scene === undefined ? null : (scene ?? unused)();
      return { boxes: (boxes ?? unused)(image), features: null, placement, scene: judged, durationMs: 1 };
    },
    describe: async (_, regions) => regions.map(() => (descriptor ?? unused)()),
    openScene: openScene ?? unused,
    saveScene,
    closeScene: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}

/** A head for fake models that says yes with certainty of a descriptor of ones. */
export function fakeHead(id: string, dimensions: number): Head {
  return {
    id,
    version: "1",
    task: "test",
    classes: ["no", "yes"],
    descriptor: { kind: "pooled", size: 64, margin: 0.2, grid: 1 },
    modelSha256: "f".repeat(64),
    standardisation: {
      mean: Array.from({ length: dimensions }, () => 0),
      scale: Array.from({ length: dimensions }, () => 1),
    },
    weights: [Array.from({ length: dimensions }, () => 10)],
    bias: [0],
    thresholds: { certain: [0.7, 0.7], minRegionPixels: 8 },
    evaluation: [],
    licence: "Apache-2.0",
    source: "made up",
  };
}

/** What is not given is missing, as the loader says it. */
export function fakeModels(models: Partial<CameraModels>): CameraModels {
  const missing = (what: string) => (): Promise<never> => Promise.reject(new Error(`${what} is missing`));
  return { get: missing("the model"), faces: missing("the face model"), head: missing("the head"), ...models };
}
