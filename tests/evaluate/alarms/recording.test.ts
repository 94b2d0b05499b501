import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, expect, test } from "vitest";

import { engineAlarms } from "./engine.ts";
import { readRecordings } from "./recording.ts";

let folder = "";

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "frostlight-evaluate-"));
  await put("points.csv", 'name,evaluate,low_celsius,high_celsius,note\nroom,yes,,-18,"one, two"\nother,no,,,\n');
  await put("room.csv", "timestamp_utc,celsius\n2026-01-01T00:00:00Z,-20.5\n2026-01-01T00:01:00Z,-17\n");
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const put = (name: string, text: string): Promise<void> => writeFile(join(folder, name), text);

test("reads the points to evaluate, their readings and labels", async () => {
  await put(
    "room.events.csv",
    'start_utc,end_utc,kind,confidence,peak_celsius,note\n2026-01-01T00:00:00Z,2026-01-01T00:01:00Z,slow_drift,high,,"a, b"\n',
  );
  const {
    recordings: [room],
  } = await readRecordings(folder);
  expect(room).toMatchObject({
    name: "room",
    low: null,
    high: -18,
    events: [{ kind: "slow_drift", class: "temperature" }],
  });
  expect(room?.samples).toEqual([
    { timeMs: Date.UTC(2026, 0, 1), celsius: -20.5, arrivedMs: Date.UTC(2026, 0, 1) },
    { timeMs: Date.UTC(2026, 0, 1, 0, 1), celsius: -17, arrivedMs: Date.UTC(2026, 0, 1, 0, 1) },
  ]);
});

test("says file, line, value and what was expected of a reading that is none", async () => {
  await put("room.csv", "timestamp_utc,celsius\n2026-01-01T00:00:00Z,-20\n2026-01-01T00:01:00Z,###\n");
  const { recordings, refused } = await readRecordings(folder);
  expect(recordings).toEqual([]);
  expect(refused).toEqual([expect.stringMatching(/room\.csv, line 3: celsius is "###", expected a number/)]);
});

test("a labels file may be missing; a missing column may not", async () => {
  await expect(readRecordings(folder)).resolves.toMatchObject({ recordings: [{ events: [] }], refused: [] });
  await put("room.csv", "time,celsius\n");
  const { refused } = await readRecordings(folder);
  expect(refused).toEqual([expect.stringContaining('line 1 has no column "timestamp_utc"')]);
  await put("points.csv", "point,evaluate\n");
  await expect(readRecordings(folder)).rejects.toThrow('line 1 has no column "name"');
});

test("a recording that cannot be read keeps no other from being evaluated", async () => {
  await put("points.csv", "name,evaluate,low_celsius,high_celsius\nmissing,yes,,5\nempty,yes,,5\nroom,yes,,-18\n");
  await put("empty.csv", "timestamp_utc,celsius\n");
  const { recordings, refused } = await readRecordings(folder);
  expect(recordings.map(({ name }) => name)).toEqual(["room"]);
  expect(refused).toEqual([
    expect.stringMatching(/missing\.csv cannot be read/),
    expect.stringMatching(/empty\.csv: no reading/),
  ]);
});

test("takes files as spreadsheets write them: byte order mark, CRLF, a space for the T and no zone, which is UTC", async () => {
  await put("points.csv", "\uFEFFname,evaluate,low_celsius,high_celsius\r\nroom,Yes, , -18\r\n");
  await put(
    "room.csv",
    "\uFEFFtimestamp_utc,celsius\r\n2026-07-01 00:00:00, -20.5\r\n2026-07-01T02:00:00+02:00,-20\r\n",
  );
  const { recordings, refused } = await readRecordings(folder);
  expect(refused).toEqual([]);
  expect(recordings[0]).toMatchObject({ low: null, high: -18 });
  expect(recordings[0]?.samples.map(({ timeMs }) => timeMs)).toEqual([Date.UTC(2026, 6, 1), Date.UTC(2026, 6, 1)]);
});

test("the production engine tells of a room that stays warm, once", async () => {
  const lines = Array.from({ length: 600 }, (_, minute) => {
    const time = new Date(Date.UTC(2026, 0, 1) + minute * 60_000).toISOString();
    return `${time},${minute < 100 ? -22 : -10}`;
  });
  await put("room.csv", `timestamp_utc,celsius\n${lines.join("\n")}\n`);
  const {
    recordings: [room],
  } = await readRecordings(folder);
  const spans = room === undefined ? [] : engineAlarms(room).alarms;
  expect(spans.filter(({ about }) => about === "temperature")).toHaveLength(1);
  expect(spans[0]?.raisedMs).toBeGreaterThan(Date.UTC(2026, 0, 1, 1, 40));
  expect(spans[0]?.raisedMs).toBeLessThanOrEqual(Date.UTC(2026, 0, 1, 2, 40));
});
