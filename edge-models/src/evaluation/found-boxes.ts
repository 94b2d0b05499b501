import { averagePrecision, matchBoxes, precisionRecall, type ScoredBox, type TrueBox } from "./average-precision.ts";
import type { Curve } from "./gallery.ts";
import type { Figures } from "./task.ts";

interface FoundBox extends ScoredBox {
  readonly label: string;
}

interface KnownBox extends TrueBox {
  readonly label: string;
}

/** Everything found in a folder of pictures beside everything that is there. */
export class FoundBoxes {
  readonly found: FoundBox[] = [];
  readonly truth: KnownBox[] = [];
  readonly #threshold: number;
  readonly #minOverlap: number;

  /** @param minOverlap from which a box counts as found at the threshold */
  constructor(threshold: number, minOverlap: number) {
    this.#threshold = threshold;
    this.#minOverlap = minOverlap;
  }

  get labels(): readonly string[] {
    return [...new Set(this.truth.map(({ label }) => label))].toSorted();
  }

  /** @param pictures how many were looked at */
  figuresOf(label: string, pictures: number): Figures {
    const found = this.found.filter((box) => box.label === label);
    const truth = this.truth.filter((box) => box.label === label);
    const ap50 = averagePrecision(found, truth, 0.5);
    const ap30 = averagePrecision(found, truth, 0.3);
    const said = matchBoxes(
      found.filter((box) => box.score >= this.#threshold),
      truth,
      this.#minOverlap,
    );
    const showing = new Set(truth.map(({ picture }) => picture));
    const without = pictures - showing.size;
    const alarmed = new Set(said.map(({ box }) => box.picture).filter((picture) => !showing.has(picture)));
    return {
      ...(ap50 === null ? {} : { ap50 }),
      ...(ap30 === null ? {} : { ap30 }),
      ...(truth.length === 0
        ? {}
        : { recallAtThreshold: said.filter((match) => match.truth !== null).length / truth.length }),
      ...(without === 0 ? {} : { falseFrameRate: alarmed.size / without }),
    };
  }

  curveOf(label: string): Curve {
    const truth = this.truth.filter((box) => box.label === label);
    const found = this.found.filter((box) => box.label === label);
    return { name: label, points: truth.length === 0 ? [] : precisionRecall(found, truth, this.#minOverlap) };
  }

  /** In one picture: the score of the most certain wrong box, and the true boxes nothing was found for. */
  mistakesIn(picture: number): { readonly wrong: readonly FoundBox[]; readonly missed: readonly KnownBox[] } {
    const wrong: FoundBox[] = [];
    const missed: KnownBox[] = [];
    const here = <T extends { readonly picture: number }>(boxes: readonly T[]): readonly T[] =>
      boxes.filter((box) => box.picture === picture);
    const [found, truth] = [here(this.found), here(this.truth)];
    for (const label of new Set([...found, ...truth].map((box) => box.label))) {
      const own = truth.filter((box) => box.label === label);
      const matches = matchBoxes(
        found.filter((box) => box.label === label && box.score >= this.#threshold),
        own,
        this.#minOverlap,
      );
      wrong.push(...matches.flatMap(({ box, truth: hit }) => (hit === null ? [box] : [])));
      missed.push(...own.filter((box) => !matches.some((match) => match.truth === box)));
    }
    return { wrong, missed };
  }
}

/** Means over the classes that have the figure. */
export function meanFigures(figures: readonly Figures[]): Figures {
  const total: Figures = {};
  for (const key of [
    "ap50",
    "ap30",
    "auroc",
    "recallAtThreshold",
    "falseFrameRate",
    "falseFrameRate3",
    "eventRecall",
  ] as const) {
    const values = figures.flatMap((one) => one[key] ?? []);
    if (values.length > 0) total[key] = values.reduce((sum, value) => sum + value, 0) / values.length;
  }
  return total;
}
