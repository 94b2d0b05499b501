import { spawn } from "node:child_process";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { extname, join, parse } from "node:path";
import { parseArgs } from "node:util";

import { loadModel, type ModelManifest, readManifest } from "@frostlight/edge-models";
import {
  drawBoxes,
  evaluatorPath,
  licenceWarning,
  measureModel,
  type ModelMeasurement,
  readPicture,
  shippedModelFolders,
} from "@frostlight/edge-models/tools";
import { describeError, errorCode } from "@frostlight/kernel";

import { exitCodes } from "./command.ts";
import { readConfig } from "./read-config.ts";
import { plain, table } from "./table.ts";

type Say = (text: string) => void;
type ModelCommand = (args: readonly string[], out: Say) => Promise<number>;

export const modelUsage = `frostlight model COMMAND [options]

  list                          models that are shipped, and those of the configuration (--config FILE)
  test MANIFEST                 load it, measure it on 1 and 2 threads, look for slow denormal numbers;
                                with --pictures FOLDER --out FOLDER also draw what it finds
  evaluate --data FOLDER …      figures on labelled pictures: what npm run models:evaluate takes
  --passes N                    test: how often each thing is measured; default 30
  --json                        one JSON object instead of text
`;

const commands: Readonly<Record<string, ModelCommand>> = { list, test, evaluate };

/** `frostlight model …`: see `modelUsage`. Throws for a command line that is not understood. */
export async function runModelCommand(args: readonly string[], out: Say): Promise<number> {
  const [name = "", ...rest] = args;
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) {
    out(modelUsage);
    return name === "" || name === "--help" ? exitCodes.ok : exitCodes.usage;
  }
  return command(rest, out);
}

interface ListedModel {
  readonly path: string;
  readonly usedBy: readonly string[];
  readonly manifest: ModelManifest | null;
  readonly problem: string | null;
}

async function list(args: readonly string[], out: Say): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: { config: { type: "string" }, json: { type: "boolean", default: false } },
  });
  const users = new Map<string, string[]>((await shippedModelFolders()).map((folder) => [folder, ["shipped"]]));
  if (values.config !== undefined) {
    for (const camera of (await readConfig(values.config)).config.cameras) {
      const folders = camera.rules.map(({ definition, options }) => definition.model(options));
      for (const folder of new Set([camera.model, ...folders])) {
        if (typeof folder === "string") users.set(folder, [...(users.get(folder) ?? []), camera.id]);
      }
    }
  }
  const listed: ListedModel[] = [];
  for (const [path, usedBy] of users) {
    try {
      listed.push({ path, usedBy, manifest: (await readManifest(path)).manifest, problem: null });
    } catch (error) {
      listed.push({ path, usedBy, manifest: null, problem: describeError(error) });
    }
  }
  if (values.json) out(`${JSON.stringify({ models: listed.map(summary) })}\n`);
  else {
    const head = ["model", "version", "family", "sha256", "licence", "used by", "measured"];
    const rows = listed.map(({ path, usedBy, manifest, problem }) =>
      manifest === null
        ? [plain(path), "-", "-", "-", "-", usedBy.join(", "), plain(`✗ ${problem}`)]
        : [
            manifest.id,
            plain(manifest.version),
            manifest.family,
            manifest.sha256.slice(0, 12),
            plain(manifest.licence.slice(0, 24)),
            usedBy.join(", "),
            figuresOf(manifest),
          ],
    );
    out(table([head, ...rows]));
    for (const { manifest } of listed) out(warningOf(manifest));
  }
  return listed.every(({ problem }) => problem === null) ? exitCodes.ok : exitCodes.problem;
}

function summary({ path, usedBy, manifest, problem }: ListedModel) {
  if (manifest === null) return { path, usedBy, problem };
  const { id, version, family, licence, source, sha256, thresholds, evaluation } = manifest;
  return { path, usedBy, id, version, family, licence, source, sha256, thresholds, evaluation };
}

/** The numbers of the first measurement. */
function figuresOf({ evaluation }: ModelManifest): string {
  const [first] = evaluation;
  if (first === undefined) return "not measured";
  const figures = Object.entries(first).filter(([, figure]) => typeof figure === "number");
  return plain(figures.map(([name, figure]) => `${name} ${figure}`).join(", "));
}

function warningOf(manifest: ModelManifest | null): string {
  const warning = manifest === null ? undefined : licenceWarning(manifest.licence);
  return warning === undefined ? "" : `! ${manifest?.id}: ${plain(warning)}\n`;
}

async function test(args: readonly string[], out: Say): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      pictures: { type: "string" },
      out: { type: "string" },
      passes: { type: "string", default: "30" },
      json: { type: "boolean", default: false },
    },
  });
  const [path, ...others] = positionals;
  const passes = Number(values.passes);
  if (path === undefined || others.length > 0) throw new TypeError("expected one manifest, or a folder that holds one");
  if (!(Number.isInteger(passes) && passes >= 1 && passes <= 10_000))
    throw new TypeError("--passes: expected 1 to 10000");
  if ((values.pictures === undefined) !== (values.out === undefined)) {
    throw new TypeError("--pictures and --out go together");
  }
  try {
    const { manifest } = await readManifest(path);
    const measured = await measureModel(path, passes);
    const pictures =
      values.pictures === undefined || values.out === undefined ? [] : await drawAll(path, values.pictures, values.out);
    if (values.json) out(`${JSON.stringify({ ok: true, id: manifest.id, ...measured, pictures })}\n`);
    else out(textOf(manifest, measured, passes, pictures));
    return exitCodes.ok;
  } catch (error) {
    const code = errorCode(error) ?? "model/failed";
    const message = describeError(error);
    out(values.json ? `${JSON.stringify({ ok: false, code, message })}\n` : `✗ ${code}: ${plain(message)}\n`);
    return exitCodes.problem;
  }
}

interface DrawnPicture {
  readonly file: string;
  /** Null: this file cannot be read. */
  readonly boxes: number | null;
}

const pictureEndings = new Set([".jpg", ".jpeg", ".png", ".webp"]);

async function drawAll(path: string, from: string, to: string): Promise<readonly DrawnPicture[]> {
  const model = await loadModel(path);
  try {
    await mkdir(to, { recursive: true });
    const drawn: DrawnPicture[] = [];
    for (const file of (await readdir(from)).toSorted()) {
      if (!pictureEndings.has(extname(file).toLowerCase())) continue;
      const image = await readPicture(join(from, file)).catch(() => null);
      if (image === null) {
        drawn.push({ file, boxes: null });
        continue;
      }
      const { boxes } = await model.detect(image);
      await writeFile(join(to, `${parse(file).name}.jpg`), await drawBoxes(image, boxes));
      drawn.push({ file, boxes: boxes.length });
    }
    return drawn;
  } finally {
    await model.close();
  }
}

function textOf(
  manifest: ModelManifest,
  { loadMs, latency, modelBytes, peakBytes, denormals }: ModelMeasurement,
  passes: number,
  pictures: readonly DrawnPicture[],
): string {
  const megabytes = (bytes: number): string => `${Math.round(bytes / 1_000_000)} MB`;
  const times = (factor: number): string => `${factor.toFixed(2)} ×`;
  const verdict = denormals.flushed
    ? denormals.gain > 1.5
      ? `flushed; without that it would be ${times(denormals.gain)} slower on some pictures`
      : "flushed; this model hardly has any"
    : "NOT flushed on this machine";
  const { width, height, sizing } = manifest.input;
  const rows = [
    ["model", `${manifest.id} ${plain(manifest.version)}, ${manifest.family}, ${width} × ${height} ${sizing}`],
    ["loaded in", `${Math.round(loadMs)} ms`],
    ...latency.map(({ threads, p50Ms, p95Ms }) => [
      `${threads} thread${threads === 1 ? "" : "s"}`,
      `p50 ${p50Ms.toFixed(1)} ms, p95 ${p95Ms.toFixed(1)} ms (${passes} passes)`,
    ]),
    ["memory", `${megabytes(modelBytes)} with the model, ${megabytes(peakBytes)} at most with the process around it`],
    [
      "denormals",
      `${verdict} (black, grey or tiny input ÷ noise: ${times(denormals.slowdownFlushed)}, unflushed ${times(denormals.slowdownKept)})`,
    ],
    ...pictures.map(({ file, boxes }) => [plain(file), boxes === null ? "✗ no picture" : `${boxes} box(es)`]),
  ];
  return table(rows) + warningOf(manifest);
}

/** The evaluator is a program of its own: it reads pictures for minutes and draws curves. */
async function evaluate(args: readonly string[]): Promise<number> {
  const child = spawn(process.execPath, [evaluatorPath, ...args], { stdio: "inherit" });
  const ended = Promise.withResolvers<number>();
  child.once("error", ended.reject);
  child.once("close", (code) => {
    ended.resolve(code ?? exitCodes.problem);
  });
  return ended.promise;
}
