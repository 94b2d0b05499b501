import { describe, expect, it } from "vitest";

import { SentLedger, type StoredReading } from "./sent-ledger.ts";

const reading = (value: number, sourceTimeMs: number | null = null) => ({
  value,
  sourceTimeMs,
  sentMs: 1000,
  acknowledgedMs: 1050,
});
const stored = (value: number | null, timeMs = 1020): StoredReading => ({ value, timeMs, receivedMs: timeMs });

describe("comparing what was sent with what is stored", () => {
  it("finds nothing wrong when everything is there once", () => {
    const ledger = new SentLedger();
    ledger.confirm("a", reading(1));
    ledger.confirm("a", reading(2, 999));
    const comparison = ledger.compare(new Map([["a", [stored(1), stored(2, 999), stored(null)]]]));
    expect(comparison).toMatchObject({ sent: 2, stored: 2, lost: 0, duplicates: 0, wrong: [] });
  });

  it("counts a confirmed reading that is not there as lost, also when its point has nothing", () => {
    const ledger = new SentLedger();
    ledger.confirm("a", reading(1));
    ledger.confirm("b", reading(1));
    expect(ledger.compare(new Map([["a", [stored(1)]]]))).toMatchObject({ sent: 2, stored: 1, lost: 1 });
    expect(ledger.missing(new Map([["a", [stored(1)]]]))).toHaveLength(1);
  });

  it("counts each copy beyond the first as a duplicate, of unconfirmed ones too", () => {
    const ledger = new SentLedger();
    ledger.confirm("a", reading(1));
    ledger.leaveOpen("a", 2);
    const copies = [stored(1), stored(1), stored(1), stored(2), stored(2)];
    expect(ledger.compare(new Map([["a", copies]]))).toMatchObject({ stored: 1, duplicates: 3 });
  });

  it("lets an unconfirmed reading be stored or not", () => {
    const ledger = new SentLedger();
    ledger.leaveOpen("a", 1);
    ledger.leaveOpen("a", 2);
    const comparison = ledger.compare(new Map([["a", [stored(1)]]]));
    expect(comparison).toMatchObject({ sent: 0, lost: 0, wrong: [], unconfirmed: 2, unconfirmedStored: 1 });
  });

  it("says which stored values nobody sent", () => {
    expect(new SentLedger().compare(new Map([["a", [stored(7)]]])).wrong).toEqual(["a: 7 was never sent"]);
  });

  it("wants the device's own time, or a receive time between sending and acknowledgement", () => {
    const ledger = new SentLedger();
    ledger.confirm("a", reading(1, 900));
    ledger.confirm("a", reading(2));
    ledger.confirm("a", reading(3));
    const comparison = ledger.compare(new Map([["a", [stored(1, 901), stored(2, 1049), stored(3, 2000)]]]));
    expect(comparison.wrong.map((line) => line.slice(0, 4))).toEqual(["a: 1", "a: 3"]);
  });

  it("refuses to send the same value twice, since values name readings", () => {
    const ledger = new SentLedger();
    ledger.confirm("a", reading(1));
    expect(() => ledger.confirm("a", reading(1))).toThrow("sent before");
  });
});
