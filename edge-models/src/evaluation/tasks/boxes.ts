import { FrostlightError } from "@frostlight/kernel/errors";

import { defaultFaceModelFolder, findFaces } from "../../faces.ts";
import { loadModel, type LoadedModel } from "../../load-model.ts";
import type { DetectedBox, RgbImage } from "../../picture.ts";
import { FoundBoxes, meanFigures } from "../found-boxes.ts";
import { faceClasses, meaningOf } from "../names.ts";
import { YoloFolder } from "../pictures.ts";
import { type Evaluation, type EvaluationContext, type EvaluationTask, median } from "../task.ts";

/** Low, so that the whole precision-recall curve is seen. */
const minScore = 0.01;

/** Objects of the model's classes; faces (of any mask) by the face detector. */
export const boxes: EvaluationTask = { task: "boxes", evaluate: (context) => evaluateBoxes(context, null) };
export const person: EvaluationTask = { task: "person", evaluate: (context) => evaluateBoxes(context, "person") };

async function evaluateBoxes(context: EvaluationContext, only: string | null): Promise<Evaluation> {
  const { data, model, reader, gallery } = context;
  const yolo = await YoloFolder.open(data);
  if (yolo === null) {
    throw new FrostlightError("evaluate/no-labels", "data", `${data}: no labels found (images/, labels/, classes.txt)`);
  }
  const { classes } = model.manifest;
  const faces = await faceModelFor(yolo, context.threads, only);
  const seen = new FoundBoxes(model.manifest.thresholds.score, faces === null ? 0.5 : 0.3);
  const unknown = new Map<string, number>();
  const times: number[] = [];
  let images = 0;
  for (const [index, path] of yolo.pictures.entries()) {
    context.progress(index + 1, yolo.pictures.length);
    const image = await reader.read(path);
    if (image === null) continue;
    const picture = images;
    images += 1;
    for (const box of await yolo.boxesOf(path, classes)) {
      const meaning = meaningOf(box.label, classes);
      const label = meaning !== null && faceClasses.includes(meaning) ? "face" : meaning;
      const known = label !== null && (label === "face" ? faces !== null : classes.includes(label));
      if (known && (only === null || label === only)) seen.truth.push({ ...box, label, picture });
      else if (!known) unknown.set(box.label, (unknown.get(box.label) ?? 0) + 1);
    }
    const startMs = performance.now();
    const found = await look(model, faces, image);
    times.push(performance.now() - startMs);
    seen.found.push(
      ...found.filter(({ label }) => only === null || label === only).map((box) => ({ ...box, picture })),
    );
    const { wrong, missed } = seen.mistakesIn(picture);
    const drawn = [
      ...missed.map((box) => ({ ...box, label: `missed ${box.label}`, score: 1 })),
      ...wrong.map((box) => ({ ...box, label: `wrong ${box.label}` })),
    ];
    if (missed.length > 0) gallery.add("worst-misses", Math.max(...missed.map(areaOf)), image, drawn);
    const best = Math.max(0, ...wrong.map(({ score }) => score));
    if (best > 0) gallery.add("worst-false", best, image, drawn);
  }
  await faces?.close();
  const labels = only === null ? seen.labels : [only];
  const byClass = Object.fromEntries(labels.map((label) => [label, seen.figuresOf(label, images)]));
  await gallery.chart(
    "precision-recall",
    ["recall", "precision"],
    labels.map((label) => seen.curveOf(label)),
  );
  const notes = [...unknown].map(
    ([label, count]) => `${count} boxes of "${label}", which the model does not know, are left out`,
  );
  return {
    images,
    figures: { total: { ...meanFigures(Object.values(byClass)), latencyMs: median(times) }, ...byClass },
    notes,
  };
}

/** Only where the folder's classes speak of faces. */
async function faceModelFor(yolo: YoloFolder, threads: number, only: string | null): Promise<LoadedModel | null> {
  const speaksOfFaces = (yolo.classes ?? []).some((name) => faceClasses.includes(meaningOf(name, []) ?? ""));
  return only === null && speaksOfFaces ? loadModel(defaultFaceModelFolder, { threads }) : null;
}

async function look(model: LoadedModel, faces: LoadedModel | null, image: RgbImage): Promise<readonly DetectedBox[]> {
  const { boxes: found } = await model.detect(image, { minScore });
  if (faces === null) return found;
  const persons = found.filter(({ label, score }) => label === "person" && score >= model.manifest.thresholds.score);
  return [...found, ...(await findFaces(faces, image, persons, { minScore: 0.03 }))];
}

function areaOf(box: Pick<DetectedBox, "left" | "top" | "right" | "bottom">): number {
  return (box.right - box.left) * (box.bottom - box.top);
}
