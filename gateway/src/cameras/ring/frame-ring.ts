import type { Clock, Logger } from "@frostlight/kernel";
import { z } from "zod";

import type { FilmSink, Frame } from "../../core/camera.ts";
import { type Clip, clipOfPictures } from "./clip-file.ts";
import { FilmRing } from "./film-ring.ts";
import { PictureRing } from "./picture-ring.ts";

/** How much of the recent past a camera keeps for clips. The recorder (NVR) keeps the film, not we. */
export const ringOptions = z.strictObject({
  /** Seconds kept; what is asked for must lie within them. */
  seconds: z.number().min(5).max(120).default(40),
  /** Bound for the film's segments, on disk; pictures in memory take at most a quarter of it. */
  maxMegabytes: z.number().min(1).max(1_024).default(24),
  /** A segment ends with the first key frame after so many seconds. */
  segmentSeconds: z.number().min(1).max(10).default(2),
  /**
   * Where segments are written, an existing folder. Left out: /dev/shm (memory: a camera's film would wear out an SD card in a year), and where
   * that is missing the camera's own state folder.
   */
  folder: z.string().min(1).optional(),
  /** false keeps pictures only, no film. */
  film: z.boolean().default(true),
  ffmpeg: z.string().min(1).default("ffmpeg"),
});
type RingOptions = z.output<typeof ringOptions>;

/** The last seconds of a camera, and clips from them. All times are monotonic: a wall clock that jumps moves no clip. */
export interface FrameRing {
  /** Handed to the frame source: one that has the camera's own film writes it there. */
  readonly film: FilmSink;
  /** Every frame, in order. While film is being kept this costs nothing; otherwise the picture is kept as JPEG. */
  record(frame: Frame): void;
  /**
   * What was seen from … to (monotonic ms, as in `Frame.monotonicMs`), or undefined where nothing of it is kept (any more).
   * Whole segments: a clip may begin some seconds earlier and end later. `to` may lie in the near future: it is waited for,
   * 15 s longer at most, until that film is closed. Never rejects for want of ffmpeg: then it is an animated WebP of pictures.
   */
  clip(fromMonotonicMs: number, toMonotonicMs: number, signal: AbortSignal): Promise<Clip | undefined>;
  /** Why no film is kept just now; null when all is well. */
  problem(): string | null;
  usage(): {
    readonly segments: number;
    readonly filmBytes: number;
    readonly pictures: number;
    readonly pictureBytes: number;
  };
  /** Removes what it kept. */
  stop(): Promise<void>;
}

export interface RingParts {
  readonly options: RingOptions;
  readonly cameraId: string;
  /** The camera's own folder; exists. */
  readonly stateFolder: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

const pollMs = 250;
const patienceMs = 15_000;

export function createFrameRing(parts: RingParts): FrameRing {
  const { options, clock } = parts;
  const film = new FilmRing(parts);
  const pictures = new PictureRing({
    keepMs: options.seconds * 1_000,
    maxBytes: (options.maxMegabytes * 1_048_576) / 4,
  });
  return {
    film,
    record: (frame) => {
      if (film.isLive()) pictures.clear();
      else pictures.record(frame);
    },
    clip: async (fromMs, toMs, signal) => {
      const givenUpMs = toMs + patienceMs;
      while (clock.monotonicMs() < givenUpMs) {
        const reached = film.isLive() ? film.lastMs() : clock.monotonicMs();
        if (reached !== undefined && reached >= toMs) break;
        await clock.sleep(pollMs, signal);
      }
      return (
        (await film.clip(fromMs, toMs, signal)) ??
        (await clipOfPictures(pictures.between(fromMs, toMs), options.ffmpeg, signal))
      );
    },
    problem: () => film.problem(),
    usage: () => ({ ...film.usage(), ...pictures.usage() }),
    stop: async () => {
      pictures.clear();
      await film.stop();
    },
  };
}
