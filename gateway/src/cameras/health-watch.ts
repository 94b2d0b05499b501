import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";

import type { EvidenceReference, Explanation, HealthEvent } from "@frostlight/contract";
import {
  type GreyImage,
  type HealthOptions,
  OverlayClock,
  type PictureHealth,
  PictureJudge,
} from "@frostlight/edge-models/health";
import {
  type Clock,
  describeError,
  errorCode,
  isWithin,
  type Logger,
  type ScheduleEntry,
  writeFileAtomic,
  zoneOffsetMs,
} from "@frostlight/kernel";

import type { CameraOutput, Frame, LearningProgress } from "../core/camera.ts";
import { plainPicture } from "./evidence-picture.ts";
import { cropGrey } from "./overlay-crop.ts";

export type CameraHealth = PictureHealth | "wrong-time" | "offline" | "starting";

export interface HealthWatchParts {
  readonly cameraId: string;
  readonly options: HealthOptions;
  /** Outside of these hours a dark picture is as it should be; left out: it never is. */
  readonly operatingHours: readonly ScheduleEntry[] | undefined;
  readonly timeZone: string;
  /** Left out: the time on the picture is not judged. */
  readonly isClockSynchronised?: () => boolean;
  readonly output: Pick<CameraOutput, "health" | "evidence">;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly stateFolder: string;
}

/** So often a picture in order is kept, to be shown as "before", and the learnt normal picture is written. */
const keepMs = 60_000;
const saveMs = 3_600_000;

/**
 * What state a camera's picture is in, told to the journal when it changes, with a picture from before and one from after.
 * The learnt normal picture survives restarts, so a camera that was moved or covered meanwhile is found.
 */
export class HealthWatch {
  readonly #parts: HealthWatchParts;
  #judge: PictureJudge;
  readonly #overlay: OverlayClock | undefined;
  #state: CameraHealth = "starting";
  #before: Uint8Array | undefined;
  #keptMs = Number.NEGATIVE_INFINITY;
  #savedMs = Number.NEGATIVE_INFINITY;
  #saving: Promise<void> = Promise.resolve();
  #reporting: Promise<void> = Promise.resolve();

  constructor(parts: HealthWatchParts) {
    this.#parts = parts;
    this.#judge = new PictureJudge(parts.options);
    const { overlay } = parts.options;
    this.#overlay = overlay === undefined ? undefined : new OverlayClock(overlay);
  }

  get state(): CameraHealth {
    return this.#state;
  }

  /** How far the normal picture is learnt. */
  get progress(): LearningProgress {
    return this.#judge.progress;
  }

  /** The camera was moved on purpose: what it shows from now on is normal. Durable when resolved. */
  async relearn(): Promise<void> {
    this.#judge = new PictureJudge(this.#parts.options);
    this.#before = undefined;
    this.#keptMs = Number.NEGATIVE_INFINITY;
    await this.#saving;
    await rm(this.#file(), { force: true });
  }

  /** Reads what was learnt before; damage only means learning anew. */
  async open(): Promise<void> {
    this.#report("starting", {}, []);
    try {
      const saved: unknown = JSON.parse(await readFile(this.#file(), "utf8"));
      this.#judge = new PictureJudge(this.#parts.options, saved);
    } catch (error) {
      if (errorCode(error) !== "ENOENT") {
        this.#parts.logger.warn("normal-picture-lost", { error: describeError(error) });
      }
    }
  }

  /** Judges a frame; the picture's state that is confirmed. A wrong time is told but leaves the picture "ok": people are still found. */
  async look(frame: Frame, grey: GreyImage): Promise<PictureHealth> {
    const found = this.#judge.look(grey, frame.monotonicMs);
    const picture = found === "black" && !this.#isOperating(frame.timeMs) ? "ok" : found;
    await this.#readTime(frame);
    const wrongSeconds = this.#overlay?.wrongSeconds ?? null;
    const state = picture === "ok" && wrongSeconds !== null ? "wrong-time" : picture;
    const changed = state !== this.#state;
    if (changed && state === "wrong-time") await this.#reportFault(state, frame, { offsetSeconds: wrongSeconds ?? 0 });
    else if (changed && state !== "ok") await this.#reportFault(state, frame, this.#judge.verdict.figures);
    else if (changed) this.#report(state, {}, []);
    if (picture === "ok" && found === "ok" && frame.monotonicMs - this.#keptMs >= keepMs) {
      this.#keptMs = frame.monotonicMs;
      this.#before = await plainPicture(frame);
    }
    if (frame.monotonicMs - this.#savedMs >= saveMs) this.#save(frame.monotonicMs);
    return picture;
  }

  /** No frame has come for too long. */
  offline(): void {
    if (this.#state === "offline") return;
    const before = this.#before;
    this.#report("offline", {}, before === undefined ? [] : [["before", before]]);
  }

  /** Everything said is journaled, everything learnt is written. */
  async stop(): Promise<void> {
    this.#save(this.#parts.clock.monotonicMs());
    await this.#saving;
    await this.#reporting;
  }

  /** What cannot be cropped or read is not judged. */
  async #readTime(frame: Frame): Promise<void> {
    const { options, timeZone, isClockSynchronised, logger } = this.#parts;
    const { timeMs, monotonicMs } = frame;
    if (options.overlay === undefined || this.#overlay?.wants(monotonicMs) !== true) return;
    const crop = await cropGrey(frame, options.overlay.region).catch((error: unknown) => {
      logger.debug("overlay-not-cropped", { error: describeError(error) });
      return null;
    });
    const localMs = timeMs + zoneOffsetMs(timeZone, timeMs);
    this.#overlay.look(crop, { monotonicMs, localMs, synchronised: isClockSynchronised?.() === true });
  }

  async #reportFault(state: CameraHealth, frame: Frame, figures: Readonly<Record<string, number>>): Promise<void> {
    const pictures: ["before" | "after", Uint8Array][] = this.#before === undefined ? [] : [["before", this.#before]];
    try {
      pictures.push(["after", await plainPicture(frame)]);
    } catch (error) {
      this.#parts.logger.warn("health-picture-failed", { error: describeError(error) });
    }
    this.#report(state, figures, pictures);
  }

  /** Changes are journaled one after the other; one that cannot be written is logged and the next one goes on. */
  #report(
    state: CameraHealth,
    figures: Readonly<Record<string, number>>,
    pictures: readonly (readonly ["before" | "after", Uint8Array])[],
  ): void {
    const { cameraId, clock, logger, output } = this.#parts;
    this.#state = state;
    const explanation = explain(state, figures);
    const event: HealthEvent = { subject: `camera:${cameraId}`, state, timeMs: clock.nowMs(), explanation };
    const write = async (): Promise<void> => {
      const evidence: EvidenceReference[] = [];
      for (const [role, picture] of pictures) {
        try {
          evidence.push(await output.evidence(picture, "image/jpeg", role));
        } catch (error) {
          logger.error("health-picture-not-kept", { state, role, error: describeError(error) });
        }
      }
      await output.health(evidence.length === 0 ? event : { ...event, evidence });
    };
    this.#reporting = this.#reporting.then(write).catch((error: unknown) => {
      logger.error("camera-health-not-journaled", { state, error: describeError(error) });
    });
  }

  #isOperating(timeMs: number): boolean {
    const { operatingHours, timeZone } = this.#parts;
    return operatingHours === undefined || isWithin(operatingHours, timeZone, timeMs);
  }

  #save(nowMs: number): void {
    const saved = this.#judge.save();
    if (saved === null) return;
    this.#savedMs = nowMs;
    this.#saving = this.#saving
      .then(() => writeFileAtomic(this.#file(), JSON.stringify(saved)))
      .catch((error: unknown) => {
        this.#parts.logger.warn("normal-picture-not-kept", { error: describeError(error) });
      });
  }

  #file(): string {
    return join(this.#parts.stateFolder, "normal-picture.json");
  }
}

function explain(state: CameraHealth, figures: Readonly<Record<string, number>>): Explanation {
  const percent = (value = 0): number => Math.round(value * 100);
  if (state === "moved") {
    return (figures["shift"] ?? 1) < 1
      ? { code: "camera-moved", parameters: { shiftPercent: percent(figures["shift"]) } }
      : { code: "camera-view-changed", parameters: {} };
  }
  if (state === "noisy") {
    const { noise = 0, normalNoise = 0 } = figures;
    return { code: "camera-noisy", parameters: { noise, normalNoise } };
  }
  if (state === "wrong-time") {
    return { code: "camera-wrong-time", parameters: { offsetSeconds: figures["offsetSeconds"] ?? 0 } };
  }
  if (state === "over-exposed") {
    return { code: "camera-over-exposed", parameters: { burntPercent: percent(figures["burnt"]) } };
  }
  return { code: `camera-${state}`, parameters: {} };
}
