import { describe, expect, it } from "vitest";

import { loitering } from "./loitering.ts";
import { person, RuleWatch } from "./testing/rule-watch.ts";

/** Walks to and fro before the door. */
const pacing = (n: number) => [person(0.4 + 0.03 * (n % 5))];

describe("loitering", () => {
  it("finds who stays for longer than allowed", async () => {
    const watch = new RuleWatch(loitering, { forSeconds: 20 });
    expect(await watch.hits(40, pacing)).toEqual([]);
    const hits = await watch.hits(4, pacing);
    expect(hits).toHaveLength(1);
    expect(hits[0]?.explanation).toMatchObject({
      code: "loitering",
      parameters: { people: 1, heldSeconds: 20, limitSeconds: 20 },
    });
  });

  it("leaves alone who only passes, one after the other", async () => {
    const watch = new RuleWatch(loitering, { forSeconds: 20 });
    expect(await watch.hits(200, (n) => (n % 20 < 10 ? [person(0.1 * (n % 10))] : []))).toEqual([]);
  });

  it("lets the network sleep while somebody sits still, and tells all the same", async () => {
    const watch = new RuleWatch(loitering, { forSeconds: 60 });
    await watch.hits(30, () => [person(0.4)]);
    expect(watch.isAttentive).toBe(false);
    let found = 0;
    for (let n = 0; n < 8; n += 1) if ((await watch.look([person(0.4)], { seconds: 10 })) !== null) found += 1;
    expect(found).toBe(1);
  });
});
