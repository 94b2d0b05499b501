/**
 * Measures a detector on a folder of pictures with YOLO labels.
 *
 *   node edge-models/src/evaluate.ts --model edge-models/person-centernet --data FOLDER [--threads N] [--json]
 */
import { parseArgs } from "node:util";

import { defaultModelFolder } from "./default-model.ts";
import { evaluateBoxes } from "./evaluation/evaluate-boxes.ts";
import { loadModel } from "./load-model.ts";

const { values } = parseArgs({
  options: {
    model: { type: "string", default: defaultModelFolder },
    data: { type: "string" },
    threads: { type: "string", default: "1" },
    json: { type: "boolean", default: false },
  },
});
const say = (text: string): void => {
  process.stdout.write(text);
};

if (values.data === undefined) {
  process.stderr.write("usage: evaluate.ts --data FOLDER [--model FOLDER] [--threads N] [--json]\n");
  process.exitCode = 2;
} else {
  const model = await loadModel(values.model, { threads: Number(values.threads) });
  const figures = await evaluateBoxes(model, values.data, (done, total) => {
    if (process.stderr.isTTY) process.stderr.write(`\r${done}/${total}${done === total ? "\n" : ""}`);
  });
  await model.close();
  const round = (value: number): number => Number(value.toFixed(4));
  const classes = Object.fromEntries([...figures.ap50].map(([label, ap50]) => [label, { ap50: round(ap50) }]));
  const total = { ap50: round(figures.meanAp50), latencyMs: Number(figures.latencyMs.toFixed(1)) };
  if (!values.json) {
    say(`${model.id} on ${figures.pictures} pictures, ${values.threads} thread(s)\n`);
    for (const [label, ap50] of [...figures.ap50].toSorted((a, b) => b[1] - a[1])) {
      say(`  ${label.padEnd(16)} AP50 ${ap50.toFixed(3)}\n`);
    }
    say(`  mean AP50 ${total.ap50}, median ${total.latencyMs} ms\n`);
  }
  say(`${JSON.stringify({ task: "boxes", images: figures.pictures, figures: { total, ...classes } })}\n`);
}
