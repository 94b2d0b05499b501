/** One line of a comparison. `skip`: so many equal lines are left out. */
export type DiffLine =
  | { readonly kind: "same" | "added" | "removed"; readonly text: string }
  | { readonly kind: "skip"; readonly count: number };

/** Lines around a change that are shown. */
const context = 3;
/** Above this many pairs of lines the middle counts as changed altogether: nobody reads it, and the page stays quick. */
const maxPairs = 4_000_000;

/** Compares two texts line by line; equal stretches far from a change are left out. Empty when they are equal. */
export function diffLines(before: string, after: string): readonly DiffLine[] {
  const a = before.split("\n");
  const b = after.split("\n");
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start += 1;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a.at(-1 - end) === b.at(-1 - end)) end += 1;
  if (start === a.length && start === b.length) return [];
  const same = (text: string): DiffLine => ({ kind: "same", text });
  const middle = compare(a.slice(start, a.length - end), b.slice(start, b.length - end));
  return shorten([...a.slice(0, start).map(same), ...middle, ...a.slice(a.length - end).map(same)]);
}

/** By the longest common subsequence. */
function compare(a: readonly string[], b: readonly string[]): readonly DiffLine[] {
  const removed = (text: string): DiffLine => ({ kind: "removed", text });
  const added = (text: string): DiffLine => ({ kind: "added", text });
  if (a.length * b.length > maxPairs) return [...a.map(removed), ...b.map(added)];
  const width = b.length + 1;
  const lengths = new Uint32Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      const below = lengths[(i + 1) * width + j] ?? 0;
      const right = lengths[i * width + j + 1] ?? 0;
      const diagonal = lengths[(i + 1) * width + j + 1] ?? 0;
      lengths[i * width + j] = a[i] === b[j] ? diagonal + 1 : Math.max(below, right);
    }
  }
  const lines: DiffLine[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    const left = a[i];
    const right = b[j];
    const isRemoval = (lengths[(i + 1) * width + j] ?? 0) >= (lengths[i * width + j + 1] ?? 0);
    if (left !== undefined && left === right) {
      lines.push({ kind: "same", text: left });
      i += 1;
      j += 1;
    } else if (left !== undefined && (right === undefined || isRemoval)) {
      lines.push(removed(left));
      i += 1;
    } else if (right !== undefined) {
      lines.push(added(right));
      j += 1;
    }
  }
  return lines;
}

function shorten(lines: readonly DiffLine[]): readonly DiffLine[] {
  const near = new Set<number>();
  for (const [index, { kind }] of lines.entries()) {
    if (kind === "same") continue;
    for (let at = index - context; at <= index + context; at += 1) near.add(at);
  }
  const shown: DiffLine[] = [];
  let skipped = 0;
  for (const [index, line] of lines.entries()) {
    if (!near.has(index)) {
      skipped += 1;
      continue;
    }
    if (skipped > 0) shown.push({ kind: "skip", count: skipped });
    skipped = 0;
    shown.push(line);
  }
  return skipped > 0 ? [...shown, { kind: "skip", count: skipped }] : shown;
}
