/**
 * Frames per second of the whole camera pipeline (JPEG decoding, health, motion, detector, tracks, rules) beside bare ONNX
 * Runtime on the same model, size and pictures. Both sides alternate in one run; the middle of the rounds counts.
 *
 *   npm run -s bench:vision [-- --json] [-- --rounds 7 --seconds 3 --threads 1 --scene]
 *
 * --scene adds the "unusual scene" rule (its memory is learnt first).
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";

import { defaultModelFolder, loadModel, readManifest } from "@frostlight/edge-models";
import { silentLogger, systemClock, systemRandom } from "@frostlight/kernel";
import sharp from "sharp";

import { cameraConfig, createCamera } from "../../gateway/src/cameras/index.ts";
import type { CameraOutput } from "../../gateway/src/core/camera.ts";
import { createPrepRoom } from "../sims/prep-room-scene.ts";

const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    scene: { type: "boolean", default: false },
    rounds: { type: "string", default: "7" },
    seconds: { type: "string", default: "3" },
    threads: { type: "string", default: "1" },
  },
});
const rounds = Number(values.rounds);
const sliceMs = Number(values.seconds) * 1_000;
const threads = Number(values.threads);
const [width, height] = [640, 360];
const pictures = 40;
const learnFrames = 30;

/** A prep room with somebody's dark shape walking through, so that every frame has motion. */
async function makePictures(folder: string): Promise<void> {
  const day = { startMs: 0, appearAfterMs: 1e9, appearForMs: 1, everyMs: 2e9 };
  const room = await createPrepRoom(day);
  const shape = await sharp({ create: { width: 60, height: 170, channels: 3, background: "#303848" } })
    .png()
    .toBuffer();
  for (let n = 0; n < pictures; n += 1) {
    const left = Math.round((n / pictures) * (width - 60));
    const jpeg = await sharp(await room(n * 500))
      .composite([{ input: shape, left, top: 150 }])
      .jpeg({ quality: 85 })
      .toBuffer();
    await writeFile(join(folder, `${String(n).padStart(3, "0")}.jpg`), jpeg);
  }
}

const folder = await mkdtemp(join(tmpdir(), "frostlight-bench-vision-"));
await makePictures(folder);

const model = await loadModel(defaultModelFolder, { threads });
const output: CameraOutput = {
  finding: () => Promise.resolve(),
  health: () => Promise.resolve(),
  evidence: (data, mediaType, role) =>
    Promise.resolve({ sha256: "0".repeat(64), mediaType, sizeBytes: data.length, role }),
};
const rules = [
  { id: "closed", kind: "closed-zone" },
  ...(values.scene ? [{ id: "scene", kind: "unusual-scene", learnFrames }] : []),
];
const config = cameraConfig.parse({
  id: "bench",
  zone: "bench",
  name: { zh: "性能测试", en: "Benchmark" },
  frames: { kind: "folder", path: folder, fps: 60 },
  rules,
});

async function measureCamera(): Promise<number> {
  const camera = createCamera({
    config,
    timeZone: "Asia/Shanghai",
    models: {
      get: () => Promise.resolve(model),
      faces: () => Promise.reject(new Error("not measured")),
      head: () => Promise.reject(new Error("not measured")),
    },
    output,
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
    environment: {},
    stateFolder: folder,
  });
  await camera.start();
  const warm = values.scene ? learnFrames + 5 : 5;
  while (camera.status().framesSeen < warm) await sleep(20);
  const startMs = performance.now();
  const before = camera.status();
  await sleep(sliceMs);
  const after = camera.status();
  const spentMs = performance.now() - startMs;
  await camera.stop();
  if (after.framesSkipped !== before.framesSkipped) throw new Error("the detector did not look at every frame");
  if (after.problem !== null || after.health !== "ok") throw new Error(`camera ${after.health}: ${after.problem}`);
  return ((after.framesSeen - before.framesSeen) * 1_000) / spentMs;
}

/** The loop anybody would write: a ready input, the session, nothing else. */
async function openBare(): Promise<() => Promise<number>> {
  const { manifest, modelPath } = await readManifest(defaultModelFolder);
  const { InferenceSession, Tensor } = await import("onnxruntime-node");
  const session = await InferenceSession.create(modelPath, {
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    extra: { session: { set_denormal_as_zero: "1", intra_op: { allow_spinning: "0" } } },
  });
  const size = { width: manifest.input.width, height: manifest.input.height };
  const inputs = await Promise.all(
    Array.from({ length: pictures }, async (_, n) => {
      const file = join(folder, `${String(n).padStart(3, "0")}.jpg`);
      const rgb = await sharp(file)
        .resize({ ...size, fit: "fill" })
        .removeAlpha()
        .raw()
        .toBuffer();
      return new Tensor("uint8", new Uint8Array(rgb), [1, size.height, size.width, 3]);
    }),
  );
  const names = Object.values(manifest.outputs);
  return async () => {
    let frames = 0;
    const startMs = performance.now();
    while (performance.now() - startMs < sliceMs) {
      const input = inputs[frames % pictures];
      if (input === undefined) throw new Error("no picture");
      await session.run({ [manifest.input.name]: input }, names);
      frames += 1;
    }
    return (frames * 1_000) / (performance.now() - startMs);
  };
}

const median = (list: readonly number[]): number => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)] ?? 0;
const round = (value: number): number => Number(value.toFixed(3));

try {
  const measureBare = await openBare();
  await measureBare();
  const ours: number[] = [];
  const reference: number[] = [];
  for (let n = 0; n < rounds; n += 1) {
    reference.push(await measureBare());
    ours.push(await measureCamera());
    if (!values.json) {
      console.log(
        `round ${n + 1}: pipeline ${ours[n]?.toFixed(1)} frames/s, bare ${reference[n]?.toFixed(1)} frames/s`,
      );
    }
  }
  const result = {
    name: "vision",
    ours: round(median(ours)),
    reference: round(median(reference)),
    ratio: round(median(ours.map((value, n) => value / (reference[n] ?? Number.NaN)))),
    unit: "frames/s",
    picture: `${width}x${height} JPEG`,
    model: model.id,
    threads,
    scene: values.scene,
    rounds,
    residentMegabytes: Math.round(process.memoryUsage.rss() / 1_048_576),
  };
  if (values.json) console.log(JSON.stringify(result));
  else console.table([result]);
} finally {
  await model.close();
  await rm(folder, { recursive: true, force: true });
}
