import { toGrey } from "../../health/grey.ts";
import { healthOptions } from "../../health/options.ts";
import { PictureJudge } from "../../health/picture-judge.ts";
import type { RgbImage } from "../../picture.ts";
import { meanFigures } from "../found-boxes.ts";
import { findScenes, type Scene, type SceneRun } from "../scenes.ts";
import { type EvaluationContext, type EvaluationTask, type Figures, median, share } from "../task.ts";

/** Frames of a folder are taken to be so far apart: a frozen camera is told by time. */
const frameMs = 2_000;
const inARow = 3;

/** What came of one run of frames. */
interface Outcome {
  readonly run: SceneRun;
  /** State of each frame by itself, "ok" where nothing is wrong. */
  readonly states: readonly string[];
  /** The camera stage would have reported a fault. */
  readonly reported: boolean;
}

/**
 * Camera health without a network, by the judge the gateway runs: each scene's normal picture is learnt from `train_normal`,
 * then every run is judged from the same start.
 */
export const health: EvaluationTask = {
  task: "health",
  async evaluate(context) {
    const scenes = await findScenes(context.data);
    const count = scenes.reduce((sum, scene) => sum + scene.train.length + picturesOf(scene), 0);
    const byScene: Record<string, Figures> = {};
    const times: number[] = [];
    const notes = [`frames are taken to be ${frameMs / 1_000} s apart`];
    let images = 0;
    let done = 0;
    for (const scene of scenes) {
      const outcomes = await judgeScene(scene, context, times, () => {
        done += 1;
        context.progress(done, count);
      });
      byScene[scene.name] = figuresOf(outcomes);
      images += outcomes.reduce((sum, { states }) => sum + states.length, 0);
      for (const { run, states, reported } of outcomes) {
        const kinds = [...Map.groupBy(states, (state) => state)].map(([state, list]) => `${state} ${list.length}`);
        notes.push(`${scene.name}/${run.name}: ${kinds.join(", ")}${reported ? " → reported" : ""}`);
      }
    }
    return {
      images,
      figures: { total: { ...meanFigures(Object.values(byScene)), latencyMs: median(times) }, ...byScene },
      notes,
    };
  },
};

function picturesOf({ runs }: Scene): number {
  return runs.reduce((sum, run) => sum + run.pictures.length, 0);
}

async function judgeScene(
  scene: Scene,
  { reader, gallery }: EvaluationContext,
  times: number[],
  advance: () => void,
): Promise<readonly Outcome[]> {
  const options = healthOptions.parse({});
  const teacher = new PictureJudge(options);
  const normal: RgbImage[] = [];
  for (const path of scene.train) {
    advance();
    const image = await reader.read(path);
    if (image === null) continue;
    teacher.look(toGrey(image), normal.length * frameMs);
    if (normal.length < options.learnFrames) normal.push(image);
  }
  // Few pictures are shown again until the normal one is learnt.
  for (let seen = 0; !teacher.isReady && normal.length > 0; seen += 1) {
    const image = normal[seen % normal.length];
    if (image !== undefined) teacher.look(toGrey(image), (scene.train.length + seen) * frameMs);
  }
  const saved = teacher.save();
  const outcomes: Outcome[] = [];
  for (const run of scene.runs) {
    const judge = new PictureJudge(options, saved);
    const states: string[] = [];
    let reported = false;
    for (const path of run.pictures) {
      advance();
      const image = await reader.read(path);
      if (image === null) continue;
      const startMs = performance.now();
      reported = judge.look(toGrey(image), states.length * frameMs) !== "ok" || reported;
      times.push(performance.now() - startMs);
      states.push(judge.candidate);
      const wrong = run.isNormal === (judge.candidate !== "ok");
      if (wrong) gallery.add(run.isNormal ? "worst-false" : "worst-misses", -states.length, image, []);
    }
    outcomes.push({ run, states, reported });
  }
  return outcomes;
}

function figuresOf(outcomes: readonly Outcome[]): Figures {
  const of = (isNormal: boolean): readonly Outcome[] =>
    outcomes.filter(({ run, states }) => run.isNormal === isNormal && states.length > 0);
  const normal = of(true);
  const faulty = of(false);
  const isFlagged = (state: string): boolean => state !== "ok";
  const states = (list: readonly Outcome[]): readonly string[] => list.flatMap((outcome) => outcome.states);
  return {
    ...(faulty.length === 0
      ? {}
      : {
          recallAtThreshold: share(states(faulty), isFlagged),
          eventRecall: share(faulty, ({ reported }) => reported),
        }),
    ...(normal.length === 0
      ? {}
      : {
          falseFrameRate: share(states(normal), isFlagged),
          falseFrameRate3: normal.reduce((sum, run) => sum + thirdInARow(run.states), 0) / states(normal).length,
        }),
  };
}

/** Frames that are at least the third flagged one in a row. */
function thirdInARow(states: readonly string[]): number {
  let row = 0;
  return states.filter((state) => {
    row = state === "ok" ? 0 : row + 1;
    return row >= inARow;
  }).length;
}
