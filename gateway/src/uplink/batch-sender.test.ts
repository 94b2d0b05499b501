import type { AckResult } from "@frostlight/contract";
import { silentLogger } from "@frostlight/kernel";
import { FakeClock, seededRandom } from "@frostlight/kernel/testing";
import { expect, test } from "vitest";

import type { JournalReader, JournalRelease } from "../core/journal.ts";
import { SequenceSet } from "../core/sequence-set.ts";
import { BatchSender } from "./batch-sender.ts";

/** A journal in memory; the bytes of a batch are its sequence as text. */
class MemoryJournal implements JournalReader, JournalRelease {
  readonly epoch = "0123456789abcdef";
  lastSequence = 0;
  readonly released = new SequenceSet();
  readonly unreadable = new Set<number>();
  /** Batches with an alarm event. */
  readonly alarms = new Set<number>();
  sizeBytes = 10;
  #listeners: ((sequence: number) => void)[] = [];

  commit(count = 1): void {
    for (let n = 0; n < count; n += 1) {
      this.lastSequence += 1;
      for (const listener of this.#listeners) listener(this.lastSequence);
    }
  }

  unreleasedFrom(from: number, limit: number): readonly number[] {
    const found: number[] = [];
    let sequence = this.released.nextMissing(Math.max(1, from));
    for (; sequence <= this.lastSequence && found.length < limit; sequence = this.released.nextMissing(sequence + 1))
      found.push(sequence);
    return found;
  }

  read(sequence: number) {
    if (this.unreadable.has(sequence)) return Promise.reject(new Error("EIO"));
    const sealed = Buffer.alloc(this.sizeBytes, " ");
    sealed.write(String(sequence));
    // SealedBatch.body (field 1) with nothing but an empty alarm event (field 7).
    if (this.alarms.has(sequence))
      return Promise.resolve({ epoch: this.epoch, sequence, sealed: alarmBatch(sequence) });
    return Promise.resolve({ epoch: this.epoch, sequence, sealed });
  }

  onCommit(listener: (sequence: number) => void): () => void {
    this.#listeners.push(listener);
    return () => {
      this.#listeners = this.#listeners.filter((other) => other !== listener);
    };
  }

  release(_epoch: string, sequences: readonly number[]): void {
    for (const sequence of sequences) this.released.add(sequence);
  }
}

function alarmBatch(sequence: number): Uint8Array {
  const number = Buffer.from(String(sequence));
  // The signature (field 2) carries the sequence for the test.
  return Buffer.concat([Buffer.from([0x0a, 0x02, 0x3a, 0x00, 0x12, number.length]), number]);
}

function senderOf(
  options: {
    window?: number;
    windowBytes?: number;
    ackTimeoutMs?: number;
    backfill?: "live-first" | "equal" | "oldest-first";
    rateLimit?: { bytesPerSecond?: number; bytesPerDay?: number };
  } = {},
) {
  const journal = new MemoryJournal();
  const reused: number[] = [];
  const clock = new FakeClock();
  const sender = new BatchSender({
    journal,
    clock,
    random: seededRandom(7),
    logger: silentLogger,
    options: {
      window: 8,
      windowBytes: 1_000_000,
      ackTimeoutMs: 30_000,
      backfill: "live-first",
      rateLimit: {},
      ...options,
    },
    onSequenceReused: (_epoch, sequence) => reused.push(sequence),
  });
  const sent: number[] = [];
  const up = (): void => {
    sender.linkUp((sealed) => sent.push(Number(/\d+/.exec(Buffer.from(sealed).toString())?.[0])));
  };
  const ack = (
    sequences: readonly number[],
    result: AckResult = "stored",
    epoch = journal.epoch,
    reason = "",
  ): void => {
    sender.onAck({ epoch, outcomes: sequences.map((sequence) => ({ sequence, result, reason })) });
  };
  return { journal, clock, sender, sent, up, ack, reused };
}

test("back-fill leaves a quarter of the window free, and a new commit uses it at once", async () => {
  const { journal, clock, sent, up } = senderOf({ window: 8 });
  journal.commit(50);
  up();
  await clock.advance(0);
  expect(sent).toEqual([1, 2, 3, 4, 5, 6]);
  journal.commit();
  await clock.advance(0);
  expect(sent).toEqual([1, 2, 3, 4, 5, 6, 51]);
});

test("the window counts bytes too", async () => {
  const { journal, clock, sent, up, ack } = senderOf({ window: 100, windowBytes: 100_000 });
  journal.sizeBytes = 30_000;
  journal.commit(10);
  up();
  await clock.advance(0);
  expect(sent).toEqual([1, 2, 3]);
  ack([1, 2, 3]);
  await clock.advance(0);
  expect(sent).toEqual([1, 2, 3, 4, 5, 6]);
});

test("everything is sent once when the server stores it, in order", async () => {
  const { journal, clock, sent, up, ack } = senderOf({ window: 4 });
  journal.commit(300);
  up();
  for (let turn = 0; turn < 400 && journal.released.size < 300; turn += 1) {
    await clock.advance(0);
    ack(sent.slice(journal.released.size));
  }
  expect(sent).toEqual(Array.from({ length: 300 }, (_, n) => n + 1));
});

test("without acks only one batch at a time asks whether the server is back, ever more rarely", async () => {
  const { journal, clock, sent, up, ack } = senderOf({ window: 8, ackTimeoutMs: 1_000 });
  journal.commit(20);
  up();
  await clock.advance(0);
  expect(sent.length).toBe(6);
  await clock.advance(10 * 60_000);
  const asked = sent.length - 6;
  expect(asked).toBeGreaterThanOrEqual(8);
  expect(asked).toBeLessThanOrEqual(25);
  ack([1]);
  await clock.advance(0);
  expect(sent.length).toBeGreaterThanOrEqual(6 + asked + 5);
});

test("a late ack still releases and ends the waiting", async () => {
  const { journal, clock, sent, up, ack } = senderOf({ ackTimeoutMs: 1_000 });
  journal.commit(3);
  up();
  await clock.advance(2_500);
  ack([1, 2, 3]);
  const before = sent.length;
  await clock.advance(60_000);
  expect(sent.length).toBe(before);
  expect(journal.released.size).toBe(3);
});

test("retry-later pauses everything and then the same batch goes again", async () => {
  const { journal, clock, sent, up, ack } = senderOf();
  journal.commit(3);
  up();
  await clock.advance(0);
  ack([1, 2, 3], "retry-later");
  await clock.advance(500);
  expect(sent).toEqual([1, 2, 3]);
  await clock.advance(1_000);
  expect(sent).toEqual([1, 2, 3, 1]);
  ack([1]);
  await clock.advance(0);
  expect(sent).toEqual([1, 2, 3, 1, 2, 3]);
});

test("a refused batch is counted and not sent again, not even after a reconnect", async () => {
  const { journal, clock, sender, sent, up, ack } = senderOf();
  journal.commit(2);
  up();
  await clock.advance(0);
  ack([1], "refused");
  ack([2]);
  sender.linkDown();
  up();
  await clock.advance(60_000);
  expect(sent).toEqual([1, 2]);
  expect(sender.status()).toMatchObject({ refusedBatches: 1, unackedBatches: 0, sentBatches: 2 });
  expect(journal.released.has(1)).toBe(false);
});

test("after a reconnect what was in flight waits a moment for acks that are on their way", async () => {
  const { journal, clock, sender, sent, up, ack } = senderOf();
  journal.commit(4);
  up();
  await clock.advance(0);
  sender.linkDown();
  up();
  await clock.advance(100);
  expect(sent).toEqual([1, 2, 3, 4]);
  ack([1, 2]);
  await clock.advance(1_000);
  expect(sent).toEqual([1, 2, 3, 4, 3, 4]);
});

test("an ack of another epoch releases nothing", async () => {
  const { journal, clock, up, ack } = senderOf();
  journal.commit(1);
  up();
  await clock.advance(0);
  ack([1], "stored", "ffffffffffffffff");
  expect(journal.released.size).toBe(0);
});

test("a batch that cannot be read holds up nobody for ever", async () => {
  const { journal, clock, sent, up, ack } = senderOf();
  journal.unreadable.add(1);
  journal.commit(3);
  up();
  await clock.advance(3_000);
  journal.unreadable.clear();
  await clock.advance(60_000);
  ack(sent);
  await clock.advance(0);
  ack(sent);
  expect(journal.released.size).toBe(3);
});

test("the policy says whether new or old batches go first", async () => {
  const orders: Record<string, readonly number[]> = {};
  for (const backfill of ["live-first", "equal", "oldest-first"] as const) {
    const { journal, clock, sent, up, ack } = senderOf({ backfill, window: 4 });
    journal.commit(6);
    up();
    await clock.advance(0);
    journal.commit(3);
    for (let turn = 0; turn < 20; turn += 1) {
      ack([sent[turn] ?? 0]);
      await clock.advance(0);
    }
    orders[backfill] = sent;
  }
  expect(orders).toEqual({
    "live-first": [1, 2, 3, 7, 8, 9, 4, 5, 6],
    equal: [1, 2, 3, 4, 7, 5, 8, 6, 9],
    "oldest-first": [1, 2, 3, 4, 5, 6, 7, 8, 9],
  });
});

test.each(["live-first", "equal", "oldest-first"] as const)(
  "an alarm that was raised while the link was away goes before the rest of the back-fill (%s)",
  async (backfill) => {
    const { journal, clock, sender, sent, up } = senderOf({ backfill, window: 4 });
    sender.start();
    journal.alarms.add(90);
    journal.commit(100);
    await clock.advance(0);
    up();
    await clock.advance(0);
    expect(sent.slice(0, 3)).toEqual([90, 1, 2]);
  },
);

test("a rate limit is kept to, and what is new goes before what is old", async () => {
  const { journal, clock, sent, up, ack } = senderOf({ rateLimit: { bytesPerSecond: 1_000 }, window: 50 });
  journal.sizeBytes = 1_000;
  journal.commit(200);
  up();
  for (let second = 0; second < 100; second += 1) {
    if (second === 50) journal.commit();
    ack(sent);
    await clock.advance(1_000);
  }
  expect(sent.length).toBeGreaterThan(95);
  expect(sent.length).toBeLessThan(120);
  expect(sent.indexOf(201)).toBeLessThan(70);
  expect(new Set(sent).size).toBe(sent.length);
});

test("with the day's budget used up alarms still go, and the rest the next day", async () => {
  const { journal, clock, sender, sent, up, ack } = senderOf({ rateLimit: { bytesPerDay: 10_000 }, window: 50 });
  journal.sizeBytes = 1_000;
  up();
  for (let n = 0; n < 20; n += 1) {
    journal.commit();
    await clock.advance(10);
    ack(sent);
  }
  expect(sent.length).toBe(10);
  expect(sender.status().budgetExhausted).toBe(true);
  journal.alarms.add(21);
  journal.commit();
  await clock.advance(10);
  expect(sent.at(-1)).toBe(21);
  ack(sent);
  await clock.advance(86_400_000);
  expect(sent.slice(11, 18)).toEqual([11, 12, 13, 14, 15, 16, 17]);
});

test("a sequence that the server has with other content is told to the journal", async () => {
  const { journal, clock, up, ack, reused } = senderOf();
  journal.commit(2);
  up();
  await clock.advance(0);
  ack([2], "refused", journal.epoch, "sequence-reused");
  ack([1], "refused", journal.epoch, "chain-broken");
  expect(reused).toEqual([2]);
});
