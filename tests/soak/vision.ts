/**
 * Camera-days faster than real time through the production camera stage, over scenes in which nothing happens: every finding
 * is a false one. Counts them per camera, rule and day, and says what that proves.
 *
 *   npm run -s soak:vision [-- --days 3] [--every 10] [--film ../shared/vision/video/vtest.avi] [--state FILE] [--json]
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
  /** By rule, or "health: state". */
  falseFindings: Record<string, number>;
}

const stateFile = values.state;
const folder =
  stateFile === undefined ? await mkdtemp(join(tmpdir(), "frostlight-soak-")) : dirname(resolve(stateFile));
await mkdir(folder, { recursive: true });
const counts: Record<string, Count> = stateFile === undefined ? {} : await readState(stateFile);

async function readState(file: string): Promise<Record<string, Count>> {
  const text = await readFile(file, "utf8").catch(() => "{}");
  return JSON.parse(text) as Record<string, Count>; // written below
}

async function run(scene: Scene, models: ModelPool, show: (hours: number) => void): Promise<void> {
  const count = (counts[scene.name] ??= { hours: 0, frames: 0, looks: 0, falseFindings: {} });
  const startHour = count.hours;
  const clock = new FakeClock(beginMs + startHour * hourMs);
  const before = { frames: count.frames, looks: count.looks };
  const note = (what: string): void => {
    count.falseFindings[what] = (count.falseFindings[what] ?? 0) + 1;
    process.stderr.write(`${scene.name}, hour ${count.hours}: ${what}\n`);
  };
  const output: CameraOutput = {
    finding: (finding: Finding) => {
      note(finding.ruleId);
      return Promise.resolve();
    },
    health: ({ state }: HealthEvent) => {
      if (state !== "starting" && state !== "ok") note(`health: ${state}`);
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
  const candidates = [await kitchen(everySeconds), await street(values.film, everySeconds)];
  const scenes = candidates.filter((scene) => scene !== null);
  if (scenes.length < candidates.length) process.stderr.write(`without ${values.film}, or ffmpeg: the kitchen alone\n`);
  const hours = days * 24 * scenes.length;
  const progress = progressLine(process.stderr, systemClock);
  for (const [index, scene] of scenes.entries()) {
    const done = index * days * 24;
    await run(scene, models, (more) => {
      progress(done + more, hours);
    });
  }
  const results = Object.entries(counts).map(([scene, count]) => {
    const cameraDays = count.hours / 24;
    const total = Object.values(count.falseFindings).reduce((sum, n) => sum + n, 0);
    return {
      scene,
      cameraDays,
      frames: count.frames,
      looks: count.looks,
      falseFindings: count.falseFindings,
      perCameraDay: total / cameraDays,
      // 0 events in N days: with 95 % confidence fewer than 3/N a day
      proves: total === 0 ? `< ${(3 / cameraDays).toFixed(2)} a camera and day for each rule` : "see the counts",
    };
  });
  if (!values.json)
    console.table(results.map(({ falseFindings, ...row }) => ({ ...row, false: JSON.stringify(falseFindings) })));
  console.log(JSON.stringify({ name: "soak-vision", days, everySeconds, results }));
} finally {
  await models.stop();
  if (stateFile === undefined) await rm(folder, { recursive: true, force: true });
}
