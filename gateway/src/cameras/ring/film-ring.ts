import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { access, mkdir, rm, stat, statfs } from "node:fs/promises";
import { join } from "node:path";

import { describeError } from "@frostlight/kernel";

import type { FilmRun, FilmSink } from "../../core/camera.ts";
import { type Clip, clipOfSegments } from "./clip-file.ts";
import type { RingParts } from "./frame-ring.ts";
import { codecOf } from "./transport-stream.ts";

interface Segment {
  readonly file: string;
  readonly sizeBytes: number;
  readonly codec: "h264" | "h265";
  readonly firstMonotonicMs: number;
  readonly lastMonotonicMs: number;
  /** Wall clock when it was closed. */
  readonly lastMs: number;
}

/** After a full disk or an endless segment film is left alone for so long. */
const pauseMs = 300_000;
const checkMs = 2_000;
const memoryFolder = "/dev/shm";
const segmentArguments =
  "-map 0:v:0 -c copy -f segment -segment_format mpegts -segment_list pipe:3 -segment_list_type csv -segment_time".split(
    " ",
  );
/** What ffmpeg says when it cannot write. */
const writingFailed = /no space left|disk quota|read-only file system|permission denied|file too large|\[segment @/i;

/**
 * Segments of the camera's own film, written by the source's ffmpeg beside its frames (stream copy: no decoding, no encoding)
 * and named by it on a pipe when they are closed. Bounded by time and bytes; a film without key frames, whose segment would
 * never end, and a disk that fills up end the recording, not the camera.
 */
export class FilmRing implements FilmSink {
  readonly #parts: RingParts;
  readonly #maxBytes: number;
  #folder: string | undefined;
  #segments: Segment[] = [];
  #readers = 0;
  #runs = 0;
  #pausedUntilMs = Number.NEGATIVE_INFINITY;
  #problem: string | null = null;
  #listing: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(parts: RingParts) {
    this.#parts = parts;
    this.#maxBytes = parts.options.maxMegabytes * 1_048_576;
  }

  async begin(): Promise<FilmRun | null> {
    const { options, clock } = this.#parts;
    if (!options.film || this.#stopped || clock.monotonicMs() < this.#pausedUntilMs) return null;
    try {
      this.#folder ??= await this.#makeFolder();
      const { bavail, bsize } = await statfs(this.#folder);
      if (bavail * bsize < 2 * this.#maxBytes) {
        this.#pause(`${this.#folder}: ${Math.floor((bavail * bsize) / 1_048_576)} MB free, twice maxMegabytes wanted`);
        return null;
      }
    } catch (error) {
      this.#pause(describeError(error));
      return null;
    }
    return this.#run(this.#folder);
  }

  /** Film came within the last seconds: pictures need not be kept. */
  isLive(): boolean {
    const last = this.lastMs();
    const { options, clock } = this.#parts;
    return last !== undefined && clock.monotonicMs() - last < options.segmentSeconds * 3_000 + 5_000;
  }

  /** Monotonic ms up to which closed segments reach. */
  lastMs(): number | undefined {
    return this.#segments.at(-1)?.lastMonotonicMs;
  }

  problem(): string | null {
    return this.#problem;
  }

  usage(): { readonly segments: number; readonly filmBytes: number } {
    return { segments: this.#segments.length, filmBytes: this.#bytes() };
  }

  async clip(fromMs: number, toMs: number, signal: AbortSignal): Promise<Clip | undefined> {
    const wanted = this.#segments.filter(
      ({ firstMonotonicMs, lastMonotonicMs }) => lastMonotonicMs >= fromMs && firstMonotonicMs <= toMs,
    );
    const first = wanted[0];
    const last = wanted.at(-1);
    if (first === undefined || last === undefined) return undefined;
    this.#readers += 1;
    try {
      const firstMs = last.lastMs - (last.lastMonotonicMs - first.firstMonotonicMs);
      const files = wanted.map(({ file }) => file);
      const data = await clipOfSegments(files, last.codec, this.#parts.options.ffmpeg, signal);
      return { data, mediaType: "video/mp4", firstMs, lastMs: last.lastMs };
    } catch (error) {
      this.#parts.logger.warn("clip-failed", { error: describeError(error) });
      return undefined;
    } finally {
      this.#readers -= 1;
      await this.#evict();
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#listing;
    this.#segments = [];
    if (this.#folder !== undefined) await rm(this.#folder, { recursive: true, force: true });
    this.#folder = undefined;
  }

  #run(folder: string): FilmRun {
    const { options, clock } = this.#parts;
    this.#runs += 1;
    const run = this.#runs;
    const tooMuch = new AbortController();
    let rest = "";
    let closed = 0;
    const stopChecking = clock.every(checkMs, () => {
      const open = join(folder, segmentName(run, closed));
      void stat(open)
        .then(({ size }) => {
          if (size <= this.#maxBytes) return;
          this.#pause(`a segment of ${size} bytes without a key frame`);
          tooMuch.abort(new Error("segment too large"));
        })
        .catch(() => undefined); // not there yet
    });
    return {
      outputArguments: [
        ...segmentArguments,
        String(options.segmentSeconds),
        join(folder.replaceAll("%", "%%"), `${run}-%05d.ts`),
      ],
      endNow: tooMuch.signal,
      list: (text) => {
        const nowMs = clock.nowMs();
        const monotonicMs = clock.monotonicMs();
        const lines = (rest + text).split("\n");
        rest = (lines.pop() ?? "").slice(-1_000);
        for (const line of lines) {
          const [name = "", first = "", last = ""] = line.split(",");
          if (name !== segmentName(run, closed)) continue;
          closed += 1;
          const lengthMs = Math.max(0, (Number(last) - Number(first)) * 1_000);
          const file = join(folder, name);
          this.#listing = this.#listing
            .then(() => this.#add(file, lengthMs, nowMs, monotonicMs))
            .catch((error: unknown) => {
              this.#pause(describeError(error));
              tooMuch.abort(error);
            });
        }
      },
      ended: (words) => {
        stopChecking();
        if (writingFailed.test(words)) this.#pause(words.split("\n").at(-1) ?? "");
        // what ffmpeg did not close is not listed and not used
        void rm(join(folder, segmentName(run, closed)), { force: true }).catch(() => undefined);
      },
    };
  }

  async #add(file: string, lengthMs: number, lastMs: number, monotonicMs: number): Promise<void> {
    const { size } = await stat(file);
    const codec = await codecOf(file);
    if (codec === undefined) {
      await rm(file, { force: true });
      throw new Error("film that is neither H.264 nor H.265: pictures are kept instead");
    }
    if (this.#stopped || !Number.isFinite(lengthMs)) return;
    this.#problem = null;
    this.#segments.push({
      file,
      sizeBytes: size,
      codec,
      firstMonotonicMs: monotonicMs - lengthMs,
      lastMonotonicMs: monotonicMs,
      lastMs,
    });
    await this.#evict();
  }

  /** The oldest go first; not while a clip is being made of them. */
  async #evict(): Promise<void> {
    if (this.#readers > 0) return;
    const keepMs = this.#parts.options.seconds * 1_000;
    for (let oldest = this.#segments[0]; oldest !== undefined; oldest = this.#segments[0]) {
      const age = this.#parts.clock.monotonicMs() - oldest.lastMonotonicMs;
      if (this.#bytes() <= this.#maxBytes && age <= keepMs) return;
      this.#segments.shift();
      await rm(oldest.file, { force: true }).catch(() => undefined); // gone with the folder at the latest
    }
  }

  #bytes(): number {
    return this.#segments.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  }

  #pause(why: string): void {
    const { clock, logger } = this.#parts;
    this.#pausedUntilMs = clock.monotonicMs() + pauseMs;
    if (this.#problem !== why) logger.warn("film-not-kept", { why });
    this.#problem = why;
  }

  /** A fresh folder that only this user can read; what an earlier process left there goes. */
  async #makeFolder(): Promise<string> {
    const { options, cameraId, stateFolder } = this.#parts;
    const own = createHash("sha256").update(`${stateFolder}\n${cameraId}`).digest("hex").slice(0, 16);
    const inMemory = await access(memoryFolder, constants.W_OK).then(
      () => true,
      () => false,
    );
    const folder =
      options.folder === undefined
        ? inMemory
          ? join(memoryFolder, `frostlight-${own}`)
          : join(stateFolder, "ring")
        : join(options.folder, `frostlight-${own}`);
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { mode: 0o700 });
    return folder;
  }
}

function segmentName(run: number, index: number): string {
  return `${run}-${String(index).padStart(5, "0")}.ts`;
}
