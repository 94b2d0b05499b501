import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { deliveryReceipt, receiptSeed } from "./delivery-receipt.ts";
import { RepeatDeliveries } from "./repeat-deliveries.ts";

const delivery = (messageId: number, receipt = 7) => ({ messageId, receipt });
const never = (): boolean => false;
const always = (): boolean => true;

describe("a receipt", () => {
  it("is an integer below 2^48, the same for the same delivery and another for any other", () => {
    const any = fc.record({
      id: fc.string(),
      topic: fc.string(),
      messageId: fc.integer({ min: 1, max: 65_535 }),
      payload: fc.uint8Array({ maxLength: 1_500 }),
    });
    const of = (one: { id: string; topic: string; messageId: number; payload: Uint8Array }): number =>
      deliveryReceipt(receiptSeed(one.id, one.topic), one.messageId, one.payload);
    fc.assert(
      fc.property(any, any, (one, other) => {
        const receipt = of(one);
        expect(Number.isInteger(receipt) && receipt >= 0 && receipt < 2 ** 48).toBe(true);
        expect(of({ ...one, payload: Uint8Array.from(one.payload) })).toBe(receipt);
        const isSame =
          Buffer.from(one.payload).equals(Buffer.from(other.payload)) &&
          one.id === other.id &&
          one.topic === other.topic &&
          one.messageId === other.messageId;
        expect(of(other) === receipt).toBe(isSame);
      }),
    );
  });

  it("does not meet itself among a hundred thousand readings of one sensor", () => {
    const seed = receiptSeed("sensor", "cold/room");
    const receipts = new Set<number>();
    for (let index = 0; index < 100_000; index += 1) {
      receipts.add(deliveryReceipt(seed, (index % 65_535) + 1, Buffer.from((-20 + index / 1_000).toFixed(3))));
    }
    expect(receipts.size).toBe(100_000);
  });
});

describe("repeats of a client", () => {
  it("are asked of the journal until a connection ends on which it sent something new", () => {
    const repeats = new RepeatDeliveries(always);
    expect(repeats.find(1, 7).kind).toBe("recorded");
    repeats.connectionEnded(false);
    expect(repeats.find(2, 8).kind).toBe("recorded");
    repeats.begin(delivery(3, 9), false);
    repeats.recorded(delivery(3, 9), 0);
    repeats.connectionEnded(false);
    expect(repeats.find(4, 10).kind).toBe("new");
  });

  it("that the journal knew stay known when their acknowledgement is lost once more", () => {
    const repeats = new RepeatDeliveries(always);
    expect(repeats.find(1, 7).kind).toBe("recorded");
    repeats.begin(delivery(2, 8), false);
    repeats.recorded(delivery(2, 8), 0);
    repeats.connectionEnded(false);
    expect(repeats.find(1, 7).kind).toBe("recorded");
    expect(repeats.find(5, 9).kind).toBe("new");
  });

  it("are asked of the journal no more after a DISCONNECT", () => {
    const repeats = new RepeatDeliveries(always);
    repeats.connectionEnded(true);
    expect(repeats.find(1, 7).kind).toBe("new");
  });

  it("are known on the same connection and after one that broke off, not after a DISCONNECT", () => {
    const repeats = new RepeatDeliveries(never);
    repeats.recorded(delivery(1), 0);
    expect(repeats.find(1, 7).kind).toBe("recorded");
    expect(repeats.find(1, 8).kind).toBe("new");
    repeats.connectionEnded(false);
    expect(repeats.find(1, 7).kind).toBe("recorded");
    repeats.connectionEnded(true);
    expect(repeats.find(1, 7).kind).toBe("new");
  });

  it("wait for the first while it is being written, and are new when that failed", () => {
    const repeats = new RepeatDeliveries(always);
    const first = delivery(1);
    repeats.begin(first, false);
    expect(repeats.find(1, 7)).toEqual({ kind: "writing", first });
    repeats.failed(first);
    expect(repeats.find(1, 7).kind).toBe("new");
  });

  it("of a silent client are known however long it was silent", () => {
    const repeats = new RepeatDeliveries(never);
    repeats.recorded(delivery(1), 0);
    repeats.recorded(delivery(2), 3_600_000);
    expect(repeats.find(1, 7).kind).toBe("recorded");
    expect(repeats.find(2, 7).kind).toBe("recorded");
  });

  it("of a busy client are known for a minute at least, and forgotten later", () => {
    const repeats = new RepeatDeliveries(never);
    for (let messageId = 1; messageId <= 1_000; messageId += 1) repeats.recorded(delivery(messageId), messageId * 59);
    expect(repeats.find(1, 7).kind).toBe("recorded");
    expect(repeats.find(1_000, 7).kind).toBe("recorded");
    for (let messageId = 2_001; messageId <= 4_000; messageId += 1) repeats.recorded(delivery(messageId), 200_000);
    expect(repeats.find(1, 7).kind).toBe("new");
    expect(repeats.find(2_001, 7).kind).toBe("recorded");
  });

  it("of a flood are known as far as there is room", () => {
    const repeats = new RepeatDeliveries(never);
    for (let messageId = 1; messageId <= 60_000; messageId += 1) repeats.recorded(delivery(messageId), 0);
    expect(repeats.find(60_000, 7).kind).toBe("recorded");
    expect(repeats.find(55_000, 7).kind).toBe("recorded");
    expect(repeats.find(1, 7).kind).toBe("new");
  });
});
