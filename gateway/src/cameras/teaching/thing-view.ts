import type { TaughtThingView } from "../../core/teaching.ts";
import { countAnswers, weaknessesOf } from "./quality.ts";
import type { StoredExample, StoredThing, StoredVersion } from "./teaching-memory.ts";

/** A thing as the local page shows it. */
export function viewOf(
  { nextVersion: _next, before, examples, versions, ...thing }: StoredThing,
  usedBy: TaughtThingView["usedBy"],
): TaughtThingView {
  const crops = new Set(examples.map(({ crop }) => crop));
  return {
    ...thing,
    usedBy,
    canRollBack: before.length > 0,
    examples: examples.map(({ crop, answer, cameraId, frameMs, markedMs, by, source }) => ({
      crop,
      answer,
      cameraId,
      frameMs,
      markedMs,
      by,
      source,
    })),
    versions: versions.toReversed().flatMap((version) => {
      const { version: number, createdMs, by, suggested } = version;
      const quality = qualityOf(version);
      if (quality === undefined) return [];
      const worst = quality.worst.filter((crop) => crops.has(crop));
      const weaknesses = weaknessesOf(countAnswers(version.examples), quality);
      const count = version.examples.length;
      return [
        { version: number, createdMs, by, examples: count, quality: { ...quality, worst }, weaknesses, suggested },
      ];
    }),
  };
}

/** Of the detector where it does worst. */
export function qualityOf({ heads }: StoredVersion) {
  return heads.toSorted((a, b) => a.quality.auroc - b.quality.auroc)[0]?.quality;
}

/** For change records. */
export function describeVersion(version: StoredVersion): string {
  const { yes, no } = countAnswers(version.examples);
  const quality = qualityOf(version);
  const figures =
    quality === undefined ? "" : `, AUROC ${quality.auroc.toFixed(3)}, accuracy ${quality.accuracy.toFixed(3)}`;
  return `version ${version.version} (${yes} yes, ${no} no${figures})`;
}

const shortName = (crop: string): string => crop.slice(0, 12);
const shownMistakes = 8;

/** For change records. The server reads crops' names and answers from these words, to show the pictures that it has itself. */
export function describeMark({ crop, answer }: Pick<StoredExample, "crop" | "answer">): string {
  return `${shortName(crop)} is ${answer}`;
}

/** As `describeMark`: the crops that a fit got wrong, the surest mistake first. */
export function describeMistakes(version: StoredVersion): string {
  const worst = qualityOf(version)?.worst.slice(0, shownMistakes).map(shortName) ?? [];
  return worst.length === 0 ? "" : `, most wrong: ${worst.join(", ")}`;
}

export function describeUse({ active, versions }: StoredThing): string {
  const version = versions.find((candidate) => candidate.version === active);
  return version === undefined ? "not in use" : `${describeVersion(version)} in use`;
}
