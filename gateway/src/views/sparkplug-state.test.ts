import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { FakeClock } from "@frostlight/kernel/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { openTestJournal, sampleItem } from "../journal/testing/journal-fixture.ts";
import { firstSealedSince } from "./journal-samples.ts";
import { BirthCounter } from "./sparkplug-counter.ts";
import { HostState } from "./sparkplug-host.ts";
import { PositionFile } from "./sparkplug-position.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "frostlight-view-"));
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

describe("the birth and death number", () => {
  it("[tck-id-message-flow-edge-node-birth-publish-will-message-payload-bdSeq] goes on after a restart and from 255 to 0", async () => {
    const file = join(folder, "bdseq.json");
    const first = await BirthCounter.open(file);
    const seen: number[] = [];
    for (let n = 0; n < 200; n += 1) seen.push(await first.next());
    const second = await BirthCounter.open(file);
    for (let n = 0; n < 60; n += 1) seen.push(await second.next());
    expect(seen).toEqual(Array.from({ length: 260 }, (_, n) => n % 256));
  });

  it("is not guessed when its file is damaged; a copy is kept", async () => {
    const file = join(folder, "bdseq.json");
    await writeFile(file, '{"bdSeq":256}');
    await expect(BirthCounter.open(file)).rejects.toThrow("is damaged");
    expect(await readdir(folder)).toContain("bdseq.json.corrupt-1");
  });
});

describe("the position in the journal", () => {
  it("is the newest batch for a new view, and where it was afterwards", async () => {
    const file = join(folder, "position.json");
    const first = new PositionFile(file);
    expect(await first.open("0123456789abcdef", 7)).toBe(7);
    await first.save({ epoch: "0123456789abcdef", sequence: 9 });
    expect(await new PositionFile(file).open("0123456789abcdef", 12)).toBe(9);
  });

  it("is the beginning of another journal, and never beyond the end of this one", async () => {
    const file = join(folder, "position.json");
    await new PositionFile(file).open("0123456789abcdef", 7);
    expect(await new PositionFile(file).open("0123456789abcdef", 5)).toBe(5);
    expect(await new PositionFile(file).open("fedcba9876543210", 5)).toBe(0);
  });
});

describe("the state of a host application", () => {
  const take = (host: HostState, payload: unknown): unknown => host.take(Buffer.from(JSON.stringify(payload)));

  it("tells a goodbye, which has a time of its own, from a will, which has the time of the CONNECT", () => {
    const host = new HostState();
    take(host, { online: true, timestamp: 100 });
    expect(take(host, { online: false, timestamp: 100 })).toEqual({ kind: "offline", clean: false });
    take(host, { online: true, timestamp: 200 });
    expect(take(host, { online: false, timestamp: 300 })).toEqual({ kind: "offline", clean: true });
  });

  it.each([
    ["text", "ONLINE"],
    ["a number as text", { online: true, timestamp: "1" }],
    ["no time", { online: true }],
    ["an object that is too long", { online: true, timestamp: 1, more: "x".repeat(5_000) }],
  ])("does not believe %s", (_, payload) => {
    expect(take(new HostState(), payload)).toEqual({ kind: "invalid" });
  });

  it("does not believe bytes that are no text", () => {
    expect(new HostState().take(Uint8Array.of(0xff, 0xfe))).toEqual({ kind: "invalid" });
    expect(new HostState().take(new Uint8Array())).toEqual({ kind: "invalid" });
  });
});

it("finds where the bounded history begins by the time of sealing", async () => {
  const clock = new FakeClock(1_750_000_000_000);
  const journal = await openTestJournal(join(folder, "journal"), {}, clock);
  for (let n = 0; n < 20; n += 1) {
    const appended = journal.append([sampleItem(n)], true);
    await clock.advance(1_000);
    await appended;
  }
  const last = journal.lastSequence;
  expect(last).toBeGreaterThanOrEqual(20);
  expect(await firstSealedSince(journal, 1, last, 0)).toBe(1);
  expect(await firstSealedSince(journal, 1, last, clock.nowMs() + 1)).toBe(last + 1);
  const tenAgo = await firstSealedSince(journal, 1, last, clock.nowMs() - 10_000);
  expect(tenAgo).toBeGreaterThan(last - 12);
  expect(tenAgo).toBeLessThan(last - 8);
  await journal.close();
});
