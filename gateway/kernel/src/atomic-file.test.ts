import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, expect, it } from "vitest";

import { readState, writeFileAtomic } from "./atomic-file.ts";
import { isFrostlightError } from "./errors.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "frostlight-state-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

it("replaces a file whole, leaves no temporary file and sets its mode", async () => {
  const path = join(folder, "deep", "state.json");
  await writeFileAtomic(path, "one");
  await writeFileAtomic(path, "two", 0o600);
  expect(await readFile(path, "utf8")).toBe("two");
  expect(await readdir(join(folder, "deep"))).toEqual(["state.json"]);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
});

it("reads an absent state as undefined", async () => {
  expect(await readState(join(folder, "none.json"), JSON.parse)).toBeUndefined();
});

it("keeps a damaged state aside and never starts empty from it", async () => {
  const path = join(folder, "state.json");
  await writeFile(path, "{ torn");
  for (const name of ["state.json.corrupt-1", "state.json.corrupt-2"]) {
    const error: unknown = await readState(path, JSON.parse).catch((caught: unknown) => caught);
    expect(isFrostlightError(error, "state/corrupt")).toBe(true);
    expect(await readFile(join(folder, name), "utf8")).toBe("{ torn");
  }
});
