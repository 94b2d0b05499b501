import { describe, expect, it } from "vitest";

import { peopleCount } from "./people-count.ts";
import { person, RuleWatch } from "./testing/rule-watch.ts";

const short = { forSeconds: 10 };

describe("people-count", () => {
  it("finds that nobody is on duty, after the time allowed, and says how many there should be", async () => {
    const watch = new RuleWatch(peopleCount, { ...short, atLeast: 1 });
    const hits = await watch.hits(40, () => []);
    expect(hits).toHaveLength(1);
    expect(hits[0]?.explanation).toEqual({
      code: "too-few-people",
      parameters: { people: 0, limit: 1, heldSeconds: 10 },
    });
    expect(hits[0]).toMatchObject({ score: 1, threshold: 0.8 });
  });

  it("says nothing while somebody is there, even if hidden now and then", async () => {
    const watch = new RuleWatch(peopleCount, { ...short, atLeast: 1 });
    expect(await watch.hits(80, (n) => (n % 4 === 3 ? [person(0.4)] : []))).toEqual([]);
  });

  it("finds a crowd with its boxes, and does not take one person twice", async () => {
    const watch = new RuleWatch(peopleCount, { ...short, atMost: 2 });
    const three = [person(0.1), person(0.4), person(0.7)];
    expect(await watch.hits(40, () => three.slice(1))).toEqual([]);
    const hits = await watch.hits(40, () => three);
    expect(hits).toHaveLength(1);
    expect(hits[0]).toMatchObject({ explanation: { code: "too-many-people", parameters: { people: 3, limit: 2 } } });
    expect(hits[0]?.boxes).toHaveLength(3);
  });

  it("keeps to its hours, and lets a camera that was away begin anew", async () => {
    const day = new RuleWatch(peopleCount, { ...short, atLeast: 1, when: [{ from: "06:00", to: "20:00" }] });
    expect(await day.hits(80, () => [])).toEqual([]);
    const away = new RuleWatch(peopleCount, { ...short, atLeast: 1 });
    expect(await away.hits(10, () => [])).toEqual([]);
    expect(await away.look([], { seconds: 600 })).toBeNull();
    expect(await away.hits(10, () => [])).toEqual([]);
  });

  it("refuses limits that contradict each other, or none", () => {
    expect(peopleCount.options.safeParse({}).success).toBe(false);
    expect(peopleCount.options.safeParse({ atLeast: 3, atMost: 2 }).success).toBe(false);
  });
});
