import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { errorCode } from "@frostlight/kernel";

import type { KeptPicture } from "./picture-ring.ts";

/** Seconds before and after something, ready to be shown: MP4, or an animated WebP where there is no ffmpeg. */
export interface Clip {
  readonly data: Uint8Array;
  readonly mediaType: "video/mp4" | "image/webp";
  /** Wall clock of the first and last picture, Unix ms. */
  readonly firstMs: number;
  readonly lastMs: number;
}

const timeoutMs = 60_000;
const maxClipBytes = 64 * 1_048_576;
const maxHeight = 720;
const webpWidth = 480;
const webpPictures = 60;

/** The segments one after the other as one MP4, not re-encoded. */
export async function clipOfSegments(
  files: readonly string[],
  codec: "h264" | "h265",
  program: string,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const [first] = files;
  if (first === undefined) throw new Error("a clip of no segments");
  const list = `ffconcat version 1.0\n${files.map((file) => `file 'file:${file.replaceAll("'", String.raw`'\''`)}'\n`).join("")}`;
  const input = ["-f", "concat", "-safe", "0", "-protocol_whitelist", "pipe,file", "-i", "pipe:0"];
  // Apple's players take H.265 under this name only
  const tag = codec === "h265" ? ["-tag:v", "hvc1"] : [];
  return makeMp4(
    program,
    [...input, "-map", "0:v:0", "-c", "copy", ...tag],
    [Buffer.from(list)],
    dirname(first),
    signal,
  );
}

/**
 * Pictures on a regular grid of time, so that a gap is seen as a standstill and not as haste. H.264 by ffmpeg; without it an
 * animated WebP with the true delays.
 */
export async function clipOfPictures(
  pictures: readonly KeptPicture[],
  program: string,
  signal: AbortSignal,
): Promise<Clip | undefined> {
  const first = pictures[0];
  const last = pictures.at(-1);
  if (first === undefined || last === undefined || pictures.length < 2) return undefined;
  const times = { firstMs: last.timeMs - (last.monotonicMs - first.monotonicMs), lastMs: last.timeMs };
  const stepMs = 200;
  const grid: Uint8Array[] = [];
  for (let at = first.monotonicMs, next = 0; at <= last.monotonicMs + stepMs; at += stepMs) {
    while ((pictures[next + 1]?.monotonicMs ?? Number.POSITIVE_INFINITY) <= at) next += 1;
    grid.push(pictures[next]?.jpeg ?? last.jpeg);
  }
  const fit = `scale=-2:'min(${maxHeight},trunc(ih/2)*2)',format=yuv420p`;
  const input = ["-f", "mjpeg", "-framerate", String(1_000 / stepMs), "-i", "pipe:0"];
  const output = ["-vf", fit, "-c:v", "libx264", "-preset", "veryfast", "-crf", "26", "-threads", "1"];
  const folder = await mkdtemp(join(tmpdir(), "frostlight-clip-"));
  try {
    const data = await makeMp4(program, [...input, ...output], grid, folder, signal);
    return { data, mediaType: "video/mp4", ...times };
  } catch (error) {
    if (signal.aborted) throw error;
    return { data: await animatedWebp(pictures), mediaType: "image/webp", ...times };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function makeMp4(
  program: string,
  args: readonly string[],
  input: readonly Uint8Array[],
  folder: string,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const work = await mkdtemp(join(folder, "clip-"));
  try {
    const file = join(work, "clip.mp4");
    const child = spawn(
      program,
      ["-hide_banner", "-loglevel", "error", ...args, "-movflags", "+faststart", "-f", "mp4", file],
      {
        stdio: ["pipe", "ignore", "pipe"],
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
        killSignal: "SIGKILL",
      },
    );
    child.stdin.on("error", () => undefined); // its end is told by "close"
    child.stdin.end(Buffer.concat(input));
    await endOf(child);
    const { size } = await stat(file);
    if (size > maxClipBytes) throw new Error(`a clip of ${size} bytes`);
    return await readFile(file);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

function endOf(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let words = "";
    child.stderr?.on("data", (chunk: Buffer) => {
      words = (words + chunk.toString("utf8")).slice(-400);
    });
    child.once("error", (error) => {
      reject(errorCode(error) === "ENOENT" ? new Error("ffmpeg is not installed", { cause: error }) : error);
    });
    child.once("close", (code) => {
      if (code === 0) resolve();
      else reject(new Error(`ffmpeg ended with ${code ?? "a signal"}: ${words.trim().split("\n").at(-1) ?? ""}`));
    });
  });
}

async function animatedWebp(pictures: readonly KeptPicture[]): Promise<Uint8Array> {
  const { default: sharp } = await import("sharp");
  const every = Math.ceil(pictures.length / webpPictures);
  const chosen = pictures.filter((_, index) => index % every === 0);
  const first = chosen[0];
  if (first === undefined) throw new Error("a clip of no pictures");
  const own = await sharp(first.jpeg).metadata();
  const width = Math.min(webpWidth, own.width);
  const height = Math.max(1, Math.round((own.height * width) / own.width));
  const frames = await Promise.all(
    chosen.map(({ jpeg }) => sharp(jpeg).resize({ width, height, fit: "fill" }).png().toBuffer()),
  );
  const delay = chosen.map(({ monotonicMs }, index) =>
    Math.max(20, Math.round((chosen[index + 1]?.monotonicMs ?? monotonicMs + 500) - monotonicMs)),
  );
  return sharp(frames, { join: { animated: true } })
    .webp({ quality: 60, delay })
    .toBuffer();
}
