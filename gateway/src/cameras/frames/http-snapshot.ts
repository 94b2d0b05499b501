import { describeError, readSecret, retryDelayMs, secretReference } from "@frostlight/kernel";
import { z } from "zod";

import { defineFrameSource, type FrameEvent, type FrameSourceContext } from "../../core/camera.ts";
import { decodePicture } from "./picture-decoder.ts";

const options = z.strictObject({
  /** Address of a JPEG or PNG picture. */
  url: z.url({ protocol: /^https?$/ }),
  /** HTTP Basic authentication. */
  credentials: z.strictObject({ username: z.string().min(1), password: secretReference }).optional(),
  fps: z.number().positive().max(10).default(2),
  timeoutSeconds: z.number().positive().max(60).default(5),
  maxBytes: z
    .int()
    .min(1_024)
    .max(64 * 1_048_576)
    .default(8 * 1_048_576),
});
type Options = z.output<typeof options>;

/** A camera that does not answer is asked less often; one that answers nonsense is asked on at the usual pace. */
const retry = { firstMs: 1_000, factor: 2, maxMs: 15_000, jitter: 0.2 };

/** Asks a camera's snapshot address again and again. */
export const httpSnapshot = defineFrameSource({
  kind: "http-snapshot",
  options,
  example: { url: "http://127.0.0.1:9/snapshot.jpg" },
  open: (chosen: Options, context) => ({ [Symbol.asyncIterator]: () => snapshots(chosen, context) }),
});

async function* snapshots(chosen: Options, context: FrameSourceContext): AsyncGenerator<FrameEvent> {
  const { clock, signal } = context;
  let failures = 0;
  while (!signal.aborted) {
    const startedMs = clock.monotonicMs();
    const event = await fetchPicture(chosen, context);
    if (signal.aborted) return;
    yield event;
    failures = event.kind === "problem" && event.code === "unreachable" ? failures + 1 : 0;
    const period = 1_000 / chosen.fps - (clock.monotonicMs() - startedMs);
    const wait = failures === 0 ? period : retryDelayMs(retry, failures - 1, context.random);
    try {
      await clock.sleep(Math.max(0, wait), signal);
    } catch {
      return;
    }
  }
}

async function fetchPicture(chosen: Options, context: FrameSourceContext): Promise<FrameEvent> {
  const timeout = new AbortController();
  const cancel = context.clock.after(chosen.timeoutSeconds * 1_000, () => {
    timeout.abort(new Error(`no answer within ${chosen.timeoutSeconds} s`));
  });
  try {
    const response = await fetch(chosen.url, {
      headers: await headersOf(chosen, context),
      redirect: "error",
      signal: AbortSignal.any([timeout.signal, context.signal]),
    });
    if (!response.ok) {
      await response.body?.cancel();
      return {
        kind: "problem",
        code: "http-status",
        message: `${chosen.url} answered ${response.status}, expected 200`,
      };
    }
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

async function headersOf(chosen: Options, context: FrameSourceContext): Promise<Record<string, string>> {
  if (chosen.credentials === undefined) return {};
  const password = await readSecret(chosen.credentials.password, context.environment);
  const pair = Buffer.from(`${chosen.credentials.username}:${password}`, "utf8").toString("base64");
  return { authorization: `Basic ${pair}` };
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
