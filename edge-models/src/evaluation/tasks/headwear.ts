import { FrostlightError } from "@frostlight/kernel/errors";

import { defaultFaceModelFolder, findFaces } from "../../faces.ts";
import { type Region, taughtDescriptor } from "../../heads/descriptor.ts";
import { fitHead } from "../../heads/fit-head.ts";
import { judgeRegion } from "../../heads/head.ts";
import { loadModel, type LoadedModel } from "../../load-model.ts";
import type { RgbImage } from "../../picture.ts";
import { areaUnderRoc } from "../average-precision.ts";
import { type Crop, readCrops } from "../crops.ts";
import { type Curve, rocCurve } from "../gallery.ts";
import { type EvaluationTask, mean, median, share } from "../task.ts";

const marksPerClass = 12;
const draws = 20;
const minRegionPixels = 24;
const certainFace = 0.35;

interface Described extends Crop {
  readonly descriptor: Float32Array;
  readonly image: RgbImage;
}

/** Teach-in as an operator does it: twelve marks per class, judged on all other crops, many times over. */
export const headwear: EvaluationTask = {
  task: "headwear",
  async evaluate(context) {
    const { model, reader, gallery } = context;
    const { crops, missing } = await readCrops(context.data);
    const described: Described[] = [];
    const times: number[] = [];
    const faces = await loadModel(defaultFaceModelFolder, { threads: context.threads });
    for (const [index, crop] of crops.entries()) {
      context.progress(index + 1, crops.length);
      const image = await reader.read(crop.path);
      if (image === null) continue;
      const region = await headIn(faces, image);
      const startMs = performance.now();
      const [descriptor] = await model.describe(image, [region], taughtDescriptor);
      times.push(performance.now() - startMs);
      if (descriptor !== undefined) described.push({ ...crop, descriptor, image });
    }
    await faces.close();
    const classes = [...new Set(described.map(({ label }) => label))].toSorted();
    const [no = "", yes = ""] = classes;
    const few = classes.filter((label) => described.filter((crop) => crop.label === label).length <= 4);
    if (classes.length !== 2 || few.length > 0) {
      const message = `${context.data}: two classes of at least 5 crops are needed, found ${classes.join(", ") || "none"}`;
      throw new FrostlightError("evaluate/no-labels", "data", message);
    }
    const rounds = Array.from({ length: draws }, (_, draw) => {
      const marks = classes.flatMap((label) => drawMarks(described, label, draw));
      const { head } = fitHead({
        id: "taught",
        version: "1",
        task: "taught",
        classes,
        descriptor: taughtDescriptor,
        modelSha256: model.sha256,
        examples: marks.map(({ descriptor, label, group }) => ({ descriptor, label, group })),
        minRegionPixels,
      });
      const groups = new Set(marks.map(({ group }) => group));
      const rest = described.filter(({ group }) => !groups.has(group));
      return rest.map((crop) => ({ crop, judgement: judgeRegion(head, crop.descriptor) }));
    });
    const figures = rounds.map((judged) => {
      const of = (label: string) => judged.filter(({ crop }) => crop.label === label);
      const score = ({ judgement }: (typeof judged)[number]): number => judgement.probabilities[1] ?? 0;
      return {
        auroc: areaUnderRoc(of(no).map(score), of(yes).map(score)),
        recall: share(of(yes), ({ judgement }) => judgement.label === yes),
        falses: share(of(no), ({ judgement }) => judgement.label === yes),
        curve: rocCurve(of(no).map(score), of(yes).map(score)),
      };
    });
    for (const { crop, judgement } of rounds.flat()) {
      const wrong = judgement.probabilities[crop.label === yes ? 0 : 1] ?? 0;
      const box = { left: 0, top: 0, right: 1, bottom: 1, label: `${crop.label}: ${judgement.label}`, score: wrong };
      if (wrong > 0.5) gallery.add(crop.label === yes ? "worst-misses" : "worst-false", wrong, crop.image, [box]);
    }
    const curves: Curve[] = figures.slice(0, 5).map(({ curve }, draw) => ({ name: `draw ${draw + 1}`, points: curve }));
    await gallery.chart("roc", [`"${no}" said to be "${yes}"`, `"${yes}" found`], curves);
    const areas = figures.map(({ auroc }) => auroc).filter(Number.isFinite);
    const total = {
      auroc: mean(areas),
      recallAtThreshold: mean(figures.map(({ recall }) => recall)),
      falseFrameRate: mean(figures.map(({ falses }) => falses)),
      latencyMs: median(times),
    };
    return {
      images: described.length,
      figures: { total, [yes]: total },
      notes: [
        `${marksPerClass} marks per class (at most half of a class), ${draws} draws: AUROC ${Math.min(...areas).toFixed(3)} to ${Math.max(...areas).toFixed(3)}`,
        ...(missing > 0 ? [`${missing} files of the list are not there`] : []),
      ],
    };
  },
};

/** Of a picture of one person: from above a hat to the chin. The whole picture where there is no face. */
async function headIn(faces: LoadedModel, image: RgbImage): Promise<Region> {
  const face = (await findFaces(faces, image, [])).find(({ score }) => score >= certainFace);
  if (face === undefined) return { left: 0, top: 0, right: 1, bottom: 1 };
  const [width, height] = [face.right - face.left, face.bottom - face.top];
  return {
    left: Math.max(0, face.left - 0.2 * width),
    right: Math.min(1, face.right + 0.2 * width),
    top: Math.max(0, face.top - 0.5 * height),
    bottom: face.bottom,
  };
}

/** The same crops for the same draw, spread over the class by a step that shares no factor with what it walks. */
function drawMarks(described: readonly Described[], label: string, draw: number): readonly Described[] {
  const own = described.filter((crop) => crop.label === label);
  const count = Math.min(marksPerClass, Math.floor(own.length / 2));
  const order = own
    .map((crop, index) => ({ crop, key: scramble(index * 7919 + draw * 104_729 + 1) }))
    .toSorted((a, b) => a.key - b.key);
  return order.slice(0, count).map(({ crop }) => crop);
}

/** A fixed shuffling of numbers (xorshift-multiply), so that figures repeat. */
function scramble(value: number): number {
  let x = value | 0;
  x = Math.imul(x ^ (x >>> 16), 0x45d9f3b);
  x = Math.imul(x ^ (x >>> 16), 0x45d9f3b);
  return (x ^ (x >>> 16)) >>> 0;
}
