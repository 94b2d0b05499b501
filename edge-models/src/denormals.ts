/** Whether arithmetic in this thread takes denormal numbers for zero. */
export function flushesDenormals(): boolean {
  const numbers = Float64Array.of(2.3e-308, 4);
  numbers[0] = (numbers[0] ?? 0) / (numbers[1] ?? 1);
  return numbers[0] === 0;
}
