import { type Clock, describeError, type Logger, type Part, type Random } from "@frostlight/kernel";

import type { CameraOutput, CameraStatus } from "../core/camera.ts";
import type { CameraConfig } from "./camera-config.ts";

export interface CameraParts {
  readonly config: CameraConfig;
  readonly timeZone: string;
  readonly output: CameraOutput;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly stateFolder: string;
}

/** Takes frames and reports whether there are any (the other stages are being added). */
export function createCamera(parts: CameraParts): Part & { status(): CameraStatus } {
  const { config, clock, random, logger, environment } = parts;
  const stop = new AbortController();
  let framesSeen = 0;
  let lastFrameMs: number | null = null;
  let problem: string | null = null;
  let health = "starting";
  let running = Promise.resolve();
  const say = async (state: string, code: string): Promise<void> => {
    if (health === state) return;
    health = state;
    const explanation = { code, parameters: {} };
    await parts.output.health({ subject: `camera:${config.id}`, state, timeMs: clock.nowMs(), explanation });
  };
  const run = async (): Promise<void> => {
    const context = { cameraId: config.id, clock, random, logger, signal: stop.signal, environment };
    for await (const event of config.frames.definition.open(config.frames.options, context)) {
      if (event.kind === "problem") {
        problem = event.message;
        await say("offline", "camera-offline");
      } else {
        framesSeen += 1;
        lastFrameMs = event.frame.timeMs;
        problem = null;
        await say("ok", "camera-ok");
      }
    }
  };
  return {
    name: `camera ${config.id}`,
    start: () => {
      running = run().catch((error: unknown) => {
        logger.error("camera-failed", { error: describeError(error) });
      });
      return Promise.resolve();
    },
    stop: async () => {
      stop.abort(new Error("stopping"));
      await running;
    },
    status: () => ({ cameraId: config.id, health, framesSeen, framesSkipped: 0, findings: 0, lastFrameMs, problem }),
  };
}
