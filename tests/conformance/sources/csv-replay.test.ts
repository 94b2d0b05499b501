import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import type { Part } from "@frostlight/kernel";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import type { Reading } from "../../../gateway/src/core/reading.ts";
import { csvReplay } from "../../../gateway/src/sources/csv-replay.ts";
import { type RecordingContext, recordingContext, until } from "./harness.ts";

const shared = resolve(import.meta.dirname, "../../../../shared/data/temperatures");
const header = "timestamp_utc,celsius";

let folder: string;
let context: RecordingContext;
let source: Part | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "frostlight-csv-"));
  context = await recordingContext();
});

afterEach(async () => {
  await source?.stop();
  source = undefined;
  await context.remove();
  await rm(folder, { recursive: true, force: true });
});

const write = async (name: string, lines: readonly string[]): Promise<string> => {
  const path = join(folder, name);
  await writeFile(path, `${lines.join("\n")}\n`);
  return path;
};
const open = async (
  options: Readonly<Record<string, unknown>>,
  addresses: Readonly<Record<string, unknown>> = { p: {} },
): Promise<Part> => {
  const points = Object.entries(addresses).map(([pointId, address]) => ({
    pointId,
    unit: "Cel" as const,
    expectedIntervalMs: 60_000,
    address: csvReplay.address.parse(address),
  }));
  source = csvReplay.open(csvReplay.options.parse(options), points, context);
  await source.start();
  return source;
};
const finished = (): Promise<void> => until("it has finished", () => context.lastState?.code === "finished");
const at = (minute: number): string => new Date(Date.UTC(2022, 6, 7, 12, minute)).toISOString();
const minutes = (count: number): string[] => Array.from({ length: count }, (_, minute) => `${at(minute)},${-minute}`);

describe("a recording replayed as fast as possible", { timeout: 30_000 }, () => {
  it("keeps its irregular times, marked as back-fill", async () => {
    const path = await write("a.csv", [header, `${at(0)},-19.3`, `${at(1)},-19.2`, `${at(50)},-18.9`]);
    await open({ path });
    await finished();
    expect(context.readings.map(({ value, sourceTimeMs, backfill }) => [value, sourceTimeMs, backfill])).toEqual([
      [-19.3, Date.parse(at(0)), true],
      [-19.2, Date.parse(at(1)), true],
      [-18.9, Date.parse(at(50)), true],
    ]);
  });

  it("takes other columns, a byte-order mark, quotes, semicolons and several ways to write a time", async () => {
    const path = await write("b.csv", [
      '\uFEFF"when";"note, free";"air";"rh"',
      '2022-07-07 12:00:00;"a;b";-19.5;80',
      '1657195260;"say ""hi""";-19.4;81',
      "1657195320000;c;-19.3;82",
      "2022-07-07T20:03:00+08:00;d;-19.2;83",
    ]);
    const addresses = { air: {}, rh: { column: "rh" } };
    await open({ path, timeColumn: "when", valueColumn: "air", delimiter: ";" }, addresses);
    await finished();
    const of = (pointId: string): Reading[] => context.readings.filter((reading) => reading.pointId === pointId);
    expect(of("air").map(({ sourceTimeMs }) => sourceTimeMs)).toEqual(
      [0, 1, 2, 3].map((minute) => Date.parse(at(minute))),
    );
    expect(of("rh").map(({ value }) => value)).toEqual([80, 81, 82, 83]);
  });

  it("refuses bad lines with their number and goes on", async () => {
    const path = await write("c.csv", [
      header,
      `${at(0)},-19`,
      "yesterday,-19",
      `${at(1)},###`,
      at(2),
      "",
      `${at(3)},-18`,
    ]);
    await open({ path });
    await finished();
    expect(context.readings.map(({ value }) => value)).toEqual([-19, -18]);
    expect(context.refusals.map(({ address, code }) => [address, code])).toEqual([
      ["c.csv:3", "line-bad-time"],
      ["c.csv:5", "line-too-few-columns"],
      ["c.csv:4", "not-a-number"],
    ]);
    expect(context.refusals[2]?.message).toBe('line 4: point p: expected a number, found "###"');
  });

  it("reads the files of a folder for the points that name them", async () => {
    await write("one.csv", [header, `${at(0)},1`]);
    await write("two.csv", [header, `${at(0)},2`]);
    await write("unused.csv", ["nothing,of,ours"]);
    await open({ path: folder }, { a: { file: "one.csv" }, b: { file: "two.csv" } });
    await finished();
    expect(new Set(context.readings.map(({ pointId, value }) => `${pointId} ${value}`))).toEqual(
      new Set(["a 1", "b 2"]),
    );
  });

  it.each([
    ["a column that is not there", ["time,celsius", "x"], {}, "no-column"],
    ["a file that is not there", [header], { file: "other.csv" }, "unknown-file"],
  ])("says what is wrong with %s", async (_, lines, address, code) => {
    await open({ path: await write("d.csv", lines) }, { p: address });
    await until("it says so", () => context.lastState?.state === "offline");
    expect(context.lastState?.code).toBe(code);
  });

  it("waits for the journal and counts a line only when it is durable", async () => {
    const path = await write("e.csv", [header, ...minutes(1_200)]);
    let refusals = 3;
    context.journal = () => (refusals-- > 0 ? Promise.reject(new Error("full")) : Promise.resolve());
    await open({ path });
    await finished();
    expect(context.states.some(({ code }) => code === "journal-not-writable")).toBe(true);
    expect(context.readings.map(({ value }) => value)).toEqual(
      Array.from({ length: 1_200 }, (_, minute) => 0 - minute),
    );
  });

  it("goes on where it stopped, and gives no line twice when a crash came before the position was written", async () => {
    const path = await write("f.csv", [header, ...minutes(2_000)]);
    const positionFile = async (): Promise<string> => {
      const [name = ""] = await readdir(context.stateFolder);
      return join(context.stateFolder, name);
    };
    let before = "";
    context.journal = async () => {
      if (context.readings.length === 500) before = await readFile(await positionFile(), "utf8");
      if (context.readings.length >= 1_000) await new Promise<never>(() => undefined); // hangs for good
    };
    const first = await open({ path });
    await until("half of it", () => context.readings.length === 1_000);
    // The process dies here. What it wrote last of its position is lost.
    await writeFile(await positionFile(), before);
    source = undefined;
    void first.stop();
    context.journal = () => Promise.resolve();
    const second = await open({ path });
    await finished();
    expect(context.readings.map(({ value }) => value)).toEqual(
      Array.from({ length: 2_000 }, (_, minute) => 0 - minute),
    );
    await second.stop();
    await open({ path });
    await finished();
    expect(context.readings).toHaveLength(2_000);
  });

  it("does not guess when its position is damaged", async () => {
    const path = await write("g.csv", [header, ...minutes(3)]);
    await open({ path });
    await finished();
    await source?.stop();
    const [name = ""] = await readdir(context.stateFolder);
    await writeFile(join(context.stateFolder, name), "{");
    await open({ path });
    await until("it says so", () => context.lastState?.state === "offline" && context.lastState.code !== "stopped");
    expect(context.lastState?.code).toBe("corrupt");
    expect(context.readings).toHaveLength(3);
  });
});

describe("a recording replayed at a speed", { timeout: 30_000 }, () => {
  it("happens now, with the distances of the recording, and is live", async () => {
    const path = await write("h.csv", [header, `${at(0)},1`, `${at(1)},2`, `${at(3)},3`]);
    const startedMs = Date.now();
    await open({ path, speed: 600, times: "now" });
    await finished();
    const times = context.readings.map(({ sourceTimeMs }) => sourceTimeMs ?? 0);
    const [first = 0, second = 0, third = 0] = times;
    expect([second - first, third - second]).toEqual([100, 200]);
    expect(first).toBeGreaterThanOrEqual(startedMs);
    expect(
      context.readings.every(
        ({ backfill, receivedMs, sourceTimeMs }) => !backfill && receivedMs >= (sourceTimeMs ?? 0) - 5,
      ),
    ).toBe(true);
  });

  it("stops at once in the middle of a gap", async () => {
    const path = await write("i.csv", [header, `${at(0)},1`, `${at(59)},2`]);
    const running = await open({ path, speed: 1, times: "now" });
    await until("the first line", () => context.readings.length === 1);
    const stoppingMs = performance.now();
    await running.stop();
    expect(performance.now() - stoppingMs).toBeLessThan(2_000);
    expect(context.readings).toHaveLength(1);
  });

  it("may keep its times, then marked as back-fill", async () => {
    const path = await write("j.csv", [header, `${at(0)},1`, `${at(1)},2`]);
    await open({ path, speed: 6_000 });
    await finished();
    expect(context.readings.map(({ sourceTimeMs, backfill }) => [sourceTimeMs, backfill])).toEqual([
      [Date.parse(at(0)), true],
      [Date.parse(at(1)), true],
    ]);
  });

  it("cannot be as fast as possible and now at once", () => {
    expect(csvReplay.options.safeParse({ path: "x", times: "now" }).success).toBe(false);
  });
});

it.skipIf(!existsSync(shared))("replays a real freezer's recording whole", { timeout: 60_000 }, async () => {
  const name = "sz_deepfreezer_1.csv";
  const text = await readFile(join(shared, name), "utf8");
  const rows = text.trim().split("\n").slice(1);
  await open({ path: shared }, { p: { file: name } });
  await until("it has finished", () => context.lastState?.code === "finished", 50_000);
  expect(context.readings.length + context.refusals.length).toBe(rows.length);
  expect(context.readings[0]).toMatchObject({ value: -9.6, sourceTimeMs: Date.parse("2021-06-24T21:27:30Z") });
});
