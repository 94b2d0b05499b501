import { setTimeout as sleep } from "node:timers/promises";

import type { LoadedModel } from "@frostlight/edge-models";
import { defaultModelFolder, readManifest } from "@frostlight/edge-models";
import { silentLogger, systemClock, systemRandom } from "@frostlight/kernel";
import sharp from "sharp";
import { z } from "zod";

import { decodePicture } from "../../gateway/src/cameras/frames/picture-decoder.ts";
import { cameraConfig, createCamera } from "../../gateway/src/cameras/index.ts";
import { type CameraOutput, defineFrameSource, type FrameEvent } from "../../gateway/src/core/camera.ts";
import { createPrepRoom } from "../sims/prep-room-scene.ts";

export const [width, height] = [640, 360];

/** A prep room, with somebody's dark shape walking through if wished, so that every frame has motion. */
export async function makePictures(count: number, walking: boolean): Promise<readonly Uint8Array[]> {
  const room = await createPrepRoom({ startMs: 0, appearAfterMs: 1e9, appearForMs: 1, everyMs: 2e9 });
  const shape = await sharp({ create: { width: 60, height: 170, channels: 3, background: "#303848" } })
    .png()
    .toBuffer();
  const pictures: Uint8Array[] = [];
  for (let n = 0; n < count; n += 1) {
    const left = Math.round((n / count) * (width - 60));
    const empty = await room(n * 500);
    const drawn = sharp(empty).composite([{ input: shape, left, top: 150 }]);
    pictures.push(walking ? await drawn.jpeg({ quality: 85 }).toBuffer() : empty);
  }
  return pictures;
}

export const discarded: CameraOutput = {
  finding: () => Promise.resolve(),
  health: () => Promise.resolve(),
  evidence: (data, mediaType, role) =>
    Promise.resolve({ sha256: "0".repeat(64), mediaType, sizeBytes: data.length, role }),
};

export interface PipelineFigures {
  readonly ours: number;
  readonly reference: number;
  readonly ratio: number;
  /** First and third quarter of the rounds' ratios. */
  readonly spread: readonly [number, number];
}

/** One camera on pictures in memory that come as fast as they are taken, and only while its side has its turn. */
export class GatedCamera {
  readonly #camera: ReturnType<typeof createCamera>;
  #gate = Promise.withResolvers<void>();
  #begun = 0;
  #done = 0;
  #lastDoneMs = 0;

  constructor(pictures: readonly Uint8Array[], model: LoadedModel, stateFolder: string) {
    const next = (): Promise<void> => this.#gate.promise;
    const source = defineFrameSource({
      kind: "folder",
      options: z.strictObject({}),
      example: {},
      async *open(_, { clock, signal }): AsyncGenerator<FrameEvent> {
        for (let n = 0; !signal.aborted; n += 1) {
          await next();
          const picture = pictures[n % pictures.length];
          if (picture !== undefined) yield await decodePicture(picture, clock);
        }
      },
    });
    const config = cameraConfig.parse({
      id: "bench",
      zone: "bench",
      name: { zh: "性能测试", en: "Benchmark" },
      frames: { kind: "folder", path: "/unused" },
      rules: [{ id: "closed", kind: "closed-zone" }],
    });
    this.#camera = createCamera({
      config: { ...config, frames: { kind: "folder", definition: source, options: {}, own: {} } },
      timeZone: "Asia/Shanghai",
      models: {
        get: () => Promise.resolve({ ...model, detect: (...asked) => this.#counted(model.detect(...asked)) }),
        faces: () => Promise.reject(new Error("not measured")),
        head: () => Promise.reject(new Error("not measured")),
      },
      output: discarded,
      clock: systemClock,
      random: systemRandom,
      logger: silentLogger,
      environment: {},
      stateFolder,
    });
  }

  async start(): Promise<void> {
    await this.#camera.start();
    await this.slice(2_000);
  }

  /** Frames a second, from the first one's fetching to the last one's boxes. */
  async slice(sliceMs: number): Promise<number> {
    const before = this.#done;
    const startMs = performance.now();
    this.#gate.resolve();
    await sleep(sliceMs);
    this.#gate = Promise.withResolvers<void>();
    do await sleep(150);
    while (this.#begun > this.#done);
    const { problem, health } = this.#camera.status();
    if (problem !== null) throw new Error(`camera ${health}: ${problem}`);
    return ((this.#done - before) * 1_000) / (this.#lastDoneMs - startMs);
  }

  async #counted<T>(look: Promise<T>): Promise<T> {
    this.#begun += 1;
    const result = await look;
    this.#done += 1;
    this.#lastDoneMs = performance.now();
    return result;
  }

  async stop(): Promise<void> {
    const stopped = this.#camera.stop();
    this.#gate.resolve();
    await stopped;
  }

  checkAllLooked(): void {
    const { framesSkipped, framesSeen, health } = this.#camera.status();
    if (health !== "ok") throw new Error(`the camera is ${health}`);
    if (framesSkipped > framesSeen * 0.02) throw new Error(`${framesSkipped} of ${framesSeen} frames were skipped`);
  }
}

/** The loop anybody would write: a ready input, the session, nothing else. */
export async function openBare(pictures: readonly Uint8Array[], threads: number) {
  const { manifest, modelPath } = await readManifest(defaultModelFolder);
  const { InferenceSession, Tensor } = await import("onnxruntime-node");
  const session = await InferenceSession.create(modelPath, {
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    extra: { session: { set_denormal_as_zero: "1", intra_op: { allow_spinning: "0" } } },
  });
  const size = { width: manifest.input.width, height: manifest.input.height };
  const inputs = await Promise.all(
    pictures.map(async (picture) => {
      const scaled = sharp(picture).resize({ ...size, fit: "fill" });
      const rgb = await scaled.removeAlpha().raw().toBuffer();
      return new Tensor("uint8", new Uint8Array(rgb), [1, size.height, size.width, 3]);
    }),
  );
  const names = Object.values(manifest.outputs);
  return async (sliceMs: number): Promise<number> => {
    let frames = 0;
    const startMs = performance.now();
    while (performance.now() - startMs < sliceMs) {
      const input = inputs[frames % inputs.length];
      if (input === undefined) throw new Error("no picture");
      await session.run({ [manifest.input.name]: input }, names);
      frames += 1;
    }
    return (frames * 1_000) / (performance.now() - startMs);
  };
}

/** Both sides take turns; on every second round the other one begins. */
export async function measurePipeline(
  camera: GatedCamera,
  bare: (sliceMs: number) => Promise<number>,
  rounds: number,
  sliceMs: number,
  show: (line: string) => void,
): Promise<PipelineFigures> {
  await camera.start();
  await bare(sliceMs);
  const ours: number[] = [];
  const reference: number[] = [];
  for (let n = 0; n < rounds; n += 1) {
    if (n % 2 === 0) reference.push(await bare(sliceMs));
    ours.push(await camera.slice(sliceMs));
    if (n % 2 === 1) reference.push(await bare(sliceMs));
    show(`round ${n + 1}: pipeline ${ours[n]?.toFixed(1)} frames/s, bare ${reference[n]?.toFixed(1)} frames/s`);
  }
  camera.checkAllLooked();
  await camera.stop();
  const ratios = ours.map((value, n) => value / (reference[n] ?? Number.NaN)).toSorted((a, b) => a - b);
  const at = (share: number): number => ratios[Math.floor(share * ratios.length)] ?? Number.NaN;
  return { ours: median(ours), reference: median(reference), ratio: median(ratios), spread: [at(0.25), at(0.75)] };
}

export function median(list: readonly number[]): number {
  return list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)] ?? Number.NaN;
}
