/**
 * Logistic regression with a quadratic penalty, fitted by Newton's method in the dual: a few dozen examples of thousands of
 * numbers each cost a few small linear systems. f(x) = Σ αᵢ k(xᵢ, x) + bias, k the scaled dot product.
 */
interface DualFit {
  readonly alpha: Float64Array;
  readonly bias: number;
}

const maxSteps = 40;
const flatEnough = 1e-5;

/**
 * @param kernel `n * n` dot products
 * @param rows which of the examples take part, indices into the kernel
 * @param isPositive by example
 * @returns `alpha` in the order of `rows`
 */
export function fitDual(
  kernel: Float64Array,
  n: number,
  rows: readonly number[],
  isPositive: readonly boolean[],
  penalty: number,
): DualFit {
  const count = rows.length;
  const k = new Float64Array(count * count);
  for (const [i, row] of rows.entries()) {
    for (const [j, column] of rows.entries()) k[i * count + j] = kernel[row * n + column] ?? 0;
  }
  const target = Float64Array.from(rows, (row) => (isPositive[row] === true ? 1 : 0));
  const weight = balance(target);
  let alpha = new Float64Array(count);
  let bias = 0;
  let sums = new Float64Array(count);
  let loss = objective(k, alpha, sums, target, weight, penalty);
  for (let step = 0; step < maxSteps; step += 1) {
    const next = newton(k, sums, target, weight, penalty);
    // Halved until it improves: Newton's step may overshoot where the classes are far apart.
    let share = 1;
    let improved = false;
    for (; share > 1e-3 && !improved; share /= 2) {
      const trial = alpha.map((value, i) => value + share * ((next.alpha[i] ?? 0) - value));
      const trialBias = bias + share * (next.bias - bias);
      const trialSums = multiply(k, trial).map((value) => value + trialBias);
      const trialLoss = objective(k, trial, trialSums, target, weight, penalty);
      if (!(trialLoss < loss - flatEnough * Math.abs(loss))) continue;
      improved = true;
      alpha = trial;
      bias = trialBias;
      sums = trialSums;
      loss = trialLoss;
    }
    if (!improved) break;
  }
  return { alpha, bias };
}

/** Each class weighs the same, however many examples it has; the mean is 1. */
function balance(target: Float64Array): Float64Array {
  const positives = target.reduce((sum, value) => sum + value, 0);
  const negatives = target.length - positives;
  return target.map((value) => target.length / 2 / Math.max(1, value === 1 ? positives : negatives));
}

/** Solves (K + penalty R⁻¹) α + bias = z with Σ α = 0, R and z being the weights and targets of this step. */
function newton(
  k: Float64Array,
  sums: Float64Array,
  target: Float64Array,
  weight: Float64Array,
  penalty: number,
): DualFit {
  const n = sums.length;
  const system = Float64Array.from(k);
  const z = new Float64Array(n);
  for (let i = 0; i < n; i += 1) {
    const p = sigmoid(sums[i] ?? 0);
    const slope = Math.max(1e-6, p * (1 - p));
    system[i * n + i] = (system[i * n + i] ?? 0) + penalty / (slope * (weight[i] ?? 1));
    z[i] = (sums[i] ?? 0) + ((target[i] ?? 0) - p) / slope;
  }
  factorise(system, n);
  const u = solve(system, z);
  const v = solve(system, new Float64Array(n).fill(1));
  const bias = sum(u) / sum(v);
  return { alpha: u.map((value, i) => value - bias * (v[i] ?? 0)), bias };
}

function objective(
  k: Float64Array,
  alpha: Float64Array,
  sums: Float64Array,
  target: Float64Array,
  weight: Float64Array,
  penalty: number,
): number {
  const smooth = multiply(k, alpha).reduce((total, value, i) => total + value * (alpha[i] ?? 0), 0);
  const misfit = sums.reduce((total, value, i) => {
    const margin = target[i] === 1 ? value : -value;
    return (
      total + (weight[i] ?? 1) * (margin > 0 ? Math.log1p(Math.exp(-margin)) : Math.log1p(Math.exp(margin)) - margin)
    );
  }, 0);
  return misfit + (penalty / 2) * smooth;
}

function multiply(matrix: Float64Array, vector: Float64Array): Float64Array {
  const n = vector.length;
  const result = new Float64Array(n);
  for (let i = 0; i < n; i += 1) {
    let total = 0;
    for (let j = 0; j < n; j += 1) total += (matrix[i * n + j] as number) * (vector[j] as number); // inside both
    result[i] = total;
  }
  return result;
}

/** Cholesky, in place, lower triangle. The matrix is positive definite: a kernel with something added to its diagonal. */
function factorise(a: Float64Array, n: number): void {
  for (let j = 0; j < n; j += 1) {
    for (let i = j; i < n; i += 1) {
      let total = a[i * n + j] as number; // i, j, k < n
      for (let k = 0; k < j; k += 1) total -= (a[i * n + k] as number) * (a[j * n + k] as number);
      a[i * n + j] = i === j ? Math.sqrt(Math.max(1e-12, total)) : total / (a[j * n + j] as number);
    }
  }
}

function solve(lower: Float64Array, right: Float64Array): Float64Array {
  const n = right.length;
  const x = Float64Array.from(right);
  for (let i = 0; i < n; i += 1) {
    let total = x[i] as number; // inside, here and below
    for (let k = 0; k < i; k += 1) total -= (lower[i * n + k] as number) * (x[k] as number);
    x[i] = total / (lower[i * n + i] as number);
  }
  for (let i = n - 1; i >= 0; i -= 1) {
    let total = x[i] as number;
    for (let k = i + 1; k < n; k += 1) total -= (lower[k * n + i] as number) * (x[k] as number);
    x[i] = total / (lower[i * n + i] as number);
  }
  return x;
}

function sum(values: Float64Array): number {
  return values.reduce((total, value) => total + value, 0);
}

export function sigmoid(value: number): number {
  return 1 / (1 + Math.exp(-value));
}
