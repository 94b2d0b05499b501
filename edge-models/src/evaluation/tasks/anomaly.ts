import type { SceneSetup } from "../../engine.ts";
import type { DetectedBox, RgbImage } from "../../picture.ts";
import type { SceneScore } from "../../scene/memory.ts";
import { areaUnderRoc } from "../average-precision.ts";
import { meanFigures } from "../found-boxes.ts";
import { type Curve, rocCurve } from "../gallery.ts";
import { findScenes, type Scene } from "../scenes.ts";
import { type EvaluationContext, type EvaluationTask, type Figures, median, share } from "../task.ts";

/** What the rule "unusual scene" does unless it is told otherwise. */
const ruleDefaults = {
  learnFrames: 600,
  capacity: 1_200,
  margin: 1.1,
  maskedLabels: ["person"],
  maskScore: 0.2,
  alwaysMask: false,
} as const;
/** Frames in a row before anything is said. */
const inARow = 3;

interface Judged {
  readonly run: string;
  readonly isNormal: boolean;
  /** How far beyond what is normal: 1 is the threshold. */
  readonly strangeness: number;
}

/** Unusual scenes: each folder a camera with `train_normal`, `test_normal`, `test_benign_*` and other `test_*`. */
export const anomaly: EvaluationTask = {
  task: "anomaly",
  async evaluate(context) {
    const scenes = await findScenes(context.data);
    const byScene: Record<string, Figures> = {};
    const all: Judged[] = [];
    const times: number[] = [];
    const curves: Curve[] = [];
    const notes: string[] = [];
    let done = 0;
    for (const scene of scenes) {
      const judged = await judgeScene(context, scene, times, notes, (pictures) => {
        done += pictures;
        context.progress(
          done,
          scenes.reduce((sum, { train, runs }) => sum + train.length + runs.flatMap((run) => run.pictures).length, 0),
        );
      });
      byScene[scene.name] = figuresOf(judged);
      const of = (isNormal: boolean) => judged.filter((one) => one.isNormal === isNormal).map((one) => one.strangeness);
      curves.push({ name: scene.name, points: rocCurve(of(true), of(false)) });
      all.push(...judged);
      for (const run of scene.runs) {
        const own = judged.filter((one) => one.run === run.name);
        if (own.length > 0)
          notes.push(
            `${scene.name}/${run.name}: ${own.filter(isFlagged).length} of ${own.length} frames flagged, ${inRow(own).length} as the third in a row`,
          );
      }
    }
    await context.gallery.chart("roc", ["normal frames flagged", "unusual frames found"], curves);
    const total: Figures = { ...meanFigures(Object.values(byScene)), latencyMs: median(times) };
    return { images: all.length, figures: { total, ...byScene }, notes };
  },
};

async function judgeScene(
  context: EvaluationContext,
  scene: Scene,
  times: number[],
  notes: string[],
  advance: (pictures: number) => void,
): Promise<readonly Judged[]> {
  const { model, reader, gallery } = context;
  const learnFrames = Math.min(ruleDefaults.learnFrames, scene.train.length);
  const setup: SceneSetup = { ...ruleDefaults, learnFrames, label: "evaluate" };
  const key = `evaluate/${scene.name}`;
  await model.openScene(key, setup, null);
  let last: SceneScore | null = null;
  const learnt = spread(scene.train, learnFrames);
  // Frames that show too little of the scene do not count: some are shown again until it is learnt.
  for (let at = 0; at < 2 * learnt.length && last?.phase !== "ready"; at += 1) {
    const path = learnt[at % learnt.length];
    const image = path === undefined ? null : await reader.read(path);
    if (image !== null) last = (await model.detect(image, { scene: key })).scene;
    if (at < learnt.length) advance(1);
  }
  advance(scene.train.length - learnt.length);
  const judged: Judged[] = [];
  if (last?.phase !== "ready") {
    notes.push(`${scene.name}: not learnt from ${scene.train.length} pictures, left out`);
    await model.closeScene(key);
    return judged;
  }
  for (const run of scene.runs) {
    for (const path of run.pictures) {
      advance(1);
      const image = await reader.read(path);
      if (image === null) continue;
      const startMs = performance.now();
      const { scene: score } = await model.detect(image, { scene: key });
      times.push(performance.now() - startMs);
      const strangeness = score?.score == null ? 0 : score.score / (score.threshold ?? Infinity);
      judged.push({ run: run.name, isNormal: run.isNormal, strangeness });
      if (score !== null) show(gallery, run.isNormal, strangeness, image, score);
    }
  }
  await model.closeScene(key);
  return judged;
}

function show(
  gallery: EvaluationContext["gallery"],
  isNormal: boolean,
  strangeness: number,
  image: RgbImage,
  score: SceneScore,
): void {
  if (isNormal ? strangeness <= 1 : strangeness > 1) return;
  const strangest = score.cells.indexOf(Math.max(...score.cells));
  const column = strangest % score.columns;
  const row = Math.floor(strangest / score.columns);
  const cell: DetectedBox = {
    left: column / score.columns,
    right: (column + 1) / score.columns,
    top: row / score.rows,
    bottom: (row + 1) / score.rows,
    label: "× threshold",
    score: strangeness,
  };
  gallery.add(isNormal ? "worst-false" : "worst-misses", isNormal ? strangeness : -strangeness, image, [cell]);
}

/** At most `count`, evenly over all, in order. */
function spread(paths: readonly string[], count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => paths[Math.floor((index * paths.length) / count)] ?? "");
}

function isFlagged({ strangeness }: Judged): boolean {
  return strangeness > 1;
}

/** Frames that are, with those before them in the same run, so many flagged ones in a row. */
function inRow(judged: readonly Judged[]): readonly Judged[] {
  let [row, run] = [0, ""];
  return judged.filter((one) => {
    if (one.run !== run) [row, run] = [0, one.run];
    row = isFlagged(one) ? row + 1 : 0;
    return row >= inARow;
  });
}

function figuresOf(judged: readonly Judged[]): Figures {
  const normal = judged.filter((one) => one.isNormal);
  const unusual = judged.filter((one) => !one.isNormal);
  const auroc = areaUnderRoc(
    normal.map((one) => one.strangeness),
    unusual.map((one) => one.strangeness),
  );
  const runs = [...Map.groupBy(unusual, ({ run }) => run).values()];
  return {
    ...(Number.isNaN(auroc) ? {} : { auroc }),
    ...(unusual.length === 0
      ? {}
      : { recallAtThreshold: share(unusual, isFlagged), eventRecall: share(runs, (run) => inRow(run).length > 0) }),
    ...(normal.length === 0
      ? {}
      : { falseFrameRate: share(normal, isFlagged), falseFrameRate3: inRow(normal).length / normal.length }),
  };
}
