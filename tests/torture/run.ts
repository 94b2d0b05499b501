/**
 * Breaks a real gateway and a real server in every way we know, in random order, and then looks for every acknowledged
 * reading. Prints one JSON object last; exit code 1 when anything was lost, doubled without a permitted reason, or wrong.
 * What counts: README.md.
 *
 *   npm run torture -- --cycles N --seed S [--faults NAME,NAME] [--disk tmpfs|prlimit|none] [--keep]
 */
import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";

import { faults } from "./faults.ts";
import { torture } from "./torture.ts";

const { values } = parseArgs({
  options: {
    cycles: { type: "string", default: "20" },
    seed: { type: "string" },
    faults: { type: "string" },
    disk: { type: "string" },
    keep: { type: "boolean", default: false },
  },
});
const seed = values.seed === undefined ? randomInt(1, 2 ** 31) : wholeNumber("--seed", values.seed);
const names = values.faults?.split(",") ?? [];
for (const name of names) {
  if (!faults.some((fault) => fault.name === name)) usage(`no fault "${name}"`);
}
const disk = (["tmpfs", "prlimit", "none"] as const).find((method) => method === values.disk);
if (disk === undefined && values.disk !== undefined) usage(`no way "${values.disk}" to fill a disk`);

const stopping = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => stopping.abort(new Error(`ended by ${signal}`)));
}
const isGood = await torture({
  cycles: wholeNumber("--cycles", values.cycles),
  seed,
  faults: names.length === 0 ? faults : faults.filter((fault) => names.includes(fault.name)),
  keep: values.keep,
  signal: stopping.signal,
  ...(disk === undefined ? {} : { disk }),
});
process.exit(isGood ? 0 : 1);

function wholeNumber(option: string, text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 0) usage(`${option} must be a whole number, found "${text}"`);
  return number;
}

function usage(problem: string): never {
  const all = faults.map((fault) => fault.name).join(", ");
  process.stderr.write(`${problem}\nusage: npm run torture -- --cycles N --seed S [--faults NAME,…]\nfaults: ${all}\n`);
  process.exit(2);
}
