import { readSecret, secretReference } from "@frostlight/kernel";
import { z } from "zod";

import { defineFrameSource, type FrameEvent, type FrameSourceContext } from "../../core/camera.ts";
import { ffmpegFrames } from "./ffmpeg-frames.ts";

const options = z.strictObject({
  /** rtsp:// or rtsps:// address without user and password; take the camera's sub-stream. */
  url: z
    .url({ protocol: /^rtsps?$/ })
    .refine((url) => new URL(url).username === "", "user and password belong into `credentials`"),
  /** They become part of ffmpeg's arguments: other users of this machine can see them in the process list. */
  credentials: z.strictObject({ username: z.string().min(1), password: secretReference }).optional(),
  transport: z.enum(["tcp", "udp"]).default("tcp"),
  width: z.int().min(64).max(1_920).multipleOf(2).default(640),
  height: z.int().min(64).max(1_080).multipleOf(2).default(360),
  fps: z.number().positive().max(10).default(2),
  /** Decode key frames only: a fifth of the CPU, as many frames as the camera sends key frames. */
  keyFramesOnly: z.boolean().default(false),
  silenceSeconds: z.number().min(2).max(120).default(10),
  ffmpeg: z.string().min(1).default("ffmpeg"),
});
type Options = z.output<typeof options>;

/** A camera's RTSP stream, decoded and scaled by ffmpeg. */
export const rtsp = defineFrameSource({
  kind: "rtsp",
  options,
  example: { url: "rtsp://127.0.0.1:9/stream" },
  open: (chosen: Options, context) => ({ [Symbol.asyncIterator]: () => stream(chosen, context) }),
});

async function* stream(chosen: Options, context: FrameSourceContext): AsyncGenerator<FrameEvent> {
  const url = new URL(chosen.url);
  const secrets: string[] = [];
  if (chosen.credentials !== undefined) {
    const password = await readSecret(chosen.credentials.password, context.environment);
    url.username = encodeURIComponent(chosen.credentials.username);
    url.password = encodeURIComponent(password);
    secrets.push(password, encodeURIComponent(password));
  }
  const microseconds = String(chosen.silenceSeconds * 1_000_000);
  yield* ffmpegFrames(
    {
      program: chosen.ffmpeg,
      inputArguments: [
        "-rtsp_transport",
        chosen.transport,
        "-timeout",
        microseconds,
        // one second of looking at the stream is enough to know it; five are the default
        "-analyzeduration",
        "1000000",
        "-probesize",
        "1000000",
        ...(chosen.keyFramesOnly ? ["-skip_frame", "nokey"] : []),
        "-i",
        url.href,
      ],
      filters: [`fps=${chosen.fps}`],
      width: chosen.width,
      height: chosen.height,
      silenceMs: chosen.silenceSeconds * 1_000,
      restart: true,
      shownInput: chosen.url,
      secrets,
    },
    context,
  );
}
