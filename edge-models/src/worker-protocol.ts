import type { MessagePort } from "node:worker_threads";

import type { DetectOptions, DetectResult, SceneOpened, SceneSetup } from "./engine.ts";
import type { DescriptorSetup, Region } from "./heads/descriptor.ts";
import type { ModelManifest } from "./manifest.ts";
import type { NetworkInput } from "./network-input.ts";
import type { RgbImage } from "./picture.ts";

export interface ModelSetup {
  readonly modelPath: string;
  readonly manifest: ModelManifest;
  readonly threads: number;
  /** Of the computing threads; see `LoadOptions`. */
  readonly niceness: number;
}

/** What the inference thread is started with. */
export interface WorkerSetup extends ModelSetup {
  /** Calls come and answers go here. */
  readonly port: MessagePort;
}

/** To the thread that starts the inference threads. */
export type HostRequest =
  | { readonly kind: "start"; readonly id: number; readonly setup: WorkerSetup }
  | { readonly kind: "stop"; readonly id: number };

/** An inference thread ended; `reason` when by itself. */
export interface HostReply {
  readonly id: number;
  readonly reason: string | null;
}

export type WorkerCall =
  /** The input's buffer goes over and comes back with the answer: nothing is copied. */
  | {
      readonly kind: "detect-input";
      readonly input: NetworkInput;
      readonly options: Omit<DetectOptions, "scene">;
    }
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
  readonly "detect-input": DetectResult;
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
  /** `flushesDenormals`: arithmetic in this thread takes denormal numbers for zero. */
  | { readonly kind: "ready"; readonly flushesDenormals: boolean }
  | { readonly kind: "failed"; readonly error: PlainError }
  | {
      readonly kind: "answer";
      readonly id: number;
      readonly value: WorkerAnswers[keyof WorkerAnswers];
      /** The input's buffer, to be used again. */
      readonly spare: ArrayBuffer | null;
    }
  | { readonly kind: "error"; readonly id: number; readonly error: PlainError };
