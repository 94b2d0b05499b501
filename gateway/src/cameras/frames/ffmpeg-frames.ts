import { spawn } from "node:child_process";

import { errorCode, retryDelayMs } from "@frostlight/kernel";

import type { FilmRun, FrameEvent, FrameSourceContext } from "../../core/camera.ts";
import { refusedRetry } from "./camera-http.ts";
import { FrameMailbox } from "./mailbox.ts";

/** How ffmpeg is run and watched. */
export interface FfmpegPlan {
  readonly program: string;
  /** Everything before the output options. */
  readonly inputArguments: readonly string[];
  /** What ffmpeg reads on its standard input: a list that names the input, so that no password is an argument. */
  readonly standardInput?: string;
  /** Video filters before scaling, e.g. "fps=2". */
  readonly filters: readonly string[];
  /** Options of the output, before its format. */
  readonly outputOptions?: readonly string[];
  readonly width: number;
  readonly height: number;
  /** Without a frame for so long the process is killed and started again. */
  readonly silenceMs: number;
  /** Start again when the input ends by itself. */
  readonly restart: boolean;
  /** For messages: the input without credentials. */
  readonly shownInput: string;
  /** Removed from ffmpeg's own words before they are shown. */
  readonly secrets: readonly string[];
}

const retry = { firstMs: 500, factor: 2, maxMs: 15_000, jitter: 0.2 };
const stderrKept = 600;
/** Opening a stream and finding out what it is takes seconds, on a small machine more. */
const firstFrameMs = 20_000;

/**
 * Scaled raw RGB frames from an ffmpeg child. ffmpeg exits 0 when a camera dies and hangs when one freezes, so the time since
 * the last frame is watched and a silent child is ended with SIGKILL (it ignores SIGTERM then). The newest frame wins.
 */
export async function* ffmpegFrames(plan: FfmpegPlan, context: FrameSourceContext): AsyncGenerator<FrameEvent> {
  const mailbox = new FrameMailbox();
  const running = supervise(plan, context, mailbox).finally(() => {
    mailbox.close();
  });
  const onAbort = (): void => {
    mailbox.close();
  };
  context.signal.addEventListener("abort", onAbort, { once: true });
  try {
    yield* mailbox;
  } finally {
    context.signal.removeEventListener("abort", onAbort);
    if (context.signal.aborted) await running;
  }
}

async function supervise(plan: FfmpegPlan, context: FrameSourceContext, mailbox: FrameMailbox): Promise<void> {
  const { clock, signal } = context;
  for (let failures = 0; !signal.aborted;) {
    const film = (await context.film?.begin()) ?? null;
    if (signal.aborted) {
      film?.ended("");
      return;
    }
    const ended = await runOnce(plan, context, mailbox, film);
    if (signal.aborted) return;
    if (ended.kind === "missing") {
      mailbox.problem("ffmpeg-missing", `${plan.program} is not installed: RTSP and video files need Debian's ffmpeg`);
    } else if (!plan.restart) {
      if (ended.frames === 0) mailbox.problem("unreachable", `${plan.shownInput}: ${ended.message}`);
      return;
    } else {
      const code = ended.refused ? "refused" : ended.silent ? "frozen-stream" : "unreachable";
      mailbox.problem(code, `${plan.shownInput}: ${ended.message}`);
    }
    failures = ended.kind === "ended" && ended.frames > 0 ? 0 : failures + 1;
    const schedule = ended.kind === "ended" && ended.refused ? refusedRetry : retry;
    try {
      await clock.sleep(retryDelayMs(schedule, failures, context.random), signal);
    } catch {
      return;
    }
  }
}

type Ended =
  | { readonly kind: "missing" }
  | {
      readonly kind: "ended";
      readonly frames: number;
      readonly silent: boolean;
      readonly refused: boolean;
      readonly message: string;
    };

function runOnce(
  plan: FfmpegPlan,
  context: FrameSourceContext,
  mailbox: FrameMailbox,
  film: FilmRun | null,
): Promise<Ended> {
  const { clock, signal } = context;
  const fit = `scale=${plan.width}:${plan.height}:force_original_aspect_ratio=decrease,pad=${plan.width}:${plan.height}:(ow-iw)/2:(oh-ih)/2`;
  const filters = [...plan.filters, fit].join(",");
  const chosen = plan.outputOptions ?? [];
  const outputs = ["-map", "0:v:0", "-vf", filters, ...chosen, "-pix_fmt", "rgb24", "-f", "rawvideo", "pipe:1"];
  if (film !== null) outputs.push(...film.outputArguments);
  const child = spawn(
    plan.program,
    ["-hide_banner", "-nostdin", "-loglevel", "error", ...plan.inputArguments, ...outputs],
    { stdio: ["pipe", "pipe", "pipe", film === null ? "ignore" : "pipe"] },
  );
  child.stdin?.on("error", () => undefined); // its end is told by "close"
  child.stdin?.end(plan.standardInput);
  const segmentList = child.stdio[3];
  if (film !== null)
    segmentList?.on("data", (chunk: Buffer) => {
      film.list(chunk.toString("utf8"));
    });
  let frames = 0;
  let silent = false;
  let lastFrameMs = clock.monotonicMs();
  let words = "";
  const kill = (): void => {
    child.kill("SIGKILL");
  };
  const assembler = new FrameAssembler(plan.width * plan.height * 3, (rgb) => {
    frames += 1;
    lastFrameMs = clock.monotonicMs();
    const timeMs = clock.nowMs();
    mailbox.frame({ width: plan.width, height: plan.height, rgb, timeMs, monotonicMs: lastFrameMs, jpeg: null });
  });
  child.stdout?.on("data", (chunk: Buffer) => {
    assembler.push(chunk);
  });
  child.stderr?.on("data", (chunk: Buffer) => {
    words = (words + chunk.toString("utf8")).slice(-stderrKept);
  });
  const stopWatching = clock.every(Math.min(1_000, plan.silenceMs / 2), () => {
    const allowedMs = frames === 0 ? Math.max(firstFrameMs, plan.silenceMs) : plan.silenceMs;
    if (clock.monotonicMs() - lastFrameMs < allowedMs) return;
    silent = true;
    kill();
  });
  if (signal.aborted) kill();
  signal.addEventListener("abort", kill, { once: true });
  film?.endNow.addEventListener("abort", kill, { once: true });
  return new Promise((resolve) => {
    const finish = (ended: Ended): void => {
      stopWatching();
      signal.removeEventListener("abort", kill);
      film?.ended(words);
      resolve(ended);
    };
    child.once("error", (error) => {
      if (errorCode(error) === "ENOENT") finish({ kind: "missing" });
      else finish({ kind: "ended", frames, silent, refused: false, message: error.message });
    });
    child.once("close", (code) => {
      const said = hideSecrets(words.trim().split("\n").at(-1) ?? "", plan.secrets);
      const silence = `no frame for ${plan.silenceMs / 1_000} s`;
      const end = `ffmpeg ended with ${code ?? "a signal"}${said === "" ? "" : `: ${said}`}`;
      const refused = /401 Unauthorized|authorization failed/i.test(words);
      finish({ kind: "ended", frames, silent, refused, message: silent ? silence : end });
    });
  });
}

function hideSecrets(text: string, secrets: readonly string[]): string {
  return secrets.reduce((shown, secret) => (secret === "" ? shown : shown.replaceAll(secret, "***")), text);
}

/** Cuts a byte stream into frames of a fixed size. */
export class FrameAssembler {
  readonly #size: number;
  readonly #emit: (rgb: Uint8Array) => void;
  #buffer: Uint8Array;
  #filled = 0;

  constructor(size: number, emit: (rgb: Uint8Array) => void) {
    this.#size = size;
    this.#emit = emit;
    this.#buffer = new Uint8Array(size);
  }

  push(chunk: Uint8Array): void {
    for (let offset = 0; offset < chunk.length;) {
      const take = Math.min(chunk.length - offset, this.#size - this.#filled);
      this.#buffer.set(chunk.subarray(offset, offset + take), this.#filled);
      this.#filled += take;
      offset += take;
      if (this.#filled < this.#size) continue;
      const full = this.#buffer;
      this.#buffer = new Uint8Array(this.#size);
      this.#filled = 0;
      this.#emit(full);
    }
  }
}
