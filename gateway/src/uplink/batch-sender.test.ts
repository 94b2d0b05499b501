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

function senderOf(options: { window?: number; windowBytes?: number; ackTimeoutMs?: number } = {}) {
  const journal = new MemoryJournal();
  const clock = new FakeClock();
  const sender = new BatchSender({
    journal,
    clock,
    random: seededRandom(7),
    logger: silentLogger,
    options: { window: 8, windowBytes: 1_000_000, ackTimeoutMs: 30_000, ...options },
  });
  const sent: number[] = [];
  const up = (): void => {
    sender.linkUp((sealed) => sent.push(Number(Buffer.from(sealed).toString().trim())));
  };
  const ack = (sequences: readonly number[], result: AckResult = "stored", epoch = journal.epoch): void => {
    sender.onAck({ epoch, outcomes: sequences.map((sequence) => ({ sequence, result, reason: "" })) });
  };
  return { journal, clock, sender, sent, up, ack };
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
