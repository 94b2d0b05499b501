interface Grouped {
  readonly label: string;
  /** Pictures of one group (a track, a moment, copies of one picture) are never both learnt from and tested on. */
  readonly group: string;
}

/**
 * Which fold each example is tested in. Groups stay together; each class is spread evenly; the same examples in the same
 * order give the same folds.
 */
export function assignFolds(examples: readonly Grouped[], folds: number): readonly number[] {
  const groups = [...Map.groupBy(examples, (example) => example.group)].toSorted((a, b) => b[1].length - a[1].length);
  const load = new Map<string, number[]>();
  const foldOf = new Map<string, number>();
  for (const [group, members] of groups) {
    const counts = Map.groupBy(members, (member) => member.label);
    let best = 0;
    let least = Infinity;
    for (let fold = 0; fold < folds; fold += 1) {
      const cost = [...counts].reduce((sum, [label, own]) => sum + own.length * (load.get(label)?.[fold] ?? 0), 0);
      if (cost < least) [best, least] = [fold, cost];
    }
    foldOf.set(group, best);
    for (const [label, own] of counts) {
      const loads = load.get(label) ?? Array<number>(folds).fill(0);
      loads[best] = (loads[best] ?? 0) + own.length;
      load.set(label, loads);
    }
  }
  return examples.map((example) => foldOf.get(example.group) ?? 0);
}
