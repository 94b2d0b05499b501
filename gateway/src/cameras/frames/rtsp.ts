import { describeError, readSecret } from "@frostlight/kernel";
import { z } from "zod";

import { defineFrameSource, type FrameEvent, type FrameSourceContext } from "../../core/camera.ts";
import { accountOptions } from "./camera-http.ts";
import { ffmpegFrames, type FfmpegPlan } from "./ffmpeg-frames.ts";

/** How a stream is taken, wherever its address comes from. */
export const rtspStreamOptions = {
  transport: z.enum(["tcp", "udp"]).default("tcp"),
  width: z.int().min(64).max(1_920).multipleOf(2).default(640),
  height: z.int().min(64).max(1_080).multipleOf(2).default(360),
  fps: z.number().positive().max(10).default(2),
  /** Decode key frames only: a fifth of the CPU, as many frames as the camera sends key frames. */
  keyFramesOnly: z.boolean().default(false),
  silenceSeconds: z.number().min(2).max(120).default(10),
  ffmpeg: z.string().min(1).default("ffmpeg"),
} as const;

const options = z.strictObject({
  /** rtsp:// or rtsps:// address without user and password; take the camera's sub-stream. */
  url: z
    .url({ protocol: /^rtsps?$/ })
    .refine((url) => new URL(url).username === "", "user and password belong into `credentials`"),
  /** Told to ffmpeg on its standard input: in no process list, in no log. */
  credentials: accountOptions.optional(),
  ...rtspStreamOptions,
});
type Options = z.output<typeof options>;

const secretRetryMs = 15_000;
const listInput = "-f concat -safe 0 -protocol_whitelist pipe,rtsp,rtsps,rtp,srtp,tcp,udp,tls,crypto".split(" ");

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
    let password: string | undefined;
    while (password === undefined) {
      if (context.signal.aborted) return;
      try {
        password = await readSecret(chosen.credentials.password, context.environment);
      } catch (error) {
        yield { kind: "problem", code: "secret-missing", message: `${chosen.url}: ${describeError(error)}` };
        await context.clock.sleep(secretRetryMs, context.signal).catch(() => undefined); // aborted: seen above
      }
    }
    url.username = encodeURIComponent(chosen.credentials.username);
    url.password = encodeURIComponent(password);
    secrets.push(password, encodeURIComponent(password));
  }
  yield* ffmpegFrames(
    {
      program: chosen.ffmpeg,
      inputArguments: [...listInput, ...(chosen.keyFramesOnly ? ["-skip_frame", "nokey"] : []), "-i", "pipe:0"],
      standardInput: inputList(url, chosen),
      ...pacing(chosen),
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

/** Key frames come as they come, at most `fps`: filling up with copies would only cost time. */
function pacing({ keyFramesOnly, fps }: Options): Pick<FfmpegPlan, "filters" | "outputOptions"> {
  if (!keyFramesOnly) return { filters: [`fps=${fps}`] };
  const notTooSoon = `select='isnan(prev_selected_t)+gte(t-prev_selected_t,${0.9 / fps})'`;
  return { filters: [notTooSoon], outputOptions: ["-fps_mode", "passthrough"] };
}

/** One entry for ffmpeg's concat demuxer. `href` has no quote and no line break: both are percent-encoded below. */
function inputList(url: URL, { transport, silenceSeconds }: Options): string {
  return [
    "ffconcat version 1.0",
    `file '${url.href.replaceAll("'", "%27")}'`,
    `option rtsp_transport ${transport}`,
    `option timeout ${silenceSeconds * 1_000_000}`,
    // one second of looking at the stream is enough to know it; five are the default
    "option analyzeduration 1000000",
    "option probesize 1000000",
    "",
  ].join("\n");
}
