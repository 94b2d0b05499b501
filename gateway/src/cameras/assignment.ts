/**
 * Pairs rows with columns so that the sum of values is highest (Kuhn-Munkres with potentials, O(n² m)).
 * @param value above 0 where a pair is possible
 * @returns the column of each row, -1 for none
 */
export function bestPairs(
  rows: number,
  columns: number,
  value: (row: number, column: number) => number,
): readonly number[] {
  if (rows > columns) {
    const turned = bestPairs(columns, rows, (row, column) => value(column, row));
    const result = Array.from({ length: rows }, () => -1);
    for (const [column, row] of turned.entries()) if (row !== -1) result[row] = column;
    return result;
  }
  // Index 0 is a dummy; costs are the negated values, so that the lowest sum is the highest value.
  const rowPotential = new Float64Array(rows + 1);
  const columnPotential = new Float64Array(columns + 1);
  const rowOf = new Int32Array(columns + 1);
  const before = new Int32Array(columns + 1);
  for (let row = 1; row <= rows; row += 1) {
    rowOf[0] = row;
    const slack = new Float64Array(columns + 1).fill(Number.POSITIVE_INFINITY);
    const done = new Uint8Array(columns + 1);
    let at = 0;
    do {
      done[at] = 1;
      const current = rowOf[at] ?? 0;
      let least = Number.POSITIVE_INFINITY;
      let next = 0;
      for (let column = 1; column <= columns; column += 1) {
        if (done[column] === 1) continue;
        const cost = -value(current - 1, column - 1) - (rowPotential[current] ?? 0) - (columnPotential[column] ?? 0);
        if (cost < (slack[column] ?? 0)) {
          slack[column] = cost;
          before[column] = at;
        }
        if ((slack[column] ?? 0) < least) {
          least = slack[column] ?? 0;
          next = column;
        }
      }
      for (let column = 0; column <= columns; column += 1) {
        if (done[column] === 1) {
          const owner = rowOf[column] ?? 0;
          rowPotential[owner] = (rowPotential[owner] ?? 0) + least;
          columnPotential[column] = (columnPotential[column] ?? 0) - least;
        } else slack[column] = (slack[column] ?? 0) - least;
      }
      at = next;
    } while (rowOf[at] !== 0);
    while (at !== 0) {
      const previous = before[at] ?? 0;
      rowOf[at] = rowOf[previous] ?? 0;
      at = previous;
    }
  }
  const result = Array.from({ length: rows }, () => -1);
  for (let column = 1; column <= columns; column += 1) {
    const row = (rowOf[column] ?? 0) - 1;
    if (row >= 0 && value(row, column - 1) > 0) result[row] = column - 1;
  }
  return result;
}
