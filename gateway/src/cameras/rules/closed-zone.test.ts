import { describe, expect, it } from "vitest";

import { closedZone } from "./closed-zone.ts";
import { night, person, RuleWatch } from "./testing/rule-watch.ts";

const right = [
  [0.5, 0.5],
  [1, 0.5],
  [1, 1],
  [0.5, 1],
];
const count = async (options: unknown, boxes = [person(0.4)], startMs = night): Promise<number> =>
  (await new RuleWatch(closedZone, options, undefined, startMs).hits(20, () => boxes)).length;

describe("closed-zone", () => {
  it("finds a person in the third look of five, once, and says what was seen", async () => {
    const watch = new RuleWatch(closedZone, {});
    expect([await watch.look([person(0.4)]), await watch.look([person(0.41)])]).toEqual([null, null]);
    const hit = await watch.look([person(0.42, 0.7)]);
    expect(hit).toMatchObject({ severity: "high", score: 0.8, boxes: [{ left: 0.42 }] });
    expect(hit?.explanation).toEqual({
      code: "person-in-closed-zone",
      parameters: { people: 1, heldSeconds: 1, score: 0.8, threshold: 0.4 },
    });
    expect(hit?.frames.map(({ timeMs }) => timeMs - night)).toEqual([500, 1_000, 1_500]);
    expect(await watch.hits(100, () => [person(0.42)])).toEqual([]);
  });

  it("tells the score of each look as it was, also of faint ones that a clear track goes on with", async () => {
    const watch = new RuleWatch(closedZone, {});
    await watch.look([person(0.4, 0.7)]);
    await watch.look([person(0.4, 0.25)]);
    const hit = await watch.look([person(0.4, 0.2)]);
    expect(hit).toMatchObject({ score: 0.7, boxes: [{ score: 0.2 }] });
    expect(hit?.frames.map(({ score }) => score)).toEqual([0.7, 0.25, 0.2]);
  });

  it("does not count looks that see next to nothing", async () => {
    const watch = new RuleWatch(closedZone, {});
    expect(await watch.hits(10, (n) => [person(0.4, n === 0 ? 0.7 : 0.12)])).toEqual([]);
  });

  it("says nothing of what flickers up once", async () => {
    const watch = new RuleWatch(closedZone, {});
    expect(await watch.hits(40, (n) => (n % 5 === 0 ? [person(0.4)] : []))).toEqual([]);
  });

  it("comes again after the re-alarm interval while somebody moves about, not for what stands still", async () => {
    const mover = new RuleWatch(closedZone, { realarmMinutes: 1 });
    expect(await mover.hits(200, (n) => [person(0.2 + 0.01 * (n % 40))])).toHaveLength(2);
    const poster = new RuleWatch(closedZone, { realarmMinutes: 1 });
    expect(await poster.hits(200, () => [person(0.4)])).toHaveLength(1);
    expect(poster.isAttentive).toBe(false);
  });

  it("finds a newcomer beside what stands still", async () => {
    const watch = new RuleWatch(closedZone, { realarmMinutes: 1 });
    await watch.hits(150, () => [person(0.4)]);
    const hits = await watch.hits(10, () => [person(0.4), person(0.7)]);
    expect(hits).toHaveLength(1);
    expect(hits[0]?.boxes).toHaveLength(2);
  });

  it("only counts feet inside the included and outside the excluded parts", async () => {
    expect(await count({ polygon: right }, [person(0.2)])).toBe(0);
    expect(await count({ polygon: right }, [person(0.6)])).toBe(1);
    expect(await count({ include: [right] }, [person(0.6)])).toBe(1);
    expect(await count({ exclude: [right] }, [person(0.6)])).toBe(0);
    expect(await count({ exclude: [right] }, [person(0.2)])).toBe(1);
  });

  it("keeps to its schedule", async () => {
    expect(await count({ closed: [{ from: "06:00", to: "20:00" }] })).toBe(0);
    expect(await count({ closed: [{ from: "20:00", to: "06:00" }] })).toBe(1);
    expect(await count({ when: [{ from: "06:00", to: "20:00" }] })).toBe(0);
  });

  it("leaves out what is too small, too uncertain, or no person", async () => {
    expect(await count({ minHeight: 200 })).toBe(0);
    expect(await count({ minScore: 0.9 })).toBe(0);
    expect(await count({}, [person(0.4, 0.8, "dog")])).toBe(0);
  });
});
