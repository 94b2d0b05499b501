import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { silentLogger } from "@frostlight/kernel";
import { FakeClock } from "@frostlight/kernel/testing";
import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { LearnedFile } from "./learned-file.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "frostlight-learned-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

class Learner {
  learnedRevision = 0;
  asked = 0;
  learned(): unknown {
    this.asked += 1;
    return { version: 1, lesson: this.learnedRevision };
  }
  rooms(): [] {
    return [];
  }
  forgetRoom(): boolean {
    return true;
  }
}

async function opened(): Promise<{ file: LearnedFile; learner: Learner; clock: FakeClock; path: string }> {
  const path = join(folder, "learned.json");
  const clock = new FakeClock();
  const file = await LearnedFile.open(path, clock, silentLogger);
  const learner = new Learner();
  file.connect(learner);
  await file.start();
  return { file, learner, clock, path };
}

it("writes nothing while nothing is learned, once after a lesson, and once in six hours anyway", async () => {
  const { file, learner, clock, path } = await opened();
  await clock.advance(60 * 60_000);
  expect(learner.asked).toBe(0);
  learner.learnedRevision = 1;
  await clock.advance(30 * 60_000);
  expect(learner.asked).toBe(1);
  await vi.waitFor(async () => {
    expect(JSON.parse(await readFile(path, "utf8"))).toEqual({ version: 1, lesson: 1 });
  });
  await clock.advance(7 * 60 * 60_000);
  expect(learner.asked).toBe(2);
  await file.stop();
});

it("writes at the stop, and reads that at the next start", async () => {
  const { file, path } = await opened();
  await file.stop();
  const next = await LearnedFile.open(path, new FakeClock(), silentLogger);
  expect(next.kept).toEqual({ version: 1, lesson: 0 });
});

it("starts with nothing learned from a file that cannot be read", async () => {
  await writeFile(join(folder, "learned.json"), "{ torn");
  const { file } = await opened();
  expect(file.kept).toBeUndefined();
  await file.stop();
});
