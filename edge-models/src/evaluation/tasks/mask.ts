import { FrostlightError } from "@frostlight/kernel/errors";

import { defaultFaceModelFolder, findFaces } from "../../faces.ts";
import type { Region } from "../../heads/descriptor.ts";
import { type Head, judgeRegion, type Judgement } from "../../heads/head.ts";
import { loadModel, type LoadedModel } from "../../load-model.ts";
import type { DetectedBox, RgbImage } from "../../picture.ts";
import { areaUnderRoc } from "../average-precision.ts";
import { readCrops } from "../crops.ts";
import { FoundBoxes, meanFigures } from "../found-boxes.ts";
import { rocCurve } from "../gallery.ts";
import { maskMeaning } from "../names.ts";
import { YoloFolder } from "../pictures.ts";
import { shippedHead } from "../shipped-heads.ts";
import { type Evaluation, type EvaluationContext, type EvaluationTask, type Figures, median, share } from "../task.ts";

const whole: Region = { left: 0, top: 0, right: 1, bottom: 1 };
/** A face found for certain is judged; in a crop without one, the whole crop. */
const certainFace = 0.35;

/** Faces with and without a mask: crops in folders of classes, or pictures with boxes. */
export const mask: EvaluationTask = {
  task: "mask",
  async evaluate(context) {
    const head = await shippedHead("mask", context.model);
    const faces = await loadModel(defaultFaceModelFolder, { threads: context.threads });
    try {
      const yolo = await YoloFolder.open(context.data);
      return yolo === null
        ? await evaluateCrops(context, head, faces)
        : await evaluateBoxes(context, yolo, head, faces);
    } finally {
      await faces.close();
    }
  },
};

interface Judged {
  readonly label: "mask" | "no mask";
  readonly judgement: Judgement;
  /** Long enough to be judged at a site. */
  readonly isLargeEnough: boolean;
}

async function evaluateCrops(context: EvaluationContext, head: Head, faces: LoadedModel): Promise<Evaluation> {
  const { model, reader, gallery } = context;
  const { crops } = await readCrops(context.data);
  const known = crops.flatMap((crop) => {
    const label = maskMeaning(crop.label);
    return label === null ? [] : [{ ...crop, label }];
  });
  if (known.length === 0) {
    throw new FrostlightError(
      "evaluate/no-labels",
      "data",
      `${context.data}: no folders with_mask, without_mask or labels`,
    );
  }
  const judged: Judged[] = [];
  const times: number[] = [];
  let withoutFace = 0;
  for (const [index, { path, label }] of known.entries()) {
    context.progress(index + 1, known.length);
    const image = await reader.read(path);
    if (image === null) continue;
    const startMs = performance.now();
    const face = (await findFaces(faces, image, [])).find(({ score }) => score >= certainFace);
    if (face === undefined) withoutFace += 1;
    const one = await judge(model, head, image, face ?? whole, label);
    times.push(performance.now() - startMs);
    if (one === null) continue;
    judged.push(one);
    const wrong = one.judgement.probabilities[label === "mask" ? 1 : 0] ?? 0;
    if (wrong > 0.5) {
      const box = { ...(face ?? whole), label: `${label}: ${one.judgement.label}`, score: wrong };
      gallery.add(label === "mask" ? "worst-false" : "worst-misses", wrong, image, [box]);
    }
  }
  const figures = figuresOf(judged, head);
  await gallery.chart("roc", ["masked faces said to have none", "bare faces found"], [rocOf(judged)]);
  return {
    images: judged.length,
    figures: { ...figures, total: { ...figures.total, latencyMs: median(times) } },
    notes: [
      `${withoutFace} crops in which no face was found were judged whole`,
      `${crops.length - known.length} pictures in folders of other names are left out`,
    ],
  };
}

async function evaluateBoxes(
  context: EvaluationContext,
  yolo: YoloFolder,
  head: Head,
  faces: LoadedModel,
): Promise<Evaluation> {
  const { model, reader, gallery } = context;
  const judged: Judged[] = [];
  const seen = new FoundBoxes(model.manifest.thresholds.score, 0.3);
  const times: number[] = [];
  let images = 0;
  for (const [index, path] of yolo.pictures.entries()) {
    context.progress(index + 1, yolo.pictures.length);
    const image = await reader.read(path);
    if (image === null) continue;
    const picture = images;
    images += 1;
    for (const box of await yolo.boxesOf(path, [])) {
      const label = maskMeaning(box.label);
      if (label === null) continue;
      seen.truth.push({ ...box, label, picture });
      const one = await judge(model, head, image, box, label);
      if (one !== null) judged.push(one);
    }
    const startMs = performance.now();
    const found = await lookForMasks(model, head, faces, image);
    times.push(performance.now() - startMs);
    seen.found.push(...found.map((box) => ({ ...box, picture })));
    const { wrong, missed } = seen.mistakesIn(picture);
    const drawn = [...missed.map((box) => ({ ...box, label: `missed ${box.label}`, score: 1 })), ...wrong];
    if (missed.length > 0) gallery.add("worst-misses", missed.length, image, drawn);
    const bare = wrong.filter(({ label }) => label === "no mask");
    if (bare.length > 0) gallery.add("worst-false", Math.max(...bare.map(({ score }) => score)), image, drawn);
  }
  if (judged.length === 0) {
    throw new FrostlightError("evaluate/no-labels", "data", `${context.data}: no boxes of masked or bare faces`);
  }
  const crops = figuresOf(judged, head);
  const labels = ["mask", "no mask"] as const;
  const found = Object.fromEntries(labels.map((label) => [label, seen.figuresOf(label, images)]));
  await gallery.chart(
    "precision-recall",
    ["recall", "precision"],
    labels.map((label) => seen.curveOf(label)),
  );
  await gallery.chart("roc", ["masked faces said to have none", "bare faces found"], [rocOf(judged)]);
  const { ap50, ap30 } = meanFigures(Object.values(found));
  return {
    images,
    figures: {
      total: {
        ...(ap50 === undefined ? {} : { ap50 }),
        ...(ap30 === undefined ? {} : { ap30 }),
        ...crops.total,
        latencyMs: median(times),
      },
      ...Object.fromEntries(labels.map((label) => [label, { ...pick(found[label]), ...crops[label] }])),
    },
    notes: [
      "AUROC and rates are of the labelled boxes, judged by the head; AP is of faces found and judged, end to end",
    ],
  };
}

function pick(figures: Figures | undefined): Figures {
  const { ap50, ap30 } = figures ?? {};
  return { ...(ap50 === undefined ? {} : { ap50 }), ...(ap30 === undefined ? {} : { ap30 }) };
}

/** Each face found, as both classes, each with the share of its score. */
async function lookForMasks(
  model: LoadedModel,
  head: Head,
  faces: LoadedModel,
  image: RgbImage,
): Promise<DetectedBox[]> {
  const persons = (await model.detect(image)).boxes.filter(({ label }) => label === "person");
  const found = (await findFaces(faces, image, persons, { minScore: 0.05 })).filter(hasArea);
  const descriptors = await model.describe(image, found, head.descriptor);
  return found.flatMap((face, index) => {
    const descriptor = descriptors[index];
    if (descriptor === undefined) return [];
    const { probabilities } = judgeRegion(head, descriptor);
    return head.classes.map((label, at) => ({ ...face, label, score: face.score * (probabilities[at] ?? 0) }));
  });
}

function hasArea(box: DetectedBox): boolean {
  return box.right > box.left && box.bottom > box.top;
}

async function judge(
  model: LoadedModel,
  head: Head,
  image: RgbImage,
  region: Region,
  label: Judged["label"],
): Promise<Judged | null> {
  const [descriptor] = await model.describe(image, [region], head.descriptor);
  if (descriptor === undefined) return null;
  const pixels = Math.max((region.right - region.left) * image.width, (region.bottom - region.top) * image.height);
  return { label, judgement: judgeRegion(head, descriptor), isLargeEnough: pixels >= head.thresholds.minRegionPixels };
}

/** Said to have no mask, as a site would say it. */
function saysBare({ judgement, isLargeEnough }: Judged): boolean {
  return isLargeEnough && judgement.label === "no mask";
}

function saysMasked({ judgement, isLargeEnough }: Judged): boolean {
  return isLargeEnough && judgement.label === "mask";
}

function figuresOf(judged: readonly Judged[], head: Head): Record<"total" | "mask" | "no mask", Figures> {
  const bareScore = ({ judgement }: Judged): number => judgement.probabilities[head.classes.indexOf("no mask")] ?? 0;
  const bare = judged.filter(({ label }) => label === "no mask");
  const masked = judged.filter(({ label }) => label === "mask");
  const auroc = areaUnderRoc(masked.map(bareScore), bare.map(bareScore));
  const rates = (own: readonly Judged[], other: readonly Judged[], says: (one: Judged) => boolean): Figures => ({
    ...(own.length === 0 ? {} : { recallAtThreshold: share(own, says) }),
    ...(other.length === 0 ? {} : { falseFrameRate: share(other, says) }),
  });
  const area = Number.isNaN(auroc) ? {} : { auroc };
  return {
    total: { ...area, ...rates(bare, masked, saysBare) },
    mask: { ...area, ...rates(masked, bare, saysMasked) },
    "no mask": { ...area, ...rates(bare, masked, saysBare) },
  };
}

function rocOf(judged: readonly Judged[]): { readonly name: string; readonly points: ReturnType<typeof rocCurve> } {
  const score = ({ judgement }: Judged): number => judgement.probabilities[1] ?? 0;
  const of = (wanted: string): number[] => judged.filter(({ label }) => label === wanted).map(score);
  return { name: "no mask", points: rocCurve(of("mask"), of("no mask")) };
}
