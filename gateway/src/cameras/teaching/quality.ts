import type { TaughtQuality, TaughtWeakness } from "../../core/teaching.ts";

/** What a version should have before it is switched on without a second thought. */
const leastQuality = { examples: 10, auroc: 0.85, accuracy: 0.8 } as const;

export interface Count {
  readonly yes: number;
  readonly no: number;
}

export function countAnswers(examples: readonly { readonly answer: "yes" | "no" }[]): Count {
  const yes = examples.filter(({ answer }) => answer === "yes").length;
  return { yes, no: examples.length - yes };
}

/** Why a version should not be switched on; empty: nothing against it. */
export function weaknessesOf({ yes, no }: Count, { auroc, accuracy }: TaughtQuality): readonly TaughtWeakness[] {
  return [
    ...(Math.min(yes, no) < leastQuality.examples ? (["few-examples"] as const) : []),
    ...(auroc < leastQuality.auroc ? (["low-auroc"] as const) : []),
    ...(accuracy < leastQuality.accuracy ? (["low-accuracy"] as const) : []),
  ];
}

/** For the log and the change records. */
export function describeWeaknesses(count: Count, quality: TaughtQuality): string {
  const texts: Record<TaughtWeakness, string> = {
    "few-examples": `${count.yes} yes and ${count.no} no examples, at least ${leastQuality.examples} of each are wanted`,
    "low-auroc": `AUROC ${quality.auroc.toFixed(2)}, at least ${leastQuality.auroc} is wanted`,
    "low-accuracy": `accuracy ${quality.accuracy.toFixed(2)}, at least ${leastQuality.accuracy} is wanted`,
  };
  return weaknessesOf(count, quality)
    .map((weakness) => texts[weakness])
    .join("; ");
}
