/** One look counts for no more than this, for or against, whatever it says: odds of 1,000 to 1. */
const surest = Math.log(1_000);

/**
 * What several looks at one moving thing say together: the mean of their log-odds, as a probability. A single look at an animal
 * that turns, blurs or is half hidden says little; looks that are wrong about other things are seldom wrong alike.
 * @param probabilities of each look, 0..1
 */
export function combineSightings(probabilities: readonly number[]): number {
  const odds = probabilities.map((probability) => {
    const value = Math.log(probability / (1 - probability));
    return Math.max(-surest, Math.min(surest, value));
  });
  const mean = odds.reduce((sum, value) => sum + value, 0) / odds.length;
  return odds.length === 0 ? 0 : 1 / (1 + Math.exp(-mean));
}
