import { basename } from "node:path";

import type { PictureReader } from "./pictures.ts";
import type { Evaluation, Figures } from "./task.ts";

interface Report {
  readonly task: string;
  readonly model: string;
  readonly evaluation: Evaluation;
  readonly reader: PictureReader;
  readonly out: string;
}

const columns = [
  "ap50",
  "ap30",
  "auroc",
  "recallAtThreshold",
  "falseFrameRate",
  "falseFrameRate3",
  "eventRecall",
  "latencyMs",
] as const satisfies readonly (keyof Figures)[];
const namedSkips = 10;

/** For people; the figures as a table, then what has to be known to read them. */
export function printReport(output: { write(text: string): unknown }, report: Report): void {
  const { evaluation, reader } = report;
  const used = columns.filter((key) => Object.values(evaluation.figures).some((figures) => figures[key] !== undefined));
  const nameWidth = Math.max(8, ...Object.keys(evaluation.figures).map((name) => name.length)) + 2;
  const lines = [
    `${report.task}: ${report.model} on ${evaluation.images} pictures`,
    `  ${"".padEnd(nameWidth)}${used.map((key) => key.padStart(18)).join("")}`,
    ...Object.entries(evaluation.figures).map(([name, figures]) => {
      const cells = used.map((key) => format(key, figures[key]).padStart(18));
      return `  ${name.padEnd(nameWidth)}${cells.join("")}`;
    }),
    ...evaluation.notes.map((note) => `  · ${note}`),
  ];
  if (reader.skipped.length > 0) {
    lines.push(`  · ${reader.skipped.length} files could not be read and are left out:`);
    for (const { path, reason } of reader.skipped.slice(0, namedSkips))
      lines.push(`      ${basename(path)}: ${reason}`);
  }
  lines.push(`  pictures: ${report.out}`);
  output.write(`${lines.join("\n")}\n`);
}

function format(key: keyof Figures, value: number | undefined): string {
  if (value === undefined) return "–";
  return key === "latencyMs" ? value.toFixed(1) : value.toFixed(4);
}

/** One line for programs. */
export function toJson(task: string, { images, figures }: Evaluation): string {
  const rounded = Object.entries(figures).map(([name, own]) => [
    name,
    Object.fromEntries(
      columns.flatMap((key) => {
        const value = own[key];
        return value === undefined || !Number.isFinite(value)
          ? []
          : [[key, Number(value.toFixed(key === "latencyMs" ? 1 : 4))]];
      }),
    ),
  ]);
  return JSON.stringify({ task, images, figures: Object.fromEntries(rounded) as unknown });
}
