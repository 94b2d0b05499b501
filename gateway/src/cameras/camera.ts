import { setImmediate as yieldTurn } from "node:timers/promises";

import { toGrey } from "@frostlight/edge-models/health";
import { type CancelTimer, type Clock, describeError, type Logger, type Part, type Random } from "@frostlight/kernel";

import type { CameraLearning, CameraOutput, CameraStatus, Frame, FrameEvent, SkipReason } from "../core/camera.ts";
import type { CameraConfig } from "./camera-config.ts";
import { FindingReporter } from "./finding-reporter.ts";
import { HealthWatch } from "./health-watch.ts";
import type { CameraModels } from "./model-pool.ts";
import { type Motion, MotionDetector } from "./motion.ts";
import { createFrameRing, type FrameRing } from "./ring/frame-ring.ts";
import { LookScheduler, type Need, type Seat } from "./scheduler.ts";
import { nothingTaught, type TaughtHeads } from "./taught-heads.ts";
import { CameraVision, type SceneHit } from "./vision.ts";

export interface CameraParts {
  readonly config: CameraConfig;
  /** IANA name, for schedules. */
  readonly timeZone: string;
  /** Whether the gateway's wall clock can be believed; left out: no camera's clock is judged by it. */
  readonly isClockSynchronised?: () => boolean;
  readonly models: CameraModels;
  /** Shared by all cameras; left out: this one looks as often as it wants. */
  readonly scheduler?: LookScheduler;
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
  /** Forgets what it has learnt and begins anew; durable when resolved. False: there is nothing of the kind. */
  relearn(what: CameraLearning): Promise<boolean>;
}

/** After motion or a hit frames are looked at for so long. */
const attentionMs = 10_000;
/** A frame that waits longer for its turn does not keep the next one from being judged. */
const patientMs = 500;
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
  readonly #seat: Seat;
  readonly #skipped: Record<SkipReason, number> = { quiet: 0, busy: 0, limited: 0 };
  #framesSeen = 0;
  #looks = 0;
  #findings = 0;
  #lastFrameMs: number | null = null;
  #lastFrameMonotonicMs: number;
  #lastLookMs = Number.NEGATIVE_INFINITY;
  #attentiveUntilMs = 0;
  #frameProblem: string | null = null;
  #modelProblem: string | null = null;
  /** Looks that are not over, and what they found that is not journaled. */
  readonly #looking = new Set<Promise<void>>();
  #reporting: Promise<void> = Promise.resolve();

  constructor(parts: CameraParts) {
    this.name = `camera ${parts.config.id}`;
    this.#parts = parts;
    this.#ring = createFrameRing({ ...parts, options: parts.config.ring, cameraId: parts.config.id });
    this.#seat = (parts.scheduler ?? new LookScheduler(parts.clock, { maxLoad: 1 })).seat();
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
    this.#seat.leave();
    await this.#running;
    await Promise.all(this.#looking);
    await this.#reporting;
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
      normalPicture: this.#health.progress,
      framesSeen: this.#framesSeen,
      framesSkipped: this.#skipped.quiet + this.#skipped.busy + this.#skipped.limited,
      skipped: { ...this.#skipped },
      looks: this.#looks,
      findings: this.#findings,
      lastFrameMs: this.#lastFrameMs,
      problem: this.#frameProblem ?? this.#modelProblem ?? this.#ruleProblem() ?? this.#ring.problem(),
      rules: this.#vision?.ruleStates() ?? [],
    };
  }

  async relearn(what: CameraLearning): Promise<boolean> {
    if (what === "scene") return (await this.#vision?.relearn()) ?? false;
    await this.#health.relearn();
    return true;
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
        this.#noteFailure(error);
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
    await this.#offer(frame, motion);
  }

  /** Resolves when the frame's turn has come or it has waited long enough: then the next one is fetched, decoded and judged. */
  async #offer(frame: Frame, { moved, regions }: Motion): Promise<void> {
    const vision = this.#vision;
    if (vision === undefined) return;
    const need = this.#needOf(frame, moved, vision, regions);
    if (need === null) {
      this.#skipped.quiet += 1;
      return;
    }
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
    const looking = this.#seat
      .offer(need, async () => {
        begin();
        await this.#lookAt(vision, frame, regions);
      })
      .then((offered) => {
        if (offered === "busy" || offered === "limited") this.#skipped[offered] += 1;
        this.#looking.delete(looking);
        begin(); // dropped
      });
    this.#looking.add(looking);
    const cancel = this.#parts.clock.after(patientMs, begin);
    await begun;
    cancel();
  }

  /** The network is wanted on motion, while something holds the attention, and now and then. */
  #needOf(frame: Frame, moved: boolean, vision: CameraVision, regions: Motion["regions"]): Need | null {
    const nowMs = frame.monotonicMs;
    const attention = vision.attention(regions);
    if (moved || attention !== null) this.#attentiveUntilMs = nowMs + attentionMs;
    if (moved) return "motion";
    if (attention !== null) return attention;
    if (nowMs <= this.#attentiveUntilMs) return "attention";
    return nowMs - this.#lastLookMs >= this.#parts.config.idleSeconds * 1_000 ? "idle" : null;
  }

  async #lookAt(vision: CameraVision, frame: Frame, regions: Motion["regions"]): Promise<void> {
    this.#lastLookMs = frame.monotonicMs;
    this.#looks += 1;
    try {
      const hits = await vision.look(frame, regions);
      if (hits.length > 0) this.#reporting = this.#reporting.then(() => this.#report(frame, hits));
    } catch (error) {
      this.#noteFailure(error);
    }
  }

  /** Pictures are drawn and written while the network looks at other frames. */
  async #report(frame: Frame, hits: readonly SceneHit[]): Promise<void> {
    try {
      for (const hit of hits) {
        await this.#reporter.report(frame, hit);
        this.#findings += 1;
      }
    } catch (error) {
      this.#noteFailure(error);
    }
  }

  #noteFailure(error: unknown): void {
    if (this.#stop.signal.aborted) return;
    this.#modelProblem = describeError(error);
    this.#parts.logger.error("frame-failed", { error: describeError(error) });
  }
}
