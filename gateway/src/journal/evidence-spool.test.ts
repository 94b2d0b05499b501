import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { sha256Hex } from "@frostlight/contract";
import { silentLogger, systemClock } from "@frostlight/kernel";
import { afterEach, expect, test } from "vitest";

import { openEvidenceSpool } from "./index.ts";
import { TemporaryFolders } from "./testing/journal-fixture.ts";

const folders = new TemporaryFolders();
afterEach(() => folders.removeAll());

const spoolIn = (folder: string, evidenceMaxBytes = 1_048_576) =>
  openEvidenceSpool({ folder, clock: systemClock, logger: silentLogger, options: { evidenceMaxBytes } });
const picture = (n: number, sizeBytes = 100): Buffer => Buffer.alloc(sizeBytes, n);

test("a file is on the disk, by its hash, before put resolves, and still pending after a restart", async () => {
  const folder = await folders.make();
  const spool = await spoolIn(folder);
  const heard: string[] = [];
  spool.onPut((sha256) => heard.push(sha256));
  const reference = await spool.put(picture(1), "image/jpeg", "picture");
  expect(reference).toEqual({
    sha256: sha256Hex(picture(1)),
    mediaType: "image/jpeg",
    sizeBytes: 100,
    role: "picture",
  });
  expect(heard).toEqual([reference.sha256]);
  const again = await spoolIn(folder);
  expect(await again.pending()).toEqual([reference.sha256]);
  expect(await again.read(reference.sha256)).toMatchObject({ mediaType: "image/jpeg", data: picture(1) });
});

test("the same picture put twice, even at once, is one file", async () => {
  const folder = await folders.make();
  const spool = await spoolIn(folder);
  await Promise.all([1, 1, 1].map((n) => spool.put(picture(n), "image/jpeg", "original")));
  expect(spool.pendingCount()).toBe(1);
  expect((await readdir(join(folder, "pending"))).length).toBe(1);
});

test("uploaded files stay readable and are not offered again; refused ones are kept apart", async () => {
  const folder = await folders.make();
  const spool = await spoolIn(folder);
  const first = await spool.put(picture(1), "image/jpeg", "picture");
  const second = await spool.put(picture(2), "image/png", "heat-map");
  const third = await spool.put(picture(3), "image/jpeg", "picture");
  expect(await spool.pending()).toEqual([first.sha256, second.sha256, third.sha256]);
  await spool.markUploaded(first.sha256);
  await spool.setAside(second.sha256, "status 422");
  for (const view of [spool, await spoolIn(folder)]) {
    expect(await view.pending()).toEqual([third.sha256]);
    expect((await view.read(first.sha256))?.data).toEqual(picture(1));
  }
  expect((await readdir(join(folder, "refused"))).length).toBe(1);
});

test("when space runs out uploaded files go first, and waiting ones never", async () => {
  const spool = await spoolIn(await folders.make(), 1_048_576);
  const half = 524_288;
  const uploaded = await spool.put(picture(1, half), "image/jpeg", "picture");
  await spool.markUploaded(uploaded.sha256);
  const waiting = await spool.put(picture(2, half), "image/jpeg", "picture");
  await spool.put(picture(3, half), "image/jpeg", "picture");
  expect(await spool.read(uploaded.sha256)).toBeUndefined();
  expect(await spool.read(waiting.sha256)).toBeDefined();
  await expect(spool.put(picture(4, half), "image/jpeg", "picture")).rejects.toMatchObject({ code: "evidence/full" });
  expect(spool.pendingCount()).toBe(2);
});

test("a file whose bytes changed is never given out and never offered again", async () => {
  const folder = await folders.make();
  const spool = await spoolIn(folder);
  const { sha256 } = await spool.put(picture(1), "image/jpeg", "picture");
  const [name = ""] = await readdir(join(folder, "pending"));
  await writeFile(join(folder, "pending", name), picture(2));
  expect(await spool.read(sha256)).toBeUndefined();
  expect(spool.pendingCount()).toBe(0);
  expect(await readdir(join(folder, "damaged"))).toEqual([name]);
  // The right bytes may come again.
  await spool.put(picture(1), "image/jpeg", "picture");
  expect((await spool.read(sha256))?.data).toEqual(picture(1));
});

test("files too large or without a media type are refused, and strange names in the folder do no harm", async () => {
  const folder = await folders.make();
  const spool = await spoolIn(folder, 64 * 1_048_576);
  const tooLarge = spool.put(Buffer.alloc(16 * 1_048_576 + 1), "image/jpeg", "picture");
  await expect(tooLarge).rejects.toMatchObject({ code: "evidence/too-large" });
  await expect(spool.put(picture(1), "../x", "picture")).rejects.toMatchObject({ code: "evidence/media-type" });
  await writeFile(join(folder, "pending", "notes.txt"), "hello");
  await writeFile(join(folder, "pending", `${"0".repeat(64)}~picture~%zz`), "hello");
  expect((await spoolIn(folder)).pendingCount()).toBe(0);
});
