import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";

import { isFrostlightError } from "@frostlight/kernel";
import { afterEach, beforeEach, expect, it } from "vitest";

import { batchOf, openStore, sampleOf, startMs } from "./harness.ts";

const air = { siteId: "canteen-1", pointId: "air" };
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "frostlight-sqlite-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** The code and message an unsuccessful call ends with. */
async function failureOf(work: Promise<unknown>): Promise<{ readonly code: string; readonly message: string }> {
  try {
    await work;
  } catch (error) {
    if (isFrostlightError(error)) return { code: error.code, message: error.message };
    throw error;
  }
  return { code: "nothing was thrown", message: "" };
}

it("has every acknowledged sample after the process was killed with SIGKILL, again and again", async () => {
  let acknowledged = 0;
  for (let round = 0; round < 3; round += 1) {
    const child = spawn(process.execPath, [fileURLToPath(new URL("writer-process.ts", import.meta.url)), folder], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let output = "";
    await new Promise<void>((resolve) => {
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        output += text;
        if (output.split("\n").length > 15 + round * 20) child.kill("SIGKILL");
      });
      child.once("exit", () => {
        resolve();
      });
    });
    acknowledged = Math.max(acknowledged, ...output.split("\n").map(Number));
    const store = openStore("sqlite", {}, folder);
    await store.start();
    for (let sequence = 1; sequence <= acknowledged; sequence += 1) {
      const read = await store.read(air, startMs + sequence, startMs + sequence + 1, 100);
      expect(read.map(({ value }) => value)).toEqual(Array.from({ length: 50 }, (_, index) => sequence + index / 100));
    }
    await store.stop();
  }
  expect(acknowledged).toBeGreaterThan(14);
});

it("refuses a database of a newer version and leaves it as it is", async () => {
  const store = openStore("sqlite", {}, folder);
  await store.start();
  await store.write([batchOf([sampleOf()])]);
  await store.stop();
  const database = new DatabaseSync(join(folder, "timeseries.sqlite"));
  database.exec("PRAGMA user_version = 99");
  database.close();
  const failure = await failureOf(openStore("sqlite", {}, folder).start());
  expect(failure.code).toBe("timeseries/schema-newer");
  expect(failure.message).toContain("schema version 99");
});

it("refuses a file that is no database and does not touch it", async () => {
  writeFileSync(join(folder, "timeseries.sqlite"), "this is not a database, but somebody's notes".repeat(100));
  const failure = await failureOf(openStore("sqlite", {}, folder).start());
  expect(failure.code).toBe("timeseries/unavailable");
  expect(failure.message).toContain("not a database");
});

it("makes the folders of its file, and does not start where it cannot", async () => {
  writeFileSync(join(folder, "in-the-way"), "");
  await expect(openStore("sqlite", {}, join(folder, "in-the-way", "data")).start()).rejects.toThrow("in-the-way");
  const store = openStore("sqlite", { file: "deep/below/series.sqlite" }, folder);
  await store.start();
  await store.write([batchOf([sampleOf()])]);
  await store.stop();
  expect(existsSync(join(folder, "deep/below/series.sqlite"))).toBe(true);
});

it("says unavailable while the disk does not take a transaction, keeps what it had, and goes on afterwards", async () => {
  const store = openStore("sqlite", {}, folder);
  await store.start();
  await store.write([batchOf([sampleOf({ value: 1 })])]);
  // A second connection that holds the write lock is a disk that does not take the transaction.
  const other = new DatabaseSync(join(folder, "timeseries.sqlite"));
  other.exec("BEGIN IMMEDIATE");
  const failure = await failureOf(store.write([batchOf([sampleOf({ value: 2 })], { sequence: 2 })]));
  expect(failure.code).toBe("timeseries/unavailable");
  expect(failure.message).toContain("locked");
  other.exec("ROLLBACK");
  other.close();
  await store.write([batchOf([sampleOf({ value: 2 })], { sequence: 2 })]);
  expect((await store.read(air, 0, startMs * 2, 10)).map(({ value }) => value)).toEqual([1, 2]);
  await store.stop();
});

it("refuses what does not fit into its queue instead of growing without end", async () => {
  const store = openStore("sqlite", { queuedSamples: 100 }, folder);
  await store.start();
  const batch = (sequence: number) =>
    batchOf(
      Array.from({ length: 60 }, (_, index) => sampleOf({ timeMs: startMs + index })),
      { sequence },
    );
  const results = await Promise.all([1, 2, 3].map((sequence) => failureOf(store.write([batch(sequence)]))));
  expect(results.map(({ code }) => code)).toEqual([
    "nothing was thrown",
    "timeseries/unavailable",
    "timeseries/unavailable",
  ]);
  expect(await store.count(air)).toBe(60);
  await store.write([batch(2)]);
  expect(await store.count(air)).toBe(120);
  await store.stop();
});

it("takes a million samples and reads them back (figures are printed, not judged)", { timeout: 300_000 }, async () => {
  const points = 200;
  const perBatch = 5_000;
  const batches = 200;
  mkdirSync(folder, { recursive: true });
  const store = openStore("sqlite", {}, folder);
  await store.start();
  const started = performance.now();
  // Twenty calls wait at a time: what a busy ingest does.
  for (let first = 1; first <= batches; first += 20) {
    await Promise.all(
      Array.from({ length: 20 }, (_, at) => {
        const sequence = first + at;
        const samples = Array.from({ length: perBatch }, (_, index) =>
          sampleOf({
            pointId: `point-${index % points}`,
            timeMs: startMs + (sequence * perBatch + index) * 10,
            value: Math.round(Math.sin(sequence * perBatch + index) * 1_000) / 100,
          }),
        );
        return store.write([batchOf(samples, { sequence })]);
      }),
    );
  }
  const writeMs = performance.now() - started;
  const first = { siteId: "canteen-1", pointId: "point-0" };
  expect(await store.count(first)).toBe((batches * perBatch) / points);
  const readStarted = performance.now();
  const buckets = await store.buckets(first, startMs, startMs + 100_000_000, 60_000);
  const bucketsMs = performance.now() - readStarted;
  expect(buckets.reduce((sum, bucket) => sum + bucket.samples, 0)).toBe((batches * perBatch) / points);
  await store.stop();
  process.stdout.write(
    `sqlite: ${Math.round((batches * perBatch * 1_000) / writeMs)} samples/s durable over ${batches * perBatch} samples; ` +
      `${buckets.length} buckets of 5,000 samples in ${bucketsMs.toFixed(0)} ms\n`,
  );
});
