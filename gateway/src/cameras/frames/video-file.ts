import { z } from "zod";

import { defineFrameSource } from "../../core/camera.ts";
import { ffmpegFrames } from "./ffmpeg-frames.ts";

const options = z.strictObject({
  path: z.string().min(1),
  width: z.int().min(64).max(1_920).multipleOf(2).default(640),
  height: z.int().min(64).max(1_080).multipleOf(2).default(360),
  /** Frames a second of the film's own time. */
  fps: z.number().positive().max(60).default(2),
  /** Play at the film's pace; otherwise as fast as frames are taken from the mailbox (unread ones are dropped). */
  realTime: z.boolean().default(true),
  loop: z.boolean().default(false),
  ffmpeg: z.string().min(1).default("ffmpeg"),
});
type Options = z.output<typeof options>;

const silenceMs = 10_000;

/** Replays a film through ffmpeg, for evaluation and support. */
export const videoFile = defineFrameSource({
  kind: "video-file",
  options,
  example: { path: "/nonexistent/film.mp4" },
  open: (chosen: Options, context) =>
    ffmpegFrames(
      {
        program: chosen.ffmpeg,
        inputArguments: [
          ...(chosen.realTime ? ["-re"] : []),
          ...(chosen.loop ? ["-stream_loop", "-1"] : []),
          "-i",
          `file:${chosen.path}`,
        ],
        filters: [`fps=${chosen.fps}`],
        width: chosen.width,
        height: chosen.height,
        silenceMs,
        restart: chosen.loop,
        shownInput: chosen.path,
        secrets: [],
      },
      context,
    ),
});
