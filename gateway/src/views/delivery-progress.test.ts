import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { DeliveryProgress } from "./delivery-progress.ts";

describe("the progress of a connection without acknowledgements", () => {
  it("settles what was written before a ping that was answered, not what was written after it", () => {
    const progress = new DeliveryProgress(10, 0);
    progress.sent(12);
    progress.pinged();
    progress.sent(15);
    progress.ponged(1_000);
    expect(progress.settled).toBe(12);
  });

  it("waits for the overlap, and goes back to the settled position when the connection ends before", () => {
    const progress = new DeliveryProgress(0, 120_000);
    progress.sent(5);
    progress.pinged();
    progress.ponged(1_000);
    progress.settle(120_999);
    expect(progress.settled).toBe(0);
    progress.settle(121_000);
    expect(progress.settled).toBe(5);
    progress.sent(9);
    progress.pinged();
    progress.ponged(122_000);
    progress.ended(false);
    expect(progress.settled).toBe(5);
  });

  it("settles at once what reached a receiver that said goodbye", () => {
    const progress = new DeliveryProgress(0, 120_000);
    progress.sent(5);
    progress.pinged();
    progress.ponged(1_000);
    progress.sent(7);
    progress.ended(true);
    expect(progress.settled).toBe(5);
  });

  it("never settles what was not written before an answered ping, and never goes back", () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant("sent" as const), more: fc.nat({ max: 5 }) }),
      fc.record({ kind: fc.constantFrom("pinged" as const, "ponged" as const, "settle" as const), more: fc.nat(200) }),
      fc.record({ kind: fc.constantFrom("broken" as const, "goodbye" as const), more: fc.constant(0) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.nat({ max: 300 }), (steps, overlapMs) => {
        const progress = new DeliveryProgress(0, overlapMs);
        let nowMs = 0;
        let sent = 0;
        let pinged: number | undefined;
        let answered = 0;
        let settled = 0;
        for (const { kind, more } of steps) {
          nowMs += more;
          if (kind === "sent") progress.sent((sent += more));
          else if (kind === "pinged") {
            pinged ??= sent;
            progress.pinged();
          } else if (kind === "ponged") {
            answered = Math.max(answered, pinged ?? 0);
            pinged = undefined;
            progress.ponged(nowMs);
          } else if (kind === "settle") progress.settle(nowMs);
          else {
            progress.ended(kind === "goodbye");
            pinged = undefined;
            sent = progress.settled;
          }
          expect(progress.settled).toBeLessThanOrEqual(answered);
          expect(progress.settled).toBeGreaterThanOrEqual(settled);
          settled = progress.settled;
        }
      }),
    );
  });
});
