import { describe, expect, it } from "vitest";

import { person, RuleWatch } from "./testing/rule-watch.ts";
import { unusualScene } from "./unusual-scene.ts";

const columns = 4;
/** Strange on the left side only. */
const cells = Float32Array.from({ length: 8 }, (_, cell) => (cell % columns < 2 ? 9 : 0));
const scene = (score: number | null, phase: "learning" | "ready" = "ready") => ({
  scene: { phase, framesLearnt: 100, score, threshold: phase === "ready" ? 5 : null, columns, rows: 2, cells },
});
const half = (left: number) => [
  [left, 0],
  [left + 0.5, 0],
  [left + 0.5, 1],
  [left, 1],
];

async function scores(options: unknown, looks: readonly (number | null)[]): Promise<readonly number[]> {
  const watch = new RuleWatch(unusualScene, options);
  const found: number[] = [];
  for (const [n, score] of looks.entries()) if ((await watch.look([], scene(score))) !== null) found.push(n);
  return found;
}

describe("unusual-scene", () => {
  it("finds the third strange frame in a row, with the heat map", async () => {
    const watch = new RuleWatch(unusualScene, {});
    for (const score of [9, 9, 4, 9, 9]) expect(await watch.look([], scene(score))).toBeNull();
    expect(await watch.look([], scene(8))).toMatchObject({
      score: 8,
      threshold: 5,
      frames: [{ score: 9 }, { score: 9 }, { score: 9 }, { score: 9 }, { score: 8 }],
      heatMap: { columns, rows: 2 },
      explanation: { code: "unusual-scene", parameters: { score: 8, threshold: 5 } },
    });
    expect(await watch.look([], scene(8))).toBeNull();
  });

  it("says nothing while it learns, but wants to see; nor when people hide nearly everything", async () => {
    const watch = new RuleWatch(unusualScene, { k: 1, n: 1 });
    expect(watch.isAttentive).toBe(true);
    expect(await watch.look([], scene(99, "learning"))).toBeNull();
    expect(watch.isAttentive).toBe(true);
    expect(await watch.look([], scene(null))).toBeNull();
    expect(watch.isAttentive).toBe(false);
    expect(await watch.look([], scene(9))).not.toBeNull();
  });

  it("is off while people are about and some time after, unless asked to be on", async () => {
    const watch = new RuleWatch(unusualScene, { unattendedSeconds: 10 });
    for (let n = 0; n < 10; n += 1) expect(await watch.look([person(0.4)], scene(9))).toBeNull();
    const after: number[] = [];
    for (let n = 0; n < 40; n += 1) if ((await watch.look([], scene(9))) !== null) after.push(n);
    expect(after).toEqual([21]);
    const always = new RuleWatch(unusualScene, { whileAttended: true });
    for (let n = 0; n < 2; n += 1) await always.look([person(0.4)], scene(9));
    expect(await always.look([person(0.4)], scene(9))).not.toBeNull();
  });

  it("judges only the part it is asked for, and only what is large enough", async () => {
    expect(await scores({ include: [half(0)] }, [9, 9, 9])).toEqual([2]);
    expect(await scores({ include: [half(0.5)] }, [9, 9, 9])).toEqual([]);
    expect(await scores({ exclude: [half(0)] }, [9, 9, 9])).toEqual([]);
    expect(await scores({ minWidth: 320 }, [9, 9, 9])).toEqual([2]);
    expect(await scores({ minWidth: 321 }, [9, 9, 9])).toEqual([]);
  });

  it("keeps a memory for the day and one for the night by default, learnt anew under another label", () => {
    const wish = (options: unknown) => unusualScene.scene(unusualScene.options.parse(options));
    expect(wish({})).toMatchObject({ dayAndNight: true, label: "1" });
    expect(wish({ label: "after the new shelf" })).toMatchObject({ label: "after the new shelf" });
  });
});
