import { readFile } from "node:fs/promises";
import { join } from "node:path";

import type { EvidenceReference, Explanation, HealthEvent } from "@frostlight/contract";
import { type GreyImage, type HealthOptions, type PictureHealth, PictureJudge } from "@frostlight/edge-models/health";
import {
  type Clock,
  describeError,
  errorCode,
  isWithin,
  type Logger,
  type ScheduleEntry,
  writeFileAtomic,
} from "@frostlight/kernel";

import type { CameraOutput, Frame } from "../core/camera.ts";
import { plainPicture } from "./evidence-picture.ts";

export type CameraHealth = PictureHealth | "offline" | "starting";

export interface HealthWatchParts {
  readonly cameraId: string;
  readonly options: HealthOptions;
  /** Outside of these hours a dark picture is as it should be; left out: it never is. */
  readonly operatingHours: readonly ScheduleEntry[] | undefined;
  readonly timeZone: string;
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
  #state: CameraHealth = "starting";
  #before: Uint8Array | undefined;
  #keptMs = Number.NEGATIVE_INFINITY;
  #savedMs = Number.NEGATIVE_INFINITY;
  #saving: Promise<void> = Promise.resolve();
  #reporting: Promise<void> = Promise.resolve();

  constructor(parts: HealthWatchParts) {
    this.#parts = parts;
    this.#judge = new PictureJudge(parts.options);
  }

  get state(): CameraHealth {
    return this.#state;
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

  /** Judges a frame; the state that is confirmed. */
  async look(frame: Frame, grey: GreyImage): Promise<CameraHealth> {
    const found = this.#judge.look(grey, frame.monotonicMs);
    const state = found === "black" && !this.#isOperating(frame.timeMs) ? "ok" : found;
    const changed = state !== this.#state;
    if (changed && state !== "ok") await this.#reportFault(state, frame);
    else if (changed) this.#report(state, {}, []);
    if (state === "ok" && found === "ok" && frame.monotonicMs - this.#keptMs >= keepMs) {
      this.#keptMs = frame.monotonicMs;
      this.#before = await plainPicture(frame);
    }
    if (frame.monotonicMs - this.#savedMs >= saveMs) this.#save(frame.monotonicMs);
    return state;
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

  async #reportFault(state: PictureHealth, frame: Frame): Promise<void> {
    const pictures: ["before" | "after", Uint8Array][] = this.#before === undefined ? [] : [["before", this.#before]];
    try {
      pictures.push(["after", await plainPicture(frame)]);
    } catch (error) {
      this.#parts.logger.warn("health-picture-failed", { error: describeError(error) });
    }
    this.#report(state, this.#judge.verdict.figures, pictures);
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
  if (state === "over-exposed") {
    return { code: "camera-over-exposed", parameters: { burntPercent: percent(figures["burnt"]) } };
  }
  return { code: `camera-${state}`, parameters: {} };
}
