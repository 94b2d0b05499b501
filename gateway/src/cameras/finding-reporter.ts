import type { EvidenceReference, Finding } from "@frostlight/contract";
import { type Clock, describeError, type Logger, type Random } from "@frostlight/kernel";
import { z } from "zod";

import type { CameraOutput, Frame } from "../core/camera.ts";
import { drawEvidence, evidenceImage, plainPicture } from "./evidence-picture.ts";
import type { CameraModels } from "./model-pool.ts";
import { hideFaces } from "./privacy.ts";
import type { FrameRing } from "./ring/frame-ring.ts";
import type { SceneHit } from "./vision.ts";

/** What a finding brings along. */
export const evidenceOptions = z.strictObject({
  /** Seconds of film before and after; both 0: no clip. */
  secondsBefore: z.number().min(0).max(60).default(8),
  secondsAfter: z.number().min(0).max(60).default(6),
  /** Also a picture in which faces are hidden, which may be shown to the public. */
  publicPicture: z.boolean().default(true),
});
type EvidenceOptions = z.output<typeof evidenceOptions>;

export interface ReporterParts {
  readonly cameraId: string;
  readonly zoneId: string;
  readonly options: EvidenceOptions;
  readonly output: CameraOutput;
  readonly models: Pick<CameraModels, "faces">;
  readonly ring: Pick<FrameRing, "clip">;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** Clips that may be waiting for their last seconds at once; further findings go without. */
const maxClips = 3;

/**
 * Makes a finding of what a rule saw. It is journaled at once, with its pictures; the clip, whose last seconds have yet to
 * happen, follows with the same finding journaled again: same id, one piece of evidence more. The later one stands.
 */
export class FindingReporter {
  readonly #parts: ReporterParts;
  readonly #stop = new AbortController();
  readonly #clips = new Set<Promise<void>>();

  constructor(parts: ReporterParts) {
    this.#parts = parts;
  }

  /** Resolves when the finding is durable, without its clip. */
  async report(frame: Frame, hit: SceneHit): Promise<void> {
    const { cameraId, zoneId, output, random, logger } = this.#parts;
    const finding: Finding = {
      findingId: random.uuid(),
      cameraId,
      zoneId,
      ruleId: hit.ruleId,
      ruleKind: hit.ruleKind,
      severity: hit.severity,
      firstSeenMs: hit.firstSeenMs,
      lastSeenMs: frame.timeMs,
      score: hit.score,
      threshold: hit.threshold,
      modelId: hit.modelId,
      modelSha256: hit.modelSha256,
      boxes: hit.boxes,
      evidence: await this.#pictures(frame, hit),
      explanation: hit.explanation,
      frames: hit.frames,
      heads: hit.heads,
    };
    await output.finding(finding);
    logger.info("finding", { findingId: finding.findingId, rule: hit.ruleId, score: hit.score });
    this.#addClip(finding, frame.monotonicMs);
  }

  /** All clips that were asked for so far are journaled, or known not to come. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#clips);
  }

  /** Clips that are not ready by then are not made. */
  async stop(): Promise<void> {
    this.#stop.abort(new Error("stopping"));
    await this.settled();
  }

  async #pictures(frame: Frame, hit: SceneHit): Promise<readonly EvidenceReference[]> {
    const { output } = this.#parts;
    const image = await evidenceImage(frame);
    const [drawn, plain] =
      hit.heatMap === null ? (["picture", "original"] as const) : (["heat-map", "picture"] as const);
    const pictures = [
      await output.evidence(await drawEvidence(image, hit), "image/jpeg", drawn),
      await output.evidence(await plainPicture(image), "image/jpeg", plain),
    ];
    const hidden = await this.#publicPicture(image, hit);
    if (hidden === null) return pictures;
    const shown: EvidenceReference = { ...(await output.evidence(hidden, "image/jpeg", drawn)), public: true };
    // nobody to hide: the same file
    return [...pictures.filter(({ sha256 }) => sha256 !== shown.sha256), shown];
  }

  /** null when it is not wanted, or when faces could not be looked for: then nothing is public. */
  async #publicPicture(image: Awaited<ReturnType<typeof evidenceImage>>, hit: SceneHit): Promise<Uint8Array | null> {
    const { options, models, logger } = this.#parts;
    if (!options.publicPicture) return null;
    try {
      return await drawEvidence(await hideFaces(image, hit.people, await models.faces()), hit);
    } catch (error) {
      logger.warn("no-public-picture", { rule: hit.ruleId, error: describeError(error) });
      return null;
    }
  }

  #addClip(finding: Finding, monotonicMs: number): void {
    const { options, logger } = this.#parts;
    if (options.secondsBefore + options.secondsAfter === 0) return;
    if (this.#clips.size >= maxClips) {
      logger.warn("finding-without-clip", { findingId: finding.findingId, waiting: this.#clips.size });
      return;
    }
    const making = this.#clip(finding, monotonicMs)
      .catch((error: unknown) => {
        if (this.#stop.signal.aborted) return;
        logger.warn("finding-without-clip", { findingId: finding.findingId, error: describeError(error) });
      })
      .finally(() => this.#clips.delete(making));
    this.#clips.add(making);
  }

  async #clip(finding: Finding, monotonicMs: number): Promise<void> {
    const { options, output, ring } = this.#parts;
    const fromMs = monotonicMs - options.secondsBefore * 1_000;
    const toMs = monotonicMs + options.secondsAfter * 1_000;
    const clip = await ring.clip(fromMs, toMs, this.#stop.signal);
    if (clip === undefined || this.#stop.signal.aborted) return;
    // A blur that follows every head through a film cannot be promised from two looks a second: clips are never public.
    const reference = await output.evidence(clip.data, clip.mediaType, "clip");
    await output.finding({ ...finding, evidence: [...finding.evidence, reference] });
  }
}
