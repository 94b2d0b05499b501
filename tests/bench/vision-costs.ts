import { spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";

import { fitHead, type LoadedModel, taughtDescriptor } from "@frostlight/edge-models";
import { systemClock } from "@frostlight/kernel";
import { seededRandom } from "@frostlight/kernel/testing";
import sharp from "sharp";

import { decodePicture } from "../../gateway/src/cameras/frames/picture-decoder.ts";
import { median } from "./vision-pipeline.ts";

const cpuMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
};

async function decoded(picture: Uint8Array) {
  const event = await decodePicture(picture, systemClock);
  if (event.kind !== "frame") throw new Error(event.message);
  return event.frame;
}

/** Processor time of a detector pass with a learnt scene memory ÷ without; the two alternate. */
export async function measureAnomaly(pictures: readonly Uint8Array[], model: LoadedModel, rounds: number) {
  const frames = await Promise.all(pictures.map(decoded));
  const learnFrames = 40;
  const people = { maskedLabels: ["person"], maskScore: 0.2, alwaysMask: false };
  const setup = { learnFrames, capacity: 1_200, margin: 1.1, label: "1", ...people };
  await model.openScene("bench", setup, null);
  const look = async (n: number, scene?: string) => {
    const frame = frames[n % frames.length];
    if (frame === undefined) throw new Error("no picture");
    return model.detect(frame, scene === undefined ? {} : { scene });
  };
  for (let n = 0, ready = false; !ready; n += 1) {
    ready = (await look(n, "bench")).scene?.phase === "ready";
    if (n > 10 * learnFrames) throw new Error("the scene is not learnt");
  }
  const [plain, judged]: [number[], number[]] = [[], []];
  for (let n = 0; n < rounds; n += 1) {
    const startMs = cpuMs();
    await look(n);
    const betweenMs = cpuMs();
    await look(n, "bench");
    plain.push(betweenMs - startMs);
    judged.push(cpuMs() - betweenMs);
  }
  await model.closeScene("bench");
  return { plainCpuMs: median(plain), withSceneCpuMs: median(judged), ratio: median(judged) / median(plain) };
}

/** Fitting a head on 100 marked crops of two classes, cross-validation included: processor time. */
export async function measureTeaching(pictures: readonly Uint8Array[], model: LoadedModel) {
  const [picture] = pictures;
  if (picture === undefined) throw new Error("no picture");
  const region = { left: 0.2, top: 0.2, right: 0.6, bottom: 0.8 };
  const [descriptor] = await model.describe(await decoded(picture), [region], taughtDescriptor);
  if (descriptor === undefined) throw new Error("no descriptor");
  const random = seededRandom(5);
  const examples = Array.from({ length: 100 }, (_, n) => {
    const moved = descriptor.map((value) => value + (random.next() - 0.5) * 2 + (n % 2) * 0.1);
    return { descriptor: moved, label: n % 2 === 0 ? "no" : "yes" };
  });
  const times = Array.from({ length: 7 }, () => {
    const startMs = cpuMs();
    fitHead({
      id: "bench",
      version: "1",
      task: "bench",
      classes: ["no", "yes"],
      modelSha256: model.sha256,
      descriptor: taughtDescriptor,
      examples,
      minRegionPixels: 20,
    });
    return cpuMs() - startMs;
  });
  return { crops: examples.length, numbers: descriptor.length, cpuMs: median(times) };
}

/** Processor time of a frame from a 1080p picture: JPEG by sharp as the gateway does, MJPEG and H.264 by ffmpeg to raw. */
export async function measureDecoding(pictures: readonly Uint8Array[], folder: string) {
  const large = await Promise.all(
    pictures.map((picture) => sharp(picture).resize(1_920, 1_080).jpeg({ quality: 85 }).toBuffer()),
  );
  for (const jpeg of large) await decoded(jpeg);
  const startMs = cpuMs();
  for (let round = 0; round < 3; round += 1) for (const jpeg of large) await decoded(jpeg);
  const sharpCpuMs = (cpuMs() - startMs) / (3 * large.length);
  for (const [n, jpeg] of large.entries()) await writeFile(join(folder, `${String(n).padStart(3, "0")}.jpg`), jpeg);
  const list = ["-i", join(folder, "%03d.jpg")];
  const encode = (codec: readonly string[], file: string) => ffmpeg([...list, ...codec, "-y", join(folder, file)]);
  await encode(["-c:v", "copy"], "film.avi");
  await encode(["-c:v", "libx264", "-preset", "veryfast", "-g", "10", "-pix_fmt", "yuv420p"], "film.mp4");
  const raw = async (input: readonly string[]): Promise<number> => {
    const outputs = ["-vf", "scale=640:360", "-pix_fmt", "rgb24", "-f", "rawvideo", "/dev/null"];
    const loops = 5;
    const all = await ffmpeg(["-stream_loop", String(loops - 1), ...input, ...outputs, "-y"]);
    const start = await ffmpeg([...input, "-frames:v", "1", ...outputs, "-y"]);
    return Math.max(0, all - start) / (loops * large.length - 1);
  };
  return {
    picture: "1920x1080 to 640x360",
    jpegBySharpCpuMs: sharpCpuMs,
    jpegByFfmpegCpuMs: await raw(["-i", join(folder, "film.avi")]),
    h264ByFfmpegCpuMs: await raw(["-i", join(folder, "film.mp4")]),
  };
}

/** Runs ffmpeg to its end; its processor time by its own `-benchmark`, milliseconds. */
function ffmpeg(given: readonly string[]): Promise<number> {
  const child = spawn("ffmpeg", ["-hide_banner", "-nostdin", "-benchmark", "-threads", "1", ...given]);
  let words = "";
  child.stderr.on("data", (chunk: Buffer) => (words += chunk.toString()));
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => {
      const [, user, system] = /utime=([\d.]+)s stime=([\d.]+)s/.exec(words) ?? [];
      if (code === 0) resolve((Number(user) + Number(system)) * 1_000);
      else reject(new Error(words.slice(-300)));
    });
  });
}
