/**
 * Films of the night through the production camera stage (health, motion, scheduler, detector, rule `rodent`): how many of the
 * animals become a finding, and how much else does.
 *
 *   python edge-models/training/night_films.py --data ../shared/vision --out FOLDER/test --part test
 *   npm run -s rodent:evaluate -- --films FOLDER/test [--head FILE] [--every N] [--json]
 *
 * --head   another head than the shipped one, as `train_heads.py --part train` fits it, which has seen none of these animals
 * --every  only every Nth film
 *
 * The clock is virtual, two frames a second; the rest is real. The quiet frames before an event are shown three times over, so
 * that the camera knows its scene.
 */
import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";

import type { Finding } from "@frostlight/contract";
import { loadHead } from "@frostlight/edge-models";
import { silentLogger, systemClock } from "@frostlight/kernel";
import { FakeClock, seededRandom } from "@frostlight/kernel/testing";

import { progressLine } from "../../../edge-models/src/evaluation/progress.ts";
import { decodePicture } from "../../../gateway/src/cameras/frames/picture-decoder.ts";
import { cameraConfig, createCamera, ModelPool } from "../../../gateway/src/cameras/index.ts";
import type { CameraModels } from "../../../gateway/src/cameras/model-pool.ts";
import { type CameraOutput, defineFrameSource, type FrameEvent } from "../../../gateway/src/core/camera.ts";
import { type Film, readFilms } from "./films.ts";

const { values } = parseArgs({
  options: {
    films: { type: "string" },
    head: { type: "string" },
    every: { type: "string", default: "1" },
    json: { type: "boolean", default: false },
  },
});
/** 23:00 in the site's time zone. */
const beginMs = Date.UTC(2026, 10, 22, 15);
const quietFrames = 7;
/** What a night is taken to bring: one of each kind of thing that moves. */
const disturbancesANight = 10;
const sizes = [10, 20, 40, 96];

interface Outcome {
  readonly film: Film;
  readonly findings: readonly Finding[];
  readonly looks: number;
}

async function watch(film: Film, models: CameraModels, stateFolder: string): Promise<Outcome> {
  const clock = new FakeClock(beginMs);
  const findings: Finding[] = [];
  const output: CameraOutput = {
    finding: (finding) => {
      findings.push(finding);
      return Promise.resolve();
    },
    health: () => Promise.resolve(),
    evidence: (data, mediaType, role) =>
      Promise.resolve({ sha256: "0".repeat(64), mediaType, sizeBytes: data.length, role }),
  };
  const finished = Promise.withResolvers<void>();
  const source = defineFrameSource({
    kind: "folder",
    options: cameraConfig.shape.frames,
    example: {},
    async *open(): AsyncGenerator<FrameEvent> {
      const quiet = film.frames.slice(0, quietFrames);
      // the networks are loaded before anything happens, as at a site
      while (camera.status().rules?.length === 0 && camera.status().problem === null) await nextTurn();
      for (const path of [...quiet, ...quiet, ...quiet, ...film.frames]) {
        await clock.advance(1_000 / film.fps);
        yield await decodePicture(await readFile(path), clock);
      }
      finished.resolve();
    },
  });
  const parsed = cameraConfig.parse({
    id: "night",
    zone: "night",
    name: { zh: "夜间", en: "Night" },
    frames: { kind: "folder", path: "/unused" },
    rules: [{ id: "rodent", kind: "rodent", unattendedSeconds: 5 }],
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
    stateFolder,
  });
  await camera.start();
  await finished.promise;
  const { problem, looks = 0 } = camera.status();
  await camera.stop();
  if (problem !== null) throw new Error(`${film.name}: ${problem}`);
  return { film, findings, looks };
}

function nextTurn(): Promise<void> {
  return new Promise((wake) => {
    systemClock.after(5, wake);
  });
}

/** Whether the finding is about the animal and not about something else in its film. */
function isAtAnimal({ boxes }: Finding, { animal }: Film): boolean {
  return boxes.some((box) =>
    animal.some((is) => is !== null && box.left < is[2] && is[0] < box.right && box.top < is[3] && is[1] < box.bottom),
  );
}

function figuresOf(outcomes: readonly Outcome[]) {
  const animals = outcomes.filter(({ film }) => film.kind === "animal");
  const others = outcomes.filter(({ film }) => film.kind !== "animal");
  const recallOf = (some: readonly Outcome[]) => ({
    events: some.length,
    eventRecall: round(
      some.filter(({ film, findings }) => findings.some((finding) => isAtAnimal(finding, film))).length / some.length,
    ),
  });
  const falseOf = (some: readonly Outcome[]): number =>
    some.filter(({ film, findings }) => findings.some((finding) => !isAtAnimal(finding, film))).length;
  const bySize = sizes.slice(1).map((to, at) => {
    const from = sizes[at] ?? 0;
    return {
      pixels: `${from}-${to}`,
      ...recallOf(animals.filter(({ film: { pixels } }) => pixels >= from && pixels < to)),
    };
  });
  const byKind = [...new Set(others.map(({ film }) => film.kind))].map((kind) => {
    const some = others.filter(({ film }) => film.kind === kind);
    return { kind, films: some.length, falseEvents: falseOf(some) };
  });
  const falseEvents = falseOf(outcomes);
  return {
    total: {
      ...recallOf(animals),
      disturbances: others.length,
      falseEvents,
      falseEventsANight: round((falseEvents / others.length) * disturbancesANight),
      looks: outcomes.reduce((sum, { looks }) => sum + looks, 0),
    },
    bySize,
    byKind,
  };
}

function round(value: number): number {
  return Number(value.toFixed(3));
}

async function main(folder: string): Promise<void> {
  const every = Math.max(1, Number(values.every));
  const films = (await readFilms(resolve(folder))).filter((_, index) => index % every === 0);
  const pool = new ModelPool(new FakeClock(), silentLogger);
  const { head: headFile } = values;
  const models: CameraModels = {
    get: (path) => pool.get(path),
    faces: () => pool.faces(),
    head: async (id) => {
      if (headFile === undefined) return pool.head(id);
      const sha256 = createHash("sha256")
        .update(await readFile(headFile))
        .digest("hex");
      return { head: await loadHead(headFile), sha256 };
    },
  };
  const stateRoot = await mkdtemp(join(tmpdir(), "frostlight-rodent-"));
  const progress = progressLine(process.stderr, systemClock);
  try {
    const outcomes: Outcome[] = [];
    for (const [index, film] of films.entries()) {
      outcomes.push(await watch(film, models, await mkdtemp(join(stateRoot, "camera-"))));
      progress(index + 1, films.length);
    }
    const figures = figuresOf(outcomes);
    if (!values.json) {
      console.table(figures.bySize);
      console.table(figures.byKind);
      console.log(figures.total);
      for (const { film, findings } of outcomes) {
        const isFound = findings.some((finding) => isAtAnimal(finding, film));
        if (film.kind === "animal" ? !isFound : findings.length > 0)
          console.log(isFound ? "" : "wrong:", film.name, film.source, film.pixels);
      }
    }
    console.log(JSON.stringify({ task: "rodent-films", films: films.length, figures }));
  } finally {
    await pool.stop();
    await rm(stateRoot, { recursive: true, force: true });
  }
}

if (values.films === undefined) {
  process.stderr.write("usage: rodent:evaluate -- --films FOLDER [--head FILE] [--every N] [--json]\n");
  process.exitCode = 2;
} else {
  await main(values.films);
}
