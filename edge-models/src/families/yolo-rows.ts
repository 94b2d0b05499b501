import type { Candidate } from "../boxes.ts";
import { Candidates } from "./candidates.ts";
import { type DecodeSettings, type KnownShape, isTable, type OutputTensor, rowsOf } from "./family.ts";

/** Rows of centre, size, objectness and one probability a class; the score is objectness × class. */
export function decodeRowsWithObjectness(grid: OutputTensor, settings: DecodeSettings): readonly Candidate[] {
  const { classCount, minScore } = settings;
  const columns = 5 + classCount;
  const rows = rowsOf(grid, columns, "grid");
  const { data } = grid;
  const found = new Candidates(settings, "cxcywh");
  for (let at = 0; at < rows * columns; at += columns) {
    const objectness = data[at + 4] ?? 0;
    if (!(objectness >= minScore)) continue;
    for (let classIndex = 0; classIndex < classCount; classIndex += 1) {
      const score = objectness * (data[at + 5 + classIndex] ?? 0);
      if (score < minScore) continue;
      found.add(data[at] ?? 0, data[at + 1] ?? 0, data[at + 2] ?? 0, data[at + 3] ?? 0, classIndex, score);
    }
  }
  return found.suppressed();
}

export function checkRowsWithObjectness(grid: KnownShape, classCount: number): string | undefined {
  if (isTable(grid, 5 + classCount)) return undefined;
  const isV8 = grid.length === 3 && (grid[1] === 4 + classCount || grid[2] === 4 + classCount);
  const hint = isV8 ? "; this looks like family yolov8" : "";
  return `output grid must be [1, cells, ${5 + classCount}] for ${classCount} classes, found [${grid.join(", ")}]${hint}`;
}
