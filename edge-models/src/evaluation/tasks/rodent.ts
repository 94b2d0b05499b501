import { FrostlightError } from "@frostlight/kernel/errors";

import type { Region } from "../../heads/descriptor.ts";
import { type Head, judgeRegion } from "../../heads/head.ts";
import { combineSightings } from "../../heads/sightings.ts";
import type { LoadedModel } from "../../load-model.ts";
import type { RgbImage } from "../../picture.ts";
import { averageBlocks } from "../../resize.ts";
import { areaUnderRoc } from "../average-precision.ts";
import { rocCurve } from "../gallery.ts";
import { isRodent } from "../names.ts";
import { YoloFolder } from "../pictures.ts";
import { shippedHead } from "../shipped-heads.ts";
import { type EvaluationTask, type Figures, median, share } from "../task.ts";

/** What the rule takes for a proposal: the longer side, in pixels of the frame. */
const largestProposal = 80;
/** Places looked at in each picture where no animal is. */
const otherPlaces = 6;

interface Track {
  readonly isRodent: boolean;
  /** Probability of each sighting. */
  readonly scores: readonly number[];
}

/**
 * The verifier of small moving things: labelled animals, and other places of the same pictures and of pictures without any,
 * each seen six times a little differently, as what moved is cut out of six frames. Larger animals are first made small.
 */
export const rodent: EvaluationTask = {
  task: "rodent",
  async evaluate(context) {
    const { model, reader, gallery } = context;
    const head = await shippedHead("rodent", model);
    const yolo = await YoloFolder.open(context.data);
    if (yolo === null) {
      throw new FrostlightError(
        "evaluate/no-labels",
        "data",
        `${context.data}: no labels found (images/, labels/, classes.txt)`,
      );
    }
    const tracks: Track[] = [];
    const times: number[] = [];
    let images = 0;
    for (const [index, path] of yolo.pictures.entries()) {
      context.progress(index + 1, yolo.pictures.length);
      const image = await reader.read(path);
      if (image === null) continue;
      images += 1;
      const boxes = await yolo.boxesOf(path, ["rat"]);
      const animals = boxes.filter(({ label }) => isRodent(label));
      for (const animal of animals) {
        const track = await follow(model, head, image, animal, times);
        tracks.push({ isRodent: true, scores: track });
        const best = combineSightings(track);
        gallery.add("worst-misses", 1 - best, image, [{ ...animal, label: "rodent", score: best }]);
      }
      for (const place of placesIn(image, boxes, index)) {
        const track = await follow(model, head, image, place, times);
        tracks.push({ isRodent: false, scores: track });
        const worst = combineSightings(track);
        gallery.add("worst-false", worst, image, [{ ...place, label: "rodent", score: worst }]);
      }
    }
    const total: Figures = { ...figuresOf(tracks, head.thresholds.certain[1] ?? 1), latencyMs: median(times) };
    const scoreOf = (wanted: boolean): number[] =>
      tracks.filter((track) => track.isRodent === wanted).flatMap(({ scores }) => scores);
    await gallery.chart(
      "roc",
      ["other places said to be a rodent", "rodents found"],
      [{ name: "single sightings", points: rocCurve(scoreOf(false), scoreOf(true)) }],
    );
    return {
      images,
      figures: { total, rodent: total },
      notes: [
        `${tracks.filter((track) => track.isRodent).length} animals, ${tracks.filter((track) => !track.isRodent).length} other places; an event is what ${wobbles.length} sightings together say, as in the rule`,
        "falseFrameRate: of single sightings of other places; falseFrameRate3: of places that would be an event",
        "what the verifier says of proposals: whether something that moved is proposed at all, and how often other things that move at night are taken for one, is measured on films (tests/evaluate/rodent)",
      ],
    };
  },
};

/** The same place in six frames: the cut moves and grows a little each time. */
const wobbles = [
  { x: 0, y: 0, grow: 1.05 },
  { x: 0.12, y: -0.06, grow: 1.2 },
  { x: -0.1, y: 0.1, grow: 0.92 },
  { x: 0.05, y: 0.12, grow: 1.3 },
  { x: -0.12, y: -0.08, grow: 1.1 },
  { x: 0.08, y: 0.02, grow: 0.85 },
] as const;

async function follow(
  model: LoadedModel,
  head: Head,
  whole: RgbImage,
  place: Region,
  times: number[],
): Promise<readonly number[]> {
  const image = shrunk(whole, place);
  const startMs = performance.now();
  const descriptors = await model.describe(
    image,
    wobbles.map((wobble) => moved(place, wobble)),
    head.descriptor,
  );
  times.push((performance.now() - startMs) / wobbles.length);
  return descriptors.map((descriptor) => judgeRegion(head, descriptor).probabilities[1] ?? 0);
}

/** So small that the place is a proposal. */
function shrunk(image: RgbImage, place: Region): RgbImage {
  const longest = Math.max((place.right - place.left) * image.width, (place.bottom - place.top) * image.height);
  const factor = Math.ceil(longest / largestProposal);
  return factor < 2 ? image : averageBlocks(image, factor);
}

function moved(place: Region, { x, y, grow }: (typeof wobbles)[number]): Region {
  const [width, height] = [place.right - place.left, place.bottom - place.top];
  const centreX = (place.left + place.right) / 2 + x * width;
  const centreY = (place.top + place.bottom) / 2 + y * height;
  return {
    left: Math.max(0, centreX - (width * grow) / 2),
    right: Math.min(1, centreX + (width * grow) / 2),
    top: Math.max(0, centreY - (height * grow) / 2),
    bottom: Math.min(1, centreY + (height * grow) / 2),
  };
}

/** Spread over the picture, of several sizes, away from everything labelled; the same for the same picture. */
function placesIn(image: RgbImage, boxes: readonly Region[], seed: number): readonly Region[] {
  const places: Region[] = [];
  for (let step = 1; places.length < otherPlaces && step < 60; step += 1) {
    const at = seed * 31 + step;
    // A low-discrepancy walk (golden ratio and its square).
    const [x, y] = [(at * 0.754_877_666) % 1, (at * 0.569_840_291) % 1];
    const pixels = [20, 34, 56, 76][step % 4] ?? 34;
    const width = Math.min(0.5, pixels / image.width);
    const height = Math.min(0.5, (pixels * (step % 3 === 0 ? 0.6 : 1)) / image.height);
    const place = {
      left: x * (1 - width),
      top: y * (1 - height),
      right: x * (1 - width) + width,
      bottom: y * (1 - height) + height,
    };
    const isFree = boxes.every(
      (box) => box.right < place.left || box.left > place.right || box.bottom < place.top || box.top > place.bottom,
    );
    if (isFree) places.push(place);
  }
  return places;
}

function figuresOf(tracks: readonly Track[], threshold: number): Figures {
  const animals = tracks.filter((track) => track.isRodent);
  const others = tracks.filter((track) => !track.isRodent);
  const auroc = areaUnderRoc(
    others.flatMap(({ scores }) => scores),
    animals.flatMap(({ scores }) => scores),
  );
  const isCertain = (score: number): boolean => score >= threshold;
  const isEvent = ({ scores }: Track): boolean => isCertain(combineSightings(scores));
  return {
    ...(Number.isNaN(auroc) ? {} : { auroc }),
    ...(animals.length === 0
      ? {}
      : {
          recallAtThreshold: share(
            animals.flatMap(({ scores }) => scores),
            isCertain,
          ),
          eventRecall: share(animals, isEvent),
        }),
    ...(others.length === 0
      ? {}
      : {
          falseFrameRate: share(
            others.flatMap(({ scores }) => scores),
            isCertain,
          ),
          falseFrameRate3: share(others, isEvent),
        }),
  };
}
