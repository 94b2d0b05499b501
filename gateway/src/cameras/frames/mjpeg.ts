import { describeError, retryDelayMs } from "@frostlight/kernel";
import { z } from "zod";

import { defineFrameSource, type FrameEvent, type FrameSourceContext } from "../../core/camera.ts";
import { accountOptions, CameraHttp, refusedRetry, unreachableRetry } from "./camera-http.ts";
import { FrameMailbox } from "./mailbox.ts";
import { MultipartReader, type Part } from "./multipart.ts";
import { decodePicture } from "./picture-decoder.ts";

const options = z.strictObject({
  /** Address of a multipart/x-mixed-replace stream. */
  url: z.url({ protocol: /^https?$/ }),
  credentials: accountOptions.optional(),
  /** Pictures that come faster are dropped before they are decoded. */
  fps: z.number().positive().max(10).default(2),
  /** Without a whole picture for so long the stream is opened anew. */
  silenceSeconds: z.number().min(2).max(120).default(10),
  maxBytes: z
    .int()
    .min(1_024)
    .max(64 * 1_048_576)
    .default(8 * 1_048_576),
});
type Options = z.output<typeof options>;

/** A camera's endless answer of JPEGs (MJPEG over HTTP). The newest picture wins. */
export const mjpeg = defineFrameSource({
  kind: "mjpeg",
  options,
  example: { url: "http://127.0.0.1:9/video.mjpg" },
  open: (chosen: Options, context) => ({ [Symbol.asyncIterator]: () => pictures(chosen, context) }),
});

async function* pictures(chosen: Options, context: FrameSourceContext): AsyncGenerator<FrameEvent> {
  if (context.signal.aborted) return;
  const mailbox = new FrameMailbox();
  const close = (): void => {
    mailbox.close();
  };
  const reading = keepReading(chosen, context, mailbox).finally(close);
  context.signal.addEventListener("abort", close, { once: true });
  try {
    yield* mailbox;
  } finally {
    context.signal.removeEventListener("abort", close);
    if (context.signal.aborted) await reading;
  }
}

async function keepReading(chosen: Options, context: FrameSourceContext, mailbox: FrameMailbox): Promise<void> {
  const { clock, signal, random } = context;
  const http = new CameraHttp(chosen.url, chosen.credentials, context.environment);
  for (let failures = 0; !signal.aborted; failures += 1) {
    const ended = await readOnce(http, chosen, context, mailbox);
    if (signal.aborted) return;
    mailbox.problem(ended.code, ended.message);
    if (ended.pictures > 0) failures = 0;
    const schedule = ended.code === "refused" ? refusedRetry : unreachableRetry;
    try {
      await clock.sleep(retryDelayMs(schedule, failures, random), signal);
    } catch {
      return;
    }
  }
}

interface Ended {
  readonly code: string;
  readonly message: string;
  readonly pictures: number;
}

async function readOnce(
  http: CameraHttp,
  chosen: Options,
  context: FrameSourceContext,
  mailbox: FrameMailbox,
): Promise<Ended> {
  const { clock, signal } = context;
  const silent = new AbortController();
  let lastMs = clock.monotonicMs();
  let pictures = 0;
  const stopWatching = clock.every(500, () => {
    if (clock.monotonicMs() - lastMs >= chosen.silenceSeconds * 1_000) silent.abort(new Error("silent"));
  });
  const decoder = new PacedDecoder(chosen, context, mailbox);
  try {
    const answer = await http.get(AbortSignal.any([signal, silent.signal]));
    if (answer.kind === "problem") return { ...answer, pictures };
    const type = answer.response.headers.get("content-type") ?? "nothing";
    if (!/^multipart\//i.test(type)) {
      await answer.response.body?.cancel();
      const hint = /^image\//i.test(type) ? ": single pictures are read by `http-snapshot`" : "";
      return { code: "not-mjpeg", message: `${chosen.url} sends ${type}, expected multipart${hint}`, pictures };
    }
    const boundary = /boundary\s*=\s*(?:"([^"]*)"|([^\s;]*))/i.exec(type);
    const reader = new MultipartReader(boundary?.[1] ?? boundary?.[2], chosen.maxBytes);
    for await (const chunk of answer.response.body ?? []) {
      for (const part of reader.push(chunk)) {
        if (part.kind === "part") {
          pictures += 1;
          lastMs = clock.monotonicMs();
        }
        decoder.take(part);
      }
    }
    return { code: "unreachable", message: `${chosen.url}: the stream ended`, pictures };
  } catch (error) {
    return silent.signal.aborted
      ? { code: "frozen-stream", message: `${chosen.url}: no picture for ${chosen.silenceSeconds} s`, pictures }
      : { code: "unreachable", message: `${chosen.url}: ${describeError(error)}`, pictures };
  } finally {
    stopWatching();
    silent.abort(new Error("done"));
    await decoder.idle();
  }
}

/** Decodes at the wished rate and never two at once; reading from the camera does not wait for it. */
class PacedDecoder {
  readonly #options: Options;
  readonly #context: FrameSourceContext;
  readonly #mailbox: FrameMailbox;
  #nextMs = Number.NEGATIVE_INFINITY;
  #busy: Promise<void> | undefined;

  constructor(chosen: Options, context: FrameSourceContext, mailbox: FrameMailbox) {
    this.#options = chosen;
    this.#context = context;
    this.#mailbox = mailbox;
  }

  take(part: Part): void {
    const { clock } = this.#context;
    const { url, fps } = this.#options;
    if (part.kind === "broken") {
      this.#mailbox.problem("part-broken", `${url}: ${part.why}`);
      return;
    }
    const nowMs = clock.monotonicMs();
    if (this.#busy !== undefined || nowMs < this.#nextMs) return;
    // a tenth of slack: pictures that come just at the wished rate are all taken
    this.#nextMs = nowMs + 900 / fps;
    this.#busy = decodePicture(part.data, clock)
      .then((event) => {
        if (event.kind === "frame") this.#mailbox.frame(event.frame);
        else this.#mailbox.problem(event.code, `${url}: ${event.message}`);
      })
      .finally(() => {
        this.#busy = undefined;
      });
  }

  async idle(): Promise<void> {
    await this.#busy;
  }
}
