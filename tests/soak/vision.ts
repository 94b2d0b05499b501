/**
 * Camera-days faster than real time through the production camera stage, over scenes in which nothing happens: every finding
 * is a false one. Counts them per camera, rule and day, and says what that proves.
 *
 *   npm run -s soak:vision [-- --days 3] [--every 10] [--scenes kitchen,street] [--state FILE]
 *       [--film ../shared/vision/video/vtest.avi] [--json]
 *
 * --days   virtual days of each scene (one scene is one camera)
 * --every  virtual seconds from frame to frame while nothing moves; the film's bursts are at 2 a second
 * --state  where the count is kept after every virtual hour, to go on from after an interruption
 *
 * The clock is virtual, the pictures, the networks and the rules are real. The camera sees fewer frames than a real one at 2 a
 * second; how many were looked at is told.
 */
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";

import type { Finding, HealthEvent } from "@frostlight/contract";
import { silentLogger, systemClock, writeFileAtomic } from "@frostlight/kernel";
import { FakeClock, seededRandom } from "@frostlight/kernel/testing";

import { progressLine } from "../../edge-models/src/evaluation/progress.ts";
import { decodePicture } from "../../gateway/src/cameras/frames/picture-decoder.ts";
import { cameraConfig, createCamera, ModelPool } from "../../gateway/src/cameras/index.ts";
import { type CameraOutput, defineFrameSource, type FrameEvent } from "../../gateway/src/core/camera.ts";
import { kitchen, type Scene, street } from "./scenes.ts";

const root = resolve(import.meta.dirname, "../..");
const { values } = parseArgs({
  options: {
    days: { type: "string", default: "3" },
    every: { type: "string", default: "10" },
    scenes: { type: "string", default: "kitchen,street" },
    film: { type: "string", default: join(root, "../shared/vision/video/vtest.avi") },
    state: { type: "string" },
    json: { type: "boolean", default: false },
  },
});
const days = Number(values.days);
const everySeconds = Number(values.every);
const hourMs = 3_600_000;
/** Midnight in the site's time zone. */
const beginMs = Date.UTC(2026, 10, 21, 16);

/** What one scene came to so far. */
interface Count {
  hours: number;
  frames: number;
  looks: number;
  /** By rule, or "health". */
  falseFindings: Record<string, number>;
}

const stateFile = values.state;
const folder =
  stateFile === undefined ? await mkdtemp(join(tmpdir(), "frostlight-soak-")) : dirname(resolve(stateFile));
await mkdir(folder, { recursive: true });
const counts: Record<string, Count> = stateFile === undefined ? {} : await readState(stateFile);

function noCount(): Count {
  return { hours: 0, frames: 0, looks: 0, falseFindings: {} };
}

/** With 95 % confidence fewer than this are to be expected where `found` were counted: 3 for none (Poisson). */
function poissonLimit(found: number): number {
  let [low, high] = [found, found + 5 + 5 * Math.sqrt(found)];
  for (let step = 0; step < 40; step += 1) {
    const mean = (low + high) / 2;
    let term = Math.exp(-mean);
    let atMostFound = term;
    for (let n = 1; n <= found; n += 1) {
      term *= mean / n;
      atMostFound += term;
    }
    if (atMostFound > 0.05) low = mean;
    else high = mean;
  }
  return high;
}

async function readState(file: string): Promise<Record<string, Count>> {
  const text = await readFile(file, "utf8").catch(() => "{}");
  return JSON.parse(text) as Record<string, Count>; // written below
}

async function run(scene: Scene, models: ModelPool, show: (hours: number) => void): Promise<void> {
  const count = (counts[scene.name] ??= noCount());
  const startHour = count.hours;
  const clock = new FakeClock(beginMs + startHour * hourMs);
  const before = { frames: count.frames, looks: count.looks };
  const note = (what: string, state = ""): void => {
    count.falseFindings[what] = (count.falseFindings[what] ?? 0) + 1;
    process.stderr.write(`${scene.name}, hour ${count.hours}: ${what} ${state}\n`);
  };
  const output: CameraOutput = {
    finding: (finding: Finding) => {
      note(finding.ruleId);
      return Promise.resolve();
    },
    health: ({ state }: HealthEvent) => {
      if (state !== "starting" && state !== "ok") note("health", state);
      return Promise.resolve();
    },
    evidence: (data, mediaType, role) =>
      Promise.resolve({ sha256: "0".repeat(64), mediaType, sizeBytes: data.length, role }),
  };
  const finished = Promise.withResolvers<void>();
  const source = defineFrameSource({
    kind: "folder",
    options: cameraConfig.shape.frames,
    example: {},
    async *open(_, context): AsyncGenerator<FrameEvent> {
      while (count.hours < days * 24 && !context.signal.aborted) {
        const sinceMs = clock.nowMs() - beginMs;
        const wait = scene.stepSeconds(Math.floor(sinceMs / hourMs) % 24, Math.floor(sinceMs / 1_000) % 3_600);
        await clock.advance(wait * 1_000);
        yield await decodePicture(await scene.picture(clock.nowMs()), clock);
        const status = camera.status();
        count.frames = before.frames + status.framesSeen;
        count.looks = before.looks + (status.looks ?? 0);
        const hours = Math.floor((clock.nowMs() - beginMs) / hourMs);
        if (hours === count.hours) continue;
        count.hours = hours;
        if (stateFile !== undefined) await writeFileAtomic(resolve(stateFile), JSON.stringify(counts));
        show(hours);
      }
      finished.resolve();
    },
  });
  const cameraFolder = join(folder, scene.name.replaceAll(/\W+/g, "-"));
  await mkdir(cameraFolder, { recursive: true });
  const parsed = cameraConfig.parse({
    id: "soak",
    zone: "soak",
    name: { zh: "长时测试", en: "Soak" },
    frames: { kind: "folder", path: "/unused" },
    rules: scene.rules,
    idleSeconds: Math.max(10, everySeconds),
    health: { offlineSeconds: 600 },
    evidence: { secondsBefore: 0, secondsAfter: 0, publicPicture: false },
  });
  const camera = createCamera({
    config: { ...parsed, frames: { kind: "folder", definition: source, options: {}, own: {} } },
    timeZone: "Asia/Shanghai",
    models,
    output,
    clock,
    random: seededRandom(1),
    logger: silentLogger,
    environment: {},
    stateFolder: cameraFolder,
  });
  await camera.start();
  await finished.promise;
  const { problem } = camera.status();
  await camera.stop();
  if (problem !== null) throw new Error(`${scene.name}: ${problem}`);
}

const models = new ModelPool(new FakeClock(), silentLogger);
try {
  const wanted = new Set(values.scenes.split(","));
  const scenes: Scene[] = wanted.has("kitchen") ? [await kitchen(everySeconds)] : [];
  const filmed = wanted.has("street") ? await street(values.film, everySeconds) : null;
  if (filmed !== null) scenes.push(filmed);
  else if (wanted.has("street")) process.stderr.write(`without ${values.film}, or ffmpeg: no street\n`);
  const hours = days * 24 * scenes.length;
  const progress = progressLine(process.stderr, systemClock);
  for (const [index, scene] of scenes.entries()) {
    const done = index * days * 24;
    await run(scene, models, (more) => {
      progress(done + more, hours);
    });
  }
  const results = scenes.map(({ name: scene, rules }) => {
    const { hours: counted, frames, looks, falseFindings } = counts[scene] ?? noCount();
    const cameraDays = counted / 24;
    const of = [...new Set([...rules.map(({ id }) => id), "health", ...Object.keys(falseFindings)])];
    const byRule = of.map((rule) => {
      const found = falseFindings[rule] ?? 0;
      const perCameraDay = Number((found / cameraDays).toFixed(2));
      return { rule, found, perCameraDay, fewerThanAt95: Number((poissonLimit(found) / cameraDays).toFixed(2)) };
    });
    return { scene, cameraDays, frames, looks, byRule };
  });
  if (!values.json) {
    for (const { byRule, ...scene } of results) {
      console.log(scene);
      console.table(byRule);
    }
  }
  console.log(JSON.stringify({ name: "soak-vision", days, everySeconds, results }));
} finally {
  await models.stop();
  if (stateFile === undefined) await rm(folder, { recursive: true, force: true });
}
