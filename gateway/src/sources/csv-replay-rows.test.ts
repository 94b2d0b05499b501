import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { isFrostlightError } from "@frostlight/kernel";
import * as fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";

import { type CsvRow, readRows } from "./csv-replay-rows.ts";

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "frostlight-rows-"));
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function rowsOf(content: string | Uint8Array): Promise<CsvRow[]> {
  const path = join(folder, "rows.csv");
  await writeFile(path, content);
  const rows: CsvRow[] = [];
  for await (const row of readRows(path, { time: "t", values: ["v"], delimiter: "," })) rows.push(row);
  return rows;
}

it("gives every line that is one, with its number and time, whatever lies between", async () => {
  const line = fc.record({
    timeMs: fc.integer({ min: Date.UTC(2001, 0, 1), max: Date.UTC(2099, 0, 1) }),
    value: fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
    rubbish: fc.constantFrom("", "x", "2020-13-01T00:00:00Z,1", '"'),
    hasRubbish: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(line, { maxLength: 30 }), async (lines) => {
      const text = ["t,v"];
      const expected: unknown[] = [];
      for (const { timeMs, value, rubbish, hasRubbish } of lines) {
        if (hasRubbish) text.push(rubbish);
        text.push(`${new Date(timeMs).toISOString()},${value}`);
        expected.push({ kind: "row", line: text.length, timeMs, values: [value] });
      }
      const rows = await rowsOf(text.join("\n"));
      expect(rows.filter(({ kind }) => kind === "row")).toEqual(expected);
    }),
    { numRuns: 100 },
  );
});

it("judges any bytes after the header without a throw", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), async (bytes) => {
      const rows = await rowsOf(Buffer.concat([Buffer.from("t,v\n"), bytes]));
      expect(rows.every(({ line }) => line > 1)).toBe(true);
    }),
    { numRuns: 200 },
  );
});

it("refuses a line of absurd length and an unreadable file", async () => {
  const rows = await rowsOf(`t,v\n${"9".repeat(20_000)},1\n2026-01-01T00:00:00Z,1`);
  expect(rows.map((row) => (row.kind === "row" ? row.values : row.code))).toEqual(["line-too-long", [1]]);
  await expect(Array.fromAsync(readRows(folder, { time: "t", values: ["v"], delimiter: "," }))).rejects.toThrow(
    "EISDIR",
  );
  const missing = Array.fromAsync(readRows(join(folder, "rows.csv"), { time: "t", values: ["w"], delimiter: "," }));
  await expect(missing).rejects.toSatisfy((error) => isFrostlightError(error, "csv/no-column"));
});
