import { toGrey } from "../health/grey.ts";
import { healthOptions } from "../health/options.ts";
import { PictureJudge } from "../health/picture-judge.ts";
import type { RgbImage } from "../picture.ts";

/** One run of frames of a scene: what the camera showed in a row. */
export interface HealthRun {
  readonly name: string;
  /** Nothing is wrong in it. */
  readonly benign: boolean;
  readonly pictures: readonly string[];
}

export interface HealthScene {
  readonly name: string;
  readonly normal: readonly string[];
  readonly runs: readonly HealthRun[];
}

/** What came of one run. */
export interface HealthOutcome {
  readonly run: HealthRun;
  /** State of each frame by itself. */
  readonly states: readonly string[];
  /** The camera stage would have reported a fault. */
  readonly reported: boolean;
  /** Median time of a frame, ms. */
  readonly latencyMs: number;
}

/** Frames of a folder are taken to be this far apart. */
const frameMs = 2_000;

/**
 * Learns a scene's normal picture and judges its runs, each from the same start, with the judge the gateway runs.
 * @param decode a picture as the camera stage gets it (at most 640 px wide)
 */
export async function judgeScene(
  scene: HealthScene,
  decode: (path: string) => Promise<RgbImage | null>,
): Promise<readonly HealthOutcome[]> {
  const options = healthOptions.parse({});
  const teacher = new PictureJudge(options);
  const normal = (await Promise.all(scene.normal.map(decode))).flatMap((image) => image ?? []);
  for (let seen = 0; !teacher.isReady && normal.length > 0; seen += 1) {
    const image = normal[seen % normal.length];
    if (image !== undefined) teacher.look(toGrey(image), seen * frameMs);
  }
  const saved = teacher.save();
  const outcomes: HealthOutcome[] = [];
  for (const run of scene.runs) {
    const judge = new PictureJudge(options, saved);
    const states: string[] = [];
    const times: number[] = [];
    let reported = false;
    for (const path of run.pictures) {
      const image = await decode(path);
      if (image === null) continue;
      const startMs = performance.now();
      reported = judge.look(toGrey(image), states.length * frameMs) !== "ok" || reported;
      times.push(performance.now() - startMs);
      states.push(judge.candidate);
    }
    outcomes.push({ run, states, reported, latencyMs: median(times) });
  }
  return outcomes;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
