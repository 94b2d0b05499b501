import type { EvidenceReference, EvidenceRole, Finding, HealthEvent, LocalisedText } from "@frostlight/contract";
import type { Clock, Logger, Random } from "@frostlight/kernel";
import type { z } from "zod";

/** One picture from a camera. Interleaved RGB, 8 bit, `width * height * 3` bytes. */
export interface Frame {
  readonly width: number;
  readonly height: number;
  readonly rgb: Uint8Array;
  /** Gateway's wall clock, Unix ms. */
  readonly timeMs: number;
  readonly monotonicMs: number;
  /** The camera's own JPEG of this frame when the source had one (full resolution): better evidence than a re-encoding. */
  readonly jpeg: Uint8Array | null;
}

export interface FrameSourceContext {
  readonly cameraId: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Takes the camera's own film where the source has it; missing where nobody keeps film. */
  readonly film?: FilmSink;
}

/** Keeps the last seconds of a camera's own film: a source whose ffmpeg reads film lets it write segments there. */
export interface FilmSink {
  /** Before each start of ffmpeg; null: no film just now (switched off, disk full). */
  begin(): Promise<FilmRun | null>;
}

/** One run of ffmpeg that also writes film. */
export interface FilmRun {
  /** A further output for ffmpeg's command line; the list of closed segments comes on file descriptor 3. */
  readonly outputArguments: readonly string[];
  /** Aborts when this run writes more than may be kept: ffmpeg must end, and starts again without film. */
  readonly endNow: AbortSignal;
  /** What came on descriptor 3. */
  list(text: string): void;
  /** ffmpeg has ended, with its last words. */
  ended(words: string): void;
}

/** Where frames come from. `open` does no I/O; iterating starts it, the context's signal ends it. */
export interface FrameSourceDefinition<K extends string = string, Options = unknown> {
  readonly kind: K;
  readonly options: z.ZodType<Options>;
  readonly example: unknown;
  /**
   * Yields frames at about the wished rate, or what went wrong (then goes on trying by itself): a truncated image, a
   * camera that does not answer.
   */
  open(options: Options, context: FrameSourceContext): AsyncIterable<FrameEvent>;
}

export type FrameEvent =
  | { readonly kind: "frame"; readonly frame: Frame }
  | { readonly kind: "problem"; readonly code: string; readonly message: string };

export function defineFrameSource<const K extends string, Options>(
  definition: FrameSourceDefinition<K, Options>,
): FrameSourceDefinition<K, Options> {
  return definition;
}

/** A camera as configured. */
export interface CameraIdentity {
  readonly cameraId: string;
  readonly zoneId: string;
  readonly name: LocalisedText;
}

/** What the camera stage hands on. */
export interface CameraOutput {
  /** Durable when resolved: evidence first, then the finding in the journal. */
  finding(finding: Finding): Promise<void>;
  health(event: HealthEvent): Promise<void>;
  evidence(data: Uint8Array, mediaType: string, role: EvidenceRole): Promise<EvidenceReference>;
}

/** A camera that answered on the local network. */
export interface FoundCamera {
  /** Its own name, mostly "urn:uuid:…": stays when its address changes. */
  readonly endpoint: string;
  /** Its device service. */
  readonly url: string;
  readonly name: string | null;
  readonly model: string | null;
  readonly location: string | null;
}

/** What of a camera can be learnt anew: the scene of its rules · the normal picture its health is judged by. */
export type CameraLearning = "scene" | "health";

/** Frames learnt, of those that are needed. */
export interface LearningProgress {
  readonly learnt: number;
  readonly of: number;
}

/** For the local page. */
export interface CameraStatus {
  readonly cameraId: string;
  readonly health: string;
  /** How far the normal picture is learnt. */
  readonly normalPicture?: LearningProgress;
  readonly framesSeen: number;
  /** Frames the network did not look at … */
  readonly framesSkipped: number;
  /** … by reason; what it looked at. */
  readonly skipped?: Readonly<Record<SkipReason, number>>;
  readonly looks?: number;
  readonly findings: number;
  readonly lastFrameMs: number | null;
  readonly problem: string | null;
  /** Absent while the network is not loaded yet. */
  readonly rules?: readonly CameraRuleStatus[];
}

/**
 * Why the network did not look at a frame: nothing asked for it · a newer one came before its turn · work was held back by
 * the load limit or by heat.
 */
export type SkipReason = "quiet" | "busy" | "limited";

/** How busy the networks are, all cameras together. */
export interface InferenceStatus {
  /** Share of the last seconds spent working, 0..1. */
  readonly load: number;
  /** What it may be at most now. */
  readonly loadLimit: number;
  /** What lowers it below the configured one. */
  readonly easedBy: "heat" | "processor" | null;
  /** The machine's hottest sensor; null where there is none. */
  readonly celsius: number | null;
}

/** Where a rule of a camera stands. */
export interface CameraRuleStatus {
  readonly ruleId: string;
  readonly ruleKind: string;
  /** waiting: nothing was taught yet · off: something it needs is missing; `reason` says what. */
  readonly state: "on" | "learning" | "waiting" | "off";
  readonly reason: string | null;
  /** Of a rule that remembers the scene: how far, in the light of the newest look. */
  readonly scene?: LearningProgress;
}
