import { setImmediate as yieldTurn } from "node:timers/promises";

import { toGrey } from "@frostlight/edge-models/health";
import { type CancelTimer, type Clock, describeError, type Logger, type Part, type Random } from "@frostlight/kernel";

import type { CameraOutput, CameraStatus, Frame, FrameEvent } from "../core/camera.ts";
import type { CameraConfig } from "./camera-config.ts";
import { FindingReporter } from "./finding-reporter.ts";
import { HealthWatch } from "./health-watch.ts";
import type { CameraModels } from "./model-pool.ts";
import { type Motion, MotionDetector } from "./motion.ts";
import { createFrameRing, type FrameRing } from "./ring/frame-ring.ts";
import { nothingTaught, type TaughtHeads } from "./taught-heads.ts";
import { CameraVision } from "./vision.ts";

export interface CameraParts {
  readonly config: CameraConfig;
  /** IANA name, for schedules. */
  readonly timeZone: string;
  readonly models: CameraModels;
  /** What the operator taught; left out: nothing. */
  readonly taught?: TaughtHeads;
  /** Told of every frame. */
  readonly onFrame?: (frame: Frame) => void;
  readonly output: CameraOutput;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** A folder of this camera's own; exists. */
  readonly stateFolder: string;
}

export interface Camera extends Part {
  status(): CameraStatus;
}

/** After motion or a hit every frame is looked at for so long. */
const attentionMs = 10_000;
const watchMs = 1_000;

/** Frames → health → motion → model → tracks → rules of one camera. What fails here stays here. */
export function createCamera(parts: CameraParts): Camera {
  return new CameraLoop(parts);
}

class CameraLoop implements Camera {
  readonly name: string;
  readonly #parts: CameraParts;
  readonly #health: HealthWatch;
  readonly #motion = new MotionDetector();
  readonly #ring: FrameRing;
  readonly #reporter: FindingReporter;
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;
  #cancelWatch: CancelTimer | undefined;
  #vision: CameraVision | undefined;
  #framesSeen = 0;
  #framesSkipped = 0;
  #findings = 0;
  #lastFrameMs: number | null = null;
  #lastFrameMonotonicMs: number;
  #lastLookMs = Number.NEGATIVE_INFINITY;
  #attentiveUntilMs = 0;
  #frameProblem: string | null = null;
  #modelProblem: string | null = null;
  /** The frame the network is busy with. */
  #looking: Promise<void> = Promise.resolve();

  constructor(parts: CameraParts) {
    this.name = `camera ${parts.config.id}`;
    this.#parts = parts;
    this.#ring = createFrameRing({ ...parts, options: parts.config.ring, cameraId: parts.config.id });
    const { id: cameraId, zone: zoneId, evidence, health, operatingHours } = parts.config;
    this.#health = new HealthWatch({ ...parts, cameraId, options: health, operatingHours });
    this.#reporter = new FindingReporter({ ...parts, cameraId, zoneId, options: evidence, ring: this.#ring });
    this.#lastFrameMonotonicMs = 0;
  }

  start(): Promise<void> {
    const { clock, logger } = this.#parts;
    this.#lastFrameMonotonicMs = clock.monotonicMs();
    this.#cancelWatch = clock.every(watchMs, () => {
      const silentMs = clock.monotonicMs() - this.#lastFrameMonotonicMs;
      if (silentMs >= this.#parts.config.health.offlineSeconds * 1_000) this.#health.offline();
    });
    const loops = [this.#takeFrames(), this.#openVision()];
    this.#running = Promise.allSettled(loops).then((results) => {
      for (const result of results) {
        if (result.status === "rejected") logger.error("camera-loop-failed", { error: describeError(result.reason) });
      }
    });
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.#cancelWatch?.();
    this.#stop.abort(new Error("stopping"));
    await this.#running;
    await this.#looking;
    await this.#reporter.stop();
    const vision = this.#vision;
    this.#vision = undefined;
    await vision?.close().catch(() => undefined); // the model may be gone already
    await this.#ring.stop();
    await this.#health.stop();
  }

  status(): CameraStatus {
    return {
      cameraId: this.#parts.config.id,
      health: this.#health.state,
      framesSeen: this.#framesSeen,
      framesSkipped: this.#framesSkipped,
      findings: this.#findings,
      lastFrameMs: this.#lastFrameMs,
      problem: this.#frameProblem ?? this.#modelProblem ?? this.#ruleProblem() ?? this.#ring.problem(),
      rules: this.#vision?.ruleStates() ?? [],
    };
  }

  /** A rule that is off is told; one that waits to be taught is as it should be. */
  #ruleProblem(): string | null {
    const off = this.#vision?.ruleStates().find(({ state }) => state === "off");
    return off === undefined ? null : `rule "${off.ruleId}" is off: ${off.reason ?? ""}`;
  }

  /** A missing or broken model leaves the camera with its health alone, and says why. */
  async #openVision(): Promise<void> {
    const { config, models, taught = nothingTaught, logger, timeZone, stateFolder } = this.#parts;
    if (config.rules.length === 0) return;
    try {
      const vision = await CameraVision.open({ config, models, taught, timeZone, stateFolder, logger });
      if (this.#stop.signal.aborted) await vision.close();
      else this.#vision = vision;
    } catch (error) {
      this.#modelProblem = `no findings: ${describeError(error)}`;
      logger.error("camera-without-model", { error: describeError(error) });
    }
  }

  async #takeFrames(): Promise<void> {
    const { config, clock, random, logger, environment } = this.#parts;
    const context = {
      cameraId: config.id,
      clock,
      random,
      logger,
      signal: this.#stop.signal,
      environment,
      film: this.#ring.film,
    };
    await this.#health.open();
    for await (const event of config.frames.definition.open(config.frames.options, context)) {
      if (this.#stop.signal.aborted) return;
      try {
        await this.#take(event);
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        this.#modelProblem = describeError(error);
        logger.error("frame-failed", { error: describeError(error) });
      }
      await yieldTurn();
    }
  }

  async #take(event: FrameEvent): Promise<void> {
    if (event.kind === "problem") {
      if (this.#frameProblem !== event.message) this.#parts.logger.warn("camera-problem", { ...event });
      this.#frameProblem = event.message;
      return;
    }
    const { frame } = event;
    const { logger } = this.#parts;
    this.#ring.record(frame);
    this.#parts.onFrame?.(frame);
    this.#framesSeen += 1;
    this.#frameProblem = null;
    this.#lastFrameMs = frame.timeMs;
    this.#lastFrameMonotonicMs = this.#parts.clock.monotonicMs();
    const grey = toGrey(frame);
    const health = await this.#health.look(frame, grey);
    const motion = this.#motion.look(grey);
    if (health !== "ok") return;
    // One frame at a time; while the network works on it, the next one is fetched, decoded and judged.
    await this.#looking;
    this.#looking = this.#lookAt(frame, motion).catch((error: unknown) => {
      if (this.#stop.signal.aborted) return;
      this.#modelProblem = describeError(error);
      logger.error("frame-failed", { error: describeError(error) });
    });
  }

  /** The network runs on motion, while something holds the attention, and now and then. */
  async #lookAt(frame: Frame, { moved, regions }: Motion): Promise<void> {
    const vision = this.#vision;
    if (vision === undefined) return;
    const nowMs = frame.monotonicMs;
    if (moved || vision.isAttentive(regions)) this.#attentiveUntilMs = nowMs + attentionMs;
    const idle = nowMs - this.#lastLookMs >= this.#parts.config.idleSeconds * 1_000;
    if (nowMs > this.#attentiveUntilMs && !idle) {
      this.#framesSkipped += 1;
      return;
    }
    this.#lastLookMs = nowMs;
    for (const hit of await vision.look(frame, regions)) {
      await this.#reporter.report(frame, hit);
      this.#findings += 1;
    }
  }
}
