import { describe, expect, it } from "vitest";

import { Curve, type CurveState } from "./curve.ts";

const minute = 60_000;

/** A freezer of about −20 °C whose compressor swings ±1 K in half an hour, minute by minute. */
class Freezer {
  curve = new Curve();
  minutes = 0;
  readonly seen: CurveState["kind"][] = [];

  see(celsius: number): CurveState["kind"] {
    this.minutes += 1;
    const ms = this.minutes * minute;
    this.curve.add(celsius, ms, ms);
    const { kind } = this.curve.state(ms);
    this.seen.push(kind);
    return kind;
  }

  rest(minutes: number): void {
    for (let n = 0; n < minutes; n += 1) this.see(-20 + Math.sin((this.minutes * Math.PI * 2) / 29));
  }

  /** As recorded: 57 minutes up, then back in about 40, `stretch` times slower. */
  defrost(height = 20, stretch = 1): void {
    for (let n = 0; n < 57; n += 1) this.see(-20 + (height * n) / 57);
    for (let n = 0; n < 60 * stretch; n += 1) this.see(-20.5 + (height + 0.5) * Math.exp(-n / (15 * stretch)));
  }

  learn(): this {
    this.rest(600);
    for (const hours of [38, 42, 25]) {
      this.defrost(18 + hours / 20);
      this.rest(hours * 60 - 120);
    }
    this.seen.length = 0;
    return this;
  }
}

describe("defrosts", () => {
  it("are learned from their shape after three, at no fixed hour, and seen in the next one", () => {
    const freezer = new Freezer();
    freezer.rest(600);
    freezer.defrost();
    freezer.rest(2_300);
    freezer.defrost();
    expect(freezer.curve.describe()).toBeNull();
    freezer.rest(1_400);
    freezer.defrost();
    expect(freezer.curve.describe()).toMatchObject({ seen: 3 });
    freezer.rest(2_000);
    freezer.seen.length = 0;
    freezer.defrost();
    const order = freezer.seen.filter((kind, index) => kind !== freezer.seen[index - 1]);
    expect(order).toEqual(["calm", "rising", "defrosting", "recovering", "calm"]);
  });

  it("excuse nothing when the recovery is slower than it ever was", () => {
    const freezer = new Freezer().learn();
    freezer.defrost(20, 3);
    expect(freezer.seen).toContain("slow");
  });

  it("excuse nothing that goes higher than they ever did", () => {
    const freezer = new Freezer().learn();
    freezer.defrost(34);
    expect(freezer.seen.slice(-90)).not.toContain("recovering");
  });

  it("are not what a compressor that stays off looks like", () => {
    const freezer = new Freezer().learn();
    for (let n = 0; n < 180; n += 1) freezer.see(-20 + n * 0.06);
    expect(freezer.seen).not.toContain("defrosting");
  });

  it("are not seen in the swings of the compressor", () => {
    const freezer = new Freezer().learn();
    freezer.rest(1_440);
    expect(new Set(freezer.seen)).toEqual(new Set(["calm"]));
  });

  it("need a day's pace of readings: what comes every 15 minutes teaches nothing of ten-minute rises", () => {
    const curve = new Curve();
    let ms = 0;
    for (let n = 0; n < 400; n += 1) {
      ms += 15 * minute;
      curve.add(n % 40 === 39 ? -17 : -20, ms, ms);
    }
    expect(curve.describe()).toBeNull();
  });
});

it("takes a rise of kelvins within a minute for a door, and its end for a closed one", () => {
  const freezer = new Freezer().learn();
  expect(freezer.see(-14)).toBe("door");
  expect(freezer.see(-12)).toBe("door");
  expect(freezer.see(-15)).not.toBe("door");
});

it("takes no step within the noise for a door, however fast it came", () => {
  const curve = new Curve();
  let doors = 0;
  for (let second = 1; second < 40_000; second += 1) {
    curve.add(-20 + (second % 2) * 0.4, second * 1_000, second * 1_000);
    if (curve.state(second * 1_000).kind === "door") doors += 1;
  }
  expect(doors).toBe(0);
});

it("keeps what it learned over a restart, and forgets it on request", () => {
  const { curve } = new Freezer().learn();
  const kept: unknown = JSON.parse(JSON.stringify(curve.snapshot()));
  const after = new Curve();
  after.restore(kept);
  expect(after.describe()).toEqual(curve.describe());
  after.reset();
  expect(after.describe()).toBeNull();
});

it("starts afresh from a state it cannot read", () => {
  const curve = new Curve();
  curve.restore({ level: "cold" });
  expect(curve.snapshot()).toBeUndefined();
});

it("keeps a bounded number of rises", () => {
  const freezer = new Freezer();
  freezer.rest(600);
  for (let n = 0; n < 40; n += 1) {
    freezer.defrost();
    freezer.rest(200);
  }
  expect(freezer.curve.snapshot()?.rises).toHaveLength(24);
});
