import { describeError, readSecret, retryDelayMs } from "@frostlight/kernel";
import { z } from "zod";

import { defineFrameSource, type FrameEvent, type FrameSourceContext } from "../../core/camera.ts";
import { accountOptions, refusedRetry, unreachableRetry } from "./camera-http.ts";
import { httpSnapshot } from "./http-snapshot.ts";
import { type ResolvedCamera, resolveCamera } from "./onvif/device.ts";
import { OnvifError } from "./onvif/soap-client.ts";
import { probeCameras } from "./onvif/ws-discovery.ts";
import { rtsp, rtspStreamOptions } from "./rtsp.ts";

const options = z
  .strictObject({
    /** The device service, for most cameras http://ADDRESS/onvif/device_service. */
    url: z.url({ protocol: /^https?$/ }).optional(),
    /** The device's own name, "urn:uuid:…": it is looked for on the local network where it has no url, or is not there any more. */
    endpoint: z.string().min(1).max(200).optional(),
    credentials: accountOptions.optional(),
    /** Its RTSP stream, or its snapshots where there is no ffmpeg. */
    via: z.enum(["rtsp", "snapshot"]).default("rtsp"),
    /** Token or name of a profile; left out: the smallest picture of at least `minWidth`, which is the sub-stream. */
    profile: z.string().min(1).optional(),
    minWidth: z.int().min(64).max(4_096).default(416),
    ...rtspStreamOptions,
  })
  .refine(({ url, endpoint }) => url !== undefined || endpoint !== undefined, "expected `url` or `endpoint`");
type Options = z.output<typeof options>;

const probeMs = 3_000;
/** So many failed tries of the stream (each with its own waits) before the camera is asked again where it is. */
const triesBeforeAskingAgain = 3;

/** A camera that tells by ONVIF where its stream is; asked again when the stream is gone. */
export const onvif = defineFrameSource({
  kind: "onvif",
  options,
  example: { url: "http://127.0.0.1:9/onvif/device_service" },
  open: (chosen: Options, context) => ({ [Symbol.asyncIterator]: () => frames(chosen, context) }),
});

async function* frames(chosen: Options, context: FrameSourceContext): AsyncGenerator<FrameEvent> {
  const { clock, signal, random, logger } = context;
  for (let failures = 0; !signal.aborted;) {
    let schedule = unreachableRetry;
    try {
      const camera = await resolve(chosen, context);
      logger.info("onvif-resolved", { profile: camera.profile, url: camera.url, clockOffsetMs: camera.clockOffsetMs });
      for await (const event of streamOf(camera, chosen, context)) {
        if (event.kind === "frame") failures = 0;
        yield event;
      }
    } catch (error) {
      if (signal.aborted) return;
      const code = error instanceof OnvifError ? error.code : "unreachable";
      if (code === "refused") schedule = refusedRetry;
      yield { kind: "problem", code: code === "fault" ? "onvif-fault" : code, message: describeError(error) };
    }
    try {
      await clock.sleep(retryDelayMs(schedule, failures, random), signal);
    } catch {
      return;
    }
    failures += 1;
  }
}

/** At its configured address; when that is silent, wherever a device of its name answers. */
async function resolve(chosen: Options, context: FrameSourceContext): Promise<ResolvedCamera> {
  const { clock, signal, random, logger, environment } = context;
  const account =
    chosen.credentials === undefined
      ? undefined
      : { username: chosen.credentials.username, password: await readSecret(chosen.credentials.password, environment) };
  const at = (url: string): Promise<ResolvedCamera> => resolveCamera({ url, account, wish: chosen, clock, signal });
  if (chosen.url !== undefined) {
    try {
      return await at(chosen.url);
    } catch (error) {
      if (!(error instanceof OnvifError) || error.code !== "unreachable" || chosen.endpoint === undefined) throw error;
    }
  }
  const found = await probeCameras({ clock, random, logger, signal, forMs: probeMs });
  const camera = found.find(({ endpoint }) => endpoint === chosen.endpoint);
  if (camera === undefined) {
    throw new OnvifError(
      "unreachable",
      `no device ${chosen.endpoint ?? ""} answers on the local network (${found.length} others do)`,
    );
  }
  return at(camera.url);
}

/** The stream itself, until it has failed so often that the camera may be somewhere else or have another profile. */
async function* streamOf(
  camera: ResolvedCamera,
  chosen: Options,
  context: FrameSourceContext,
): AsyncGenerator<FrameEvent> {
  const stop = new AbortController();
  const signal = AbortSignal.any([context.signal, stop.signal]);
  const { via, credentials, transport, width, height, fps, keyFramesOnly, silenceSeconds, ffmpeg } = chosen;
  const common = { url: camera.url, fps, ...(credentials === undefined ? {} : { credentials }) };
  const film = { transport, width, height, keyFramesOnly, silenceSeconds, ffmpeg };
  const source =
    via === "rtsp"
      ? rtsp.open(rtsp.options.parse({ ...common, ...film }), { ...context, signal })
      : httpSnapshot.open(httpSnapshot.options.parse(common), { ...context, signal });
  let problems = 0;
  try {
    for await (const event of source) {
      problems = event.kind === "frame" ? 0 : problems + 1;
      yield event;
      if (problems >= triesBeforeAskingAgain) return;
    }
  } finally {
    stop.abort(new Error("another look at the camera"));
  }
}
