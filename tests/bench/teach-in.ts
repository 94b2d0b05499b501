import { defaultModelFolder, type LoadedModel, loadModel } from "@frostlight/edge-models";
import sharp from "sharp";

import { cutCrop, decodePicture } from "../../gateway/src/cameras/teaching/crop-picture.ts";
import { CropDescriptors, fitThing } from "../../gateway/src/cameras/teaching/fitting.ts";
import type { StoredExample } from "../../gateway/src/cameras/teaching/teaching-memory.ts";

/**
 * How long a fit takes: the first one, which has to look at every crop, and one whose crops were looked at when they were
 * marked, as the gateway does it. CPU time counts: it is the time on a machine that does nothing else. Crops are drawn, half of them with a hat, under light and noise that differ.
 */
const rounds = 5;
const sizes = [24, 100, 500] as const;

async function drawCrop(index: number): Promise<Uint8Array> {
  const light = 120 + ((index * 53) % 100);
  const x = 60 + ((index * 37) % 40);
  const hat = index % 2 === 0 ? `<path d="M${x - 30} 60c0-60 60-60 60 0z" fill="#fff"/>` : "";
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="160" height="160">
    <rect width="160" height="160" fill="rgb(${light},${light},${light})"/><circle cx="${x}" cy="80" r="32" fill="#c79a7b"/>${hat}</svg>`;
  const image = await decodePicture(await sharp(Buffer.from(svg)).jpeg().toBuffer());
  return (await cutCrop(image, { left: 0, top: 0, right: 1, bottom: 1 })).jpeg;
}

async function measure(model: LoadedModel, count: number) {
  const crops = new Map<string, Uint8Array>();
  const examples: StoredExample[] = [];
  for (let index = 0; index < count; index += 1) {
    const crop = String(index);
    crops.set(crop, await drawCrop(index));
    examples.push({
      crop,
      bytes: 0,
      region: { left: 0, top: 0, right: 1, bottom: 1 },
      answer: index % 2 === 0 ? "yes" : "no",
      cameraId: "bench",
      frameMs: index,
      markedMs: index,
      by: "bench",
      source: "marked",
      findingId: null,
      group: crop,
    });
  }
  const descriptors = new CropDescriptors((crop) => Promise.resolve(crops.get(crop)));
  const time = async () => {
    const startMs = performance.now();
    const before = process.cpuUsage();
    await fitThing({ thing: "hat", version: 1, examples }, model, descriptors);
    const { user, system } = process.cpuUsage(before);
    return { wall: performance.now() - startMs, cpu: (user + system) / 1_000 };
  };
  const first = await time();
  const times: Awaited<ReturnType<typeof time>>[] = [];
  for (let round = 0; round < rounds; round += 1) times.push(await time());
  const median = (of: "wall" | "cpu"): number =>
    Math.round(times.map((one) => one[of]).toSorted((a, b) => a - b)[Math.floor(rounds / 2)] ?? 0);
  return { crops: count, firstCpuMs: Math.round(first.cpu), fitCpuMs: median("cpu"), fitWallMs: median("wall") };
}

const model = await loadModel(defaultModelFolder);
const results: Awaited<ReturnType<typeof measure>>[] = [];
for (const count of sizes) {
  const result = await measure(model, count);
  results.push(result);
}
await model.close();
const hundred = results.find(({ crops }) => crops === 100);
const passed = (hundred?.fitCpuMs ?? Infinity) <= 200;
if (!process.argv.includes("--json")) {
  console.table(results);
  console.log(`fit of 100 crops within 200 ms: ${passed ? "yes" : "no"}`);
}
console.log(JSON.stringify({ bench: "teach-in", model: model.id, results, passed }));
if (!passed) process.exitCode = 1;
