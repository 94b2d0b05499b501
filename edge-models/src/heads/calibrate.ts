import { sigmoid } from "./kernel-logistic.ts";

interface Line {
  readonly slope: number;
  readonly offset: number;
}

/**
 * The line that turns sums found on examples *not* fitted on into log odds (Platt 1999, with his smoothed targets so that
 * perfectly separated examples give no infinite certainty). Both classes weigh the same.
 */
export function calibrate(sums: readonly number[], isPositive: readonly boolean[]): Line {
  const positives = isPositive.filter(Boolean).length;
  const negatives = isPositive.length - positives;
  if (positives === 0 || negatives === 0) return { slope: 1, offset: 0 };
  const high = (positives + 1) / (positives + 2);
  const low = 1 / (negatives + 2);
  let slope = 1;
  let offset = 0;
  for (let step = 0; step < 50; step += 1) {
    // Newton on two unknowns; the small addition to the diagonal keeps it solvable.
    let [gs, go, hss, hso, hoo] = [0, 0, 1e-6, 0, 1e-6];
    for (const [index, sum] of sums.entries()) {
      const positive = isPositive[index] === true;
      const weight = 1 / (positive ? positives : negatives);
      const p = sigmoid(slope * sum + offset);
      const error = weight * (p - (positive ? high : low));
      const curve = weight * Math.max(1e-9, p * (1 - p));
      gs += error * sum;
      go += error;
      hss += curve * sum * sum;
      hso += curve * sum;
      hoo += curve;
    }
    const determinant = hss * hoo - hso * hso;
    const stepSlope = limited((hoo * gs - hso * go) / determinant);
    const stepOffset = limited((hss * go - hso * gs) / determinant);
    slope -= stepSlope;
    offset -= stepOffset;
    if (Math.abs(stepSlope) + Math.abs(stepOffset) < 1e-9) break;
  }
  // A slope of zero or less means that the sums say nothing: then neither may the probabilities.
  return { slope: Math.max(1e-3, slope), offset: Number.isFinite(offset) ? offset : 0 };
}

function limited(step: number): number {
  return Number.isFinite(step) ? Math.max(-1, Math.min(1, step)) : 0;
}
