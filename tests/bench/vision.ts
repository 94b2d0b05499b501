/**
 * What the cameras cost, in one run: the whole pipeline (JPEG decoding, health, motion, detector, tracks, rules) beside bare ONNX
 * Runtime on the same model, size and pictures; a camera in which nothing moves; scene memory; teach-in; ways to decode.
 *
 *   npm run -s bench:vision [-- --only pipeline,idle,anomaly,teach,decode] [--rounds 21] [--seconds 2] [--threads 1] [--json]
 *
 * Two sides that are compared take turns in short slices and the middle of the rounds counts, so a busy neighbour meets both.
 * Costs are processor time.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { defaultModelFolder, loadModel } from "@frostlight/edge-models";

import { measureAnomaly, measureDecoding, measureTeaching } from "./vision-costs.ts";
import { measureIdle } from "./vision-idle.ts";
import { GatedCamera, height, makePictures, measurePipeline, openBare, width } from "./vision-pipeline.ts";

const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    only: { type: "string", default: "pipeline,idle,anomaly,teach,decode" },
    rounds: { type: "string", default: "21" },
    seconds: { type: "string", default: "2" },
    threads: { type: "string", default: "1" },
  },
});
const wanted = new Set(values.only.split(","));
const rounds = Number(values.rounds);
const threads = Number(values.threads);
const folder = await mkdtemp(join(tmpdir(), "frostlight-bench-vision-"));
const show = (line: string): void => {
  if (!values.json) process.stderr.write(`${line}\n`);
};

interface Row {
  readonly what: string;
  readonly figure: number;
  readonly aim: string;
  readonly met: boolean;
}

const rows: Row[] = [];
const details: Record<string, unknown> = {};
const round = (value: number): number => Number(value.toFixed(3));
const atMost = (what: string, figure: number, limit: number, unit: string): void => {
  rows.push({ what, figure: round(figure), aim: `≤ ${limit} ${unit}`, met: figure <= limit });
};

const model = await loadModel(defaultModelFolder, { threads });
let ratio: number | null = null;
try {
  const walking = await makePictures(40, true);
  const still = await makePictures(40, false);
  if (wanted.has("pipeline")) {
    const camera = new GatedCamera(walking, model, folder);
    const bare = await openBare(walking, threads);
    const pipeline = await measurePipeline(camera, bare, rounds, Number(values.seconds) * 1_000, show);
    ratio = round(pipeline.ratio);
    details["pipeline"] = pipeline;
    rows.push({ what: "pipeline ÷ bare inference", figure: ratio, aim: "≥ 0.85", met: ratio >= 0.85 });
  }
  if (wanted.has("idle")) {
    const idle = await measureIdle(still, folder, Math.max(20, rounds));
    details["idle"] = idle;
    if ("share" in idle) atMost("a camera without motion", idle.share, 0.05, "of a core");
    else show(`no figure for a camera without motion: ${idle.skipped}`);
  }
  if (wanted.has("anomaly")) {
    const anomaly = await measureAnomaly(still, model, rounds * 2);
    details["anomaly"] = anomaly;
    atMost("pass with scene memory ÷ without", anomaly.ratio, 1.25, "");
  }
  if (wanted.has("teach")) {
    const teaching = await measureTeaching(still, model);
    details["teach"] = teaching;
    atMost("teach-in fit of 100 crops", teaching.cpuMs, 200, "ms");
  }
  if (wanted.has("decode")) {
    const decoding = await measureDecoding(still.slice(0, 20), folder);
    details["decode"] = decoding;
    const better = Math.min(decoding.jpegByFfmpegCpuMs, decoding.h264ByFfmpegCpuMs);
    atMost("1080p JPEG by sharp ÷ by ffmpeg", decoding.jpegBySharpCpuMs / decoding.jpegByFfmpegCpuMs, 1, "");
    show(`decoding, ms of processor a frame: ${JSON.stringify(decoding)}, ffmpeg's better ${better.toFixed(1)}`);
  }
  if (!values.json) console.table(rows);
  const result = { name: "vision", ratio, unit: "ours/reference", picture: `${width}x${height} JPEG`, model: model.id };
  console.log(JSON.stringify({ ...result, threads, rounds, rows, details }));
} finally {
  await model.close();
  await rm(folder, { recursive: true, force: true });
}
