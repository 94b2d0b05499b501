/**
 * Measures what ships, or an own model, on any folder of pictures, through the code that runs at a site.
 *
 *   node edge-models/src/evaluate.ts --data FOLDER --task person|mask|boxes|anomaly|headwear|rodent|health
 *       [--model FOLDER] [--threads N] [--out FOLDER] [--json]
 *
 * The last line of standard output is JSON: `{"task", "images", "figures": {"total": {…}, "<class or scene>": {…}}}`.
 */
import { stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { describeError, isFrostlightError, systemClock } from "@frostlight/kernel";

import { defaultModelFolder } from "./default-model.ts";
import { Gallery } from "./evaluation/gallery.ts";
import { PictureReader } from "./evaluation/pictures.ts";
import { progressLine } from "./evaluation/progress.ts";
import { printReport, toJson } from "./evaluation/report.ts";
import { evaluationTasks } from "./evaluation/tasks/index.ts";
import { loadModel } from "./load-model.ts";

const names = evaluationTasks.map(({ task }) => task);
const usage = `usage: evaluate.ts --data FOLDER --task ${names.join("|")} [--model FOLDER] [--threads N] [--out FOLDER] [--json]\n`;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      data: { type: "string" },
      task: { type: "string", default: "boxes" },
      model: { type: "string", default: defaultModelFolder },
      threads: { type: "string", default: "1" },
      out: { type: "string" },
      json: { type: "boolean", default: false },
    },
  });
  const task = evaluationTasks.find((known) => known.task === values.task);
  const threads = Number(values.threads);
  if (values.data === undefined || task === undefined || !Number.isInteger(threads) || threads < 1) {
    process.stderr.write(usage);
    return 2;
  }
  await stat(values.data);
  const out = values.out ?? join(tmpdir(), `frostlight-evaluate-${task.task}-${systemClock.nowMs()}`);
  const reader = new PictureReader();
  const gallery = new Gallery(out);
  const model = await loadModel(values.model, { threads });
  try {
    const evaluation = await task.evaluate({
      data: values.data,
      modelFolder: values.model,
      model,
      threads,
      reader,
      gallery,
      progress: progressLine(process.stderr, systemClock),
    });
    await gallery.write();
    if (!values.json) printReport(process.stdout, { task: task.task, model: model.id, evaluation, reader, out });
    process.stdout.write(`${toJson(task.task, evaluation)}\n`);
    return evaluation.images > 0 ? 0 : 1;
  } finally {
    await model.close();
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  const hint = isFrostlightError(error) ? error.code : "evaluate/failed";
  process.stderr.write(`${hint}: ${describeError(error)}\n${error instanceof TypeError ? usage : ""}`);
  process.exitCode = 1;
}
