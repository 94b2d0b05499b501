import { describeError, retryDelayMs, type RetrySchedule } from "@frostlight/kernel";
import { z } from "zod";

import { defineFrameSource, type FrameEvent, type FrameSourceContext } from "../../core/camera.ts";
import { accountOptions, CameraHttp, refusedRetry, unreachableRetry } from "./camera-http.ts";
import { decodePicture } from "./picture-decoder.ts";

const options = z.strictObject({
  /** Address of a JPEG or PNG picture. */
  url: z.url({ protocol: /^https?$/ }),
  credentials: accountOptions.optional(),
  fps: z.number().positive().max(10).default(2),
  timeoutSeconds: z.number().positive().max(60).default(5),
  maxBytes: z
    .int()
    .min(1_024)
    .max(64 * 1_048_576)
    .default(8 * 1_048_576),
});
type Options = z.output<typeof options>;

/** Asks a camera's snapshot address again and again. */
export const httpSnapshot = defineFrameSource({
  kind: "http-snapshot",
  options,
  example: { url: "http://127.0.0.1:9/snapshot.jpg" },
  open: (chosen: Options, context) => ({ [Symbol.asyncIterator]: () => snapshots(chosen, context) }),
});

async function* snapshots(chosen: Options, context: FrameSourceContext): AsyncGenerator<FrameEvent> {
  const { clock, signal } = context;
  const http = new CameraHttp(chosen.url, chosen.credentials, context.environment);
  let failures = 0;
  while (!signal.aborted) {
    const startedMs = clock.monotonicMs();
    const event = await fetchPicture(http, chosen, context);
    if (signal.aborted) return;
    yield event;
    const retry = event.kind === "frame" ? undefined : retries[event.code];
    failures = retry === undefined ? 0 : failures + 1;
    const period = 1_000 / chosen.fps - (clock.monotonicMs() - startedMs);
    const wait = retry === undefined ? period : retryDelayMs(retry, failures - 1, context.random);
    try {
      await clock.sleep(Math.max(0, wait), signal);
    } catch {
      return;
    }
  }
}

const retries: Readonly<Record<string, RetrySchedule>> = { unreachable: unreachableRetry, refused: refusedRetry };

async function fetchPicture(http: CameraHttp, chosen: Options, context: FrameSourceContext): Promise<FrameEvent> {
  const timeout = new AbortController();
  const cancel = context.clock.after(chosen.timeoutSeconds * 1_000, () => {
    timeout.abort(new Error(`no answer within ${chosen.timeoutSeconds} s`));
  });
  try {
    const answer = await http.get(AbortSignal.any([timeout.signal, context.signal]));
    if (answer.kind === "problem") return answer;
    const { response } = answer;
    const data = await readLimited(response, chosen.maxBytes);
    if (data === undefined) {
      return {
        kind: "problem",
        code: "picture-too-large",
        message: `${chosen.url}: more than ${chosen.maxBytes} bytes`,
      };
    }
    return await decodePicture(data, context.clock);
  } catch (error) {
    return { kind: "problem", code: "unreachable", message: `${chosen.url}: ${describeError(error)}` };
  } finally {
    cancel();
  }
}

/** The body, or undefined as soon as it exceeds the limit. */
async function readLimited(response: Response, maxBytes: number): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > maxBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}
