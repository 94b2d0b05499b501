import type { DetectOptions, DetectResult, SceneOpened, SceneSetup } from "./engine.ts";
import type { DescriptorSetup, Region } from "./heads/descriptor.ts";
import type { ModelManifest } from "./manifest.ts";
import type { RgbImage } from "./picture.ts";

/** What the inference thread is started with. */
export interface WorkerSetup {
  readonly modelPath: string;
  readonly manifest: ModelManifest;
  readonly threads: number;
}

export type WorkerCall =
  | { readonly kind: "detect"; readonly image: RgbImage; readonly options: DetectOptions }
  | {
      readonly kind: "describe";
      readonly image: RgbImage;
      readonly regions: readonly Region[];
      readonly setup: DescriptorSetup;
    }
  | { readonly kind: "open-scene"; readonly key: string; readonly setup: SceneSetup; readonly saved: Uint8Array | null }
  | { readonly kind: "save-scene"; readonly key: string }
  | { readonly kind: "close-scene"; readonly key: string };

export interface WorkerRequest {
  readonly id: number;
  readonly call: WorkerCall;
}

/** What each call answers with. */
export interface WorkerAnswers {
  readonly detect: DetectResult;
  readonly describe: readonly Float32Array[];
  readonly "open-scene": SceneOpened;
  readonly "save-scene": Uint8Array | null;
  readonly "close-scene": null;
}

/** An error that crossed threads. */
export interface PlainError {
  readonly code: string;
  readonly fault: "config" | "data" | "peer" | "resource" | "bug";
  readonly message: string;
}

export type WorkerReply =
  | { readonly kind: "ready" }
  | { readonly kind: "failed"; readonly error: PlainError }
  | { readonly kind: "answer"; readonly id: number; readonly value: WorkerAnswers[keyof WorkerAnswers] }
  | { readonly kind: "error"; readonly id: number; readonly error: PlainError };
