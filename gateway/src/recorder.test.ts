import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { AlarmEvent, JournalItem, Sample } from "@frostlight/contract";
import { FrostlightError, judgeAlarmHealth, silentLogger } from "@frostlight/kernel";
import { FakeClock } from "@frostlight/kernel/testing";
import { afterEach, expect, test } from "vitest";

import type { AlarmMemory } from "./alarm-outbox.ts";
import type { AlarmEngine } from "./core/alarm-engine.ts";
import type { JournalReceipts, JournalWriter } from "./core/journal.ts";
import type { Reading } from "./core/reading.ts";
import type { Pipeline, Recording } from "./pipeline/index.ts";
import { Recorder } from "./recorder.ts";

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

/** What lies on the disk when the process dies: the journal's items. It can be full, and it can be slow. */
class DiskJournal implements JournalWriter, JournalReceipts {
  readonly items: JournalItem[] = [];
  full = false;
  invalidEvent: string | undefined;
  /** Called before an append is answered: where a crash may come. */
  beforeAnswer: () => Promise<void> = () => Promise.resolve();

  async append(items: readonly JournalItem[]): Promise<{ epoch: string; sequence: number }> {
    if (this.full) throw new FrostlightError("journal/write-failed", "resource", "no space left");
    if (items.some((item) => item.kind === "alarm" && item.event.eventId === this.invalidEvent)) {
      throw new FrostlightError("journal/item-invalid", "bug", "not valid");
    }
    this.items.push(...items);
    await this.beforeAnswer();
    return { epoch: "0".repeat(16), sequence: this.items.length };
  }

  hasReceipt(receipt: number): boolean {
    return this.items.some((item) => item.kind === "receipt" && item.receipt === receipt);
  }

  alarms(): string[] {
    return this.items.flatMap((item) => (item.kind === "alarm" ? [item.event.eventId] : []));
  }
}

/** Raises one alarm for each value above zero; numbers its events; remembers how many. */
class CountingEngine implements AlarmEngine {
  #raised: number;
  acknowledged = false;
  stale: AlarmEvent[] = [];

  constructor(restored: unknown) {
    this.#raised = typeof restored === "number" ? restored : 0;
  }

  onSamples(samples: readonly Sample[]): AlarmEvent[] {
    return samples.filter(({ value }) => (value ?? 0) > this.#raised).map((sample) => this.#raise(sample.timeMs));
  }

  onHealth(): AlarmEvent[] {
    return [];
  }

  tick(): AlarmEvent[] {
    return this.stale.splice(0);
  }

  act() {
    return { kind: "done" as const, events: [this.#raise(0)] };
  }

  active() {
    return [];
  }

  health() {
    return judgeAlarmHealth([], 0, 1);
  }

  snapshot(): unknown {
    return this.#raised;
  }

  #raise(timeMs: number): AlarmEvent {
    this.#raised += 1;
    return event(`event-${this.#raised}`, timeMs);
  }
}

function event(eventId: string, timeMs = 0): AlarmEvent {
  return {
    eventId,
    alarmId: eventId,
    ruleId: "rule",
    ruleKind: "limit",
    zoneId: "room",
    pointId: "room.air",
    cameraId: null,
    transition: "raised",
    state: "unacknowledged",
    priority: "high",
    timeMs,
    onsetTimeMs: timeMs,
    actor: null,
    commandId: null,
    explanation: { code: "limit-high", parameters: {} },
  };
}

function reading(value: number): Reading {
  return {
    pointId: "room.air",
    value,
    unit: "Cel",
    sourceTimeMs: null,
    receivedMs: 0,
    quality: "good",
    reason: null,
    backfill: false,
  };
}

function sampleOf({ pointId, value, receivedMs }: Reading): Sample {
  const rest = { hasSourceTime: false, backfill: false, timeCorrected: false } as const;
  return { pointId, timeMs: receivedMs, receivedMs, value, raw: value, quality: "good", reason: null, ...rest };
}

/** One life of the gateway on what the life before left on the disk. */
async function live(disk: { readonly memoryFile: string; readonly journal: DiskJournal }, clock = new FakeClock()) {
  let memory: AlarmMemory | undefined;
  try {
    memory = JSON.parse(await readFile(disk.memoryFile, "utf8"));
  } catch {
    memory = undefined;
  }
  const engine = new CountingEngine(memory?.engine);
  const staleSamples: Sample[] = [];
  const pipeline: Pipeline = {
    process: sampleOf,
    checkStaleness: () => staleSamples.splice(0),
    latest: () => undefined,
    recalibrate: () => undefined,
  };
  const undo = (): void => undefined;
  const recording: Recording = {
    take: (samples) => ({ keep: samples, undo }),
    due: () => ({ keep: [], undo }),
    flush: () => ({ keep: [], undo }),
  };
  const recorder = new Recorder({
    pipeline,
    recording,
    engine,
    journal: disk.journal,
    clock,
    logger: silentLogger,
    memoryFile: disk.memoryFile,
    outbox: memory?.outbox ?? [],
  });
  await recorder.start();
  return { recorder, engine, clock, staleSamples };
}

async function newDisk() {
  const folder = await mkdtemp(join(tmpdir(), "frostlight-recorder-"));
  folders.push(folder);
  return { folder, memoryFile: join(folder, "alarms.json"), journal: new DiskJournal() };
}

test("readings and the alarm events they cause are in the journal when submit resolves", async () => {
  const disk = await newDisk();
  const { recorder } = await live(disk);
  await recorder.submit([reading(1)], [77]);
  expect(disk.journal.alarms()).toEqual(["event-1"]);
  expect(disk.journal.items.filter(({ kind }) => kind === "sample")).toHaveLength(1);
  expect(disk.journal.hasReceipt(77)).toBe(true);
});

test("a crash after the memory file and before the journal loses no alarm event and doubles none", async () => {
  const disk = await newDisk();
  const { recorder } = await live(disk);
  disk.journal.full = true;
  await expect(recorder.submit([reading(1)])).rejects.toMatchObject({ code: "journal/write-failed" });
  expect(disk.journal.alarms()).toEqual([]);

  disk.journal.full = false;
  const second = await live(disk);
  expect(disk.journal.alarms()).toEqual(["event-1"]);
  await second.recorder.submit([reading(1)]);
  await live(disk);
  expect(disk.journal.alarms()).toEqual(["event-1"]);
});

test("a crash after the journal and before the memory file is written again doubles no alarm event", async () => {
  const disk = await newDisk();
  const { recorder } = await live(disk);
  const before: string[] = [];
  disk.journal.beforeAnswer = async () => {
    before.push(await readFile(disk.memoryFile, "utf8").catch(() => ""));
  };
  await recorder.submit([reading(1)]);
  const atCrash = before.at(-1) ?? "";
  expect(atCrash).toContain("event-1");
  await writeFile(disk.memoryFile, atCrash);

  await live(disk);
  expect(disk.journal.alarms()).toEqual(["event-1"]);
});

test("with a full disk an alarm event waits in memory and is journaled at a tick when there is space again", async () => {
  const disk = await newDisk();
  const { recorder, clock } = await live(disk);
  disk.journal.full = true;
  await recorder.submit([reading(1)]).catch(() => undefined);
  await clock.advance(1_000);
  expect(disk.journal.alarms()).toEqual([]);
  disk.journal.full = false;
  await clock.advance(1_000);
  await expect.poll(() => disk.journal.alarms()).toEqual(["event-1"]);
});

test("an alarm event is told even when the memory file cannot be written", async () => {
  const disk = await newDisk();
  await mkdir(disk.memoryFile);
  const { recorder } = await live(disk);
  await recorder.submit([reading(1)]);
  expect(disk.journal.alarms()).toEqual(["event-1"]);
});

test("an acknowledgement that is written nowhere is not said to be done", async () => {
  const disk = await newDisk();
  await mkdir(disk.memoryFile);
  const { recorder } = await live(disk);
  disk.journal.full = true;
  const request = { action: { kind: "acknowledge", alarmId: "a", comment: "" }, actor: "p", commandId: null } as const;
  await expect(recorder.act(request)).rejects.toMatchObject({ code: "recorder/not-durable" });
});

test("alarm events of a tick are journaled although the journal refuses the samples of the same tick", async () => {
  const disk = await newDisk();
  const { engine, clock, staleSamples } = await live(disk);
  const append = disk.journal.append.bind(disk.journal);
  disk.journal.append = (items) => {
    if (items.some(({ kind }) => kind === "sample")) {
      return Promise.reject(new FrostlightError("journal/full", "resource", "full"));
    }
    return append(items);
  };
  staleSamples.push(sampleOf(reading(0)));
  engine.stale.push(event("no-data"));
  await clock.advance(1_000);
  await expect.poll(() => disk.journal.alarms()).toEqual(["no-data"]);
});

test("an alarm event the journal cannot take does not hold up the others, and is told as a drop", async () => {
  const disk = await newDisk();
  await writeFile(disk.memoryFile, JSON.stringify({ engine: 3, outbox: ["one", "bad", "two"].map((id) => event(id)) }));
  disk.journal.invalidEvent = "bad";
  await live(disk);
  expect(disk.journal.alarms()).toEqual(["one", "two"]);
  expect(disk.journal.items.filter(({ kind }) => kind === "drop")).toEqual([
    { kind: "drop", drop: expect.objectContaining({ what: "alarm-event-dropped", count: 1, reason: "event-invalid" }) },
  ]);
});

test("more alarm events than may wait drop the oldest, counted in the journal", async () => {
  const disk = await newDisk();
  const { engine, clock, recorder } = await live(disk);
  disk.journal.full = true;
  for (let n = 0; n < 10_020; n += 1) engine.stale.push(event(`e${n}`));
  await clock.advance(1_000);
  disk.journal.full = false;
  await recorder.stop();
  expect(disk.journal.alarms()).toHaveLength(10_000);
  expect(disk.journal.alarms()[0]).toBe("e20");
  expect(disk.journal.items.find(({ kind }) => kind === "drop")).toMatchObject({
    drop: { what: "alarm-event-dropped", count: 20, reason: "outbox-full" },
  });
});

test("goes on counting turns while the disk refuses, so that the watchdog does not end the gateway for it", async () => {
  const disk = await newDisk();
  const { recorder, clock, staleSamples } = await live(disk);
  disk.journal.full = true;
  const before = recorder.progress;
  for (let second = 0; second < 5; second += 1) {
    staleSamples.push(sampleOf(reading(0)));
    await clock.advance(1_000);
  }
  expect(recorder.progress).toBe(before + 5);
});
