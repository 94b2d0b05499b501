import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, expect, test } from "vitest";

import type { EvidenceStore } from "../../core/evidence.ts";
import { openEvidenceStore } from "./evidence-store.ts";

const picture = Buffer.from("a picture, for once");
const hash = createHash("sha256").update(picture).digest("hex");
const rules = { limitBytes: 1_000, acceptable: () => true };
let folder = "";
let store: EvidenceStore;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "frostlight-evidence-"));
  store = await openEvidenceStore({ folder });
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

async function* chunksOf(content: Uint8Array, size = 3): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < content.length; at += size) yield content.subarray(at, at + size);
}

async function leftovers(): Promise<readonly string[]> {
  return readdir(join(folder, "incoming"));
}

test("a file is stored under its hash, found again after reopening, and known the second time", async () => {
  expect(await store.put(hash, chunksOf(picture), rules)).toEqual({ kind: "stored", sizeBytes: picture.length });
  store = await openEvidenceStore({ folder });
  expect(Buffer.from((await store.read(hash)) ?? []).equals(picture)).toBe(true);
  expect(await store.put(hash, chunksOf(picture), rules)).toEqual({ kind: "known", sizeBytes: picture.length });
  expect(await leftovers()).toEqual([]);
});

test("content with another hash leaves nothing behind, even when the claimed file is there", async () => {
  await store.put(hash, chunksOf(picture), rules);
  const claimed = await store.put(hash, chunksOf(Buffer.from("something else")), rules);
  expect(claimed).toEqual({ kind: "refused", reason: "hash-mismatch" });
  expect(await leftovers()).toEqual([]);
});

test("a file over the limit is refused while it comes in", async () => {
  let taken = 0;
  const endless = (async function* endlessly(): AsyncGenerator<Uint8Array> {
    for (;;) {
      taken += 1;
      yield new Uint8Array(100);
    }
  })();
  expect(await store.put(hash, endless, rules)).toEqual({ kind: "refused", reason: "too-large" });
  expect(taken).toBe(11);
  expect(await leftovers()).toEqual([]);
});

test("the first bytes decide whether a file is acceptable, however the chunks fall", async () => {
  const seen: string[] = [];
  const acceptable = (head: Uint8Array): boolean => {
    seen.push(Buffer.from(head).toString());
    return false;
  };
  const put = await store.put(hash, chunksOf(picture, 1), { ...rules, acceptable });
  expect(put).toEqual({ kind: "refused", reason: "not-acceptable" });
  expect(seen).toEqual(["a picture, for o"]);
});

test("a connection that breaks off leaves nothing behind", async () => {
  const broken = (async function* cutOff(): AsyncGenerator<Uint8Array> {
    yield picture;
    throw new Error("cut off");
  })();
  await expect(store.put(hash, broken, rules)).rejects.toMatchObject({ code: "evidence/unavailable" });
  expect(await store.read(hash)).toBeUndefined();
  expect(await leftovers()).toEqual([]);
});

test("what a crash left half-received is removed at the next start", async () => {
  await writeFile(join(folder, "incoming", "x.part"), "half");
  store = await openEvidenceStore({ folder });
  expect(await leftovers()).toEqual([]);
});

test("a file damaged on disk is an error, not a picture", async () => {
  await mkdir(join(folder, hash.slice(0, 2), hash.slice(2, 4)), { recursive: true });
  await writeFile(join(folder, hash.slice(0, 2), hash.slice(2, 4), hash), "rotten");
  await expect(store.read(hash)).rejects.toMatchObject({ code: "evidence/corrupt" });
});

test("a name that is no hash is never looked for", async () => {
  for (const name of ["../../etc/passwd", "..", hash.toUpperCase(), `${hash}0`, ""]) {
    expect(await store.read(name)).toBeUndefined();
    expect(await store.put(name, chunksOf(picture), rules)).toEqual({ kind: "refused", reason: "hash-mismatch" });
  }
});
