export { overlap } from "./boxes.ts";
export type { DetectOptions, DetectResult, SceneOpened, SceneSetup } from "./engine.ts";
export { defaultModelFolder } from "./default-model.ts";
export type { Placement } from "./letterbox.ts";
export { type LoadedModel, loadModel, type LoadOptions } from "./load-model.ts";
export { type ModelManifest, modelManifest, readManifest } from "./manifest.ts";
export type { DetectedBox, FeatureMap, RgbImage } from "./picture.ts";
export type { SceneScore } from "./scene/memory.ts";
