import { describe, expect, it } from "vitest";

import { Tracker } from "../tracks.ts";
import type { CameraRule, RuleEyes, RuleHit, RuleView } from "./camera-rule.ts";
import { closedZone } from "./closed-zone.ts";
import { cameraRuleRegistry } from "./index.ts";
import { unusualScene } from "./unusual-scene.ts";

const context = { timeZone: "Asia/Shanghai", longestGapMs: 30_000 };
const image = { width: 640, height: 360, rgb: new Uint8Array(0) };
const blindEyes: RuleEyes = {
  judge: () => Promise.reject(new Error("not expected here")),
  faces: () => Promise.resolve([]),
};
const nothing = { width: 640, height: 360, image, tracks: [], people: [], blobs: [], scene: null };
/** Sunday 2026-11-22, 23:00 in Shanghai. */
const night = Date.UTC(2026, 10, 22, 15);
const person = (left: number, score = 0.8) => ({
  left,
  right: left + 0.1,
  top: 0.3,
  bottom: 0.8,
  label: "person",
  score,
});

describe.each(cameraRuleRegistry.all.map((definition) => [definition.kind, definition] as const))(
  "%s",
  (_, definition) => {
    it("has an example that its schema takes, refuses unknown keys, and says nothing about an empty view", async () => {
      const options = definition.options.parse(definition.example);
      expect(definition.options.safeParse({ nonsense: 1 }).success).toBe(false);
      const rule = definition.create(options, context);
      expect(await rule.look({ ...nothing, timeMs: night, monotonicMs: 0 }, blindEyes)).toBeNull();
    });
  },
);

/** Feeds boxes at two looks a second; returns the hits by look. */
class Watch {
  readonly #rule: CameraRule;
  readonly #tracker = new Tracker();
  #looks = 0;

  constructor(options: unknown) {
    this.#rule = closedZone.create(closedZone.options.parse(options), context);
  }

  async look(boxes: readonly ReturnType<typeof person>[], seconds = 0.5): Promise<RuleHit | null> {
    this.#looks += seconds * 1_000;
    const timeMs = night + this.#looks;
    const tracks = this.#tracker.update(boxes, timeMs);
    return this.#rule.look({ ...nothing, timeMs, monotonicMs: this.#looks, tracks, people: tracks }, blindEyes);
  }

  async hits(boxes: readonly ReturnType<typeof person>[], looks: number): Promise<number> {
    let hits = 0;
    for (let n = 0; n < looks; n += 1) if ((await this.look(boxes)) !== null) hits += 1;
    return hits;
  }
}

describe("closed-zone", () => {
  it("finds a person in the third look of five, once, and says what was seen", async () => {
    const watch = new Watch({});
    expect([await watch.look([person(0.4)]), await watch.look([person(0.41)])]).toEqual([null, null]);
    const hit = await watch.look([person(0.42)]);
    expect(hit).toMatchObject({ severity: "high", score: 0.8, boxes: [{ left: 0.42 }] });
    expect(hit?.explanation).toEqual({
      code: "person-in-closed-zone",
      parameters: { people: 1, heldSeconds: 1, score: 0.8, threshold: 0.4 },
    });
    expect(await watch.hits([person(0.42)], 100)).toBe(0);
  });

  it("says nothing of what flickers up once", async () => {
    const watch = new Watch({});
    for (let n = 0; n < 20; n += 1) expect(await watch.look(n % 5 === 0 ? [person(0.4)] : [])).toBeNull();
  });

  it("comes again after the re-alarm interval while somebody is still there", async () => {
    const watch = new Watch({ realarmMinutes: 1 });
    expect(await watch.hits([person(0.4)], 115)).toBe(1);
    expect(await watch.hits([person(0.4)], 20)).toBe(1);
  });

  it("only counts feet inside the polygon", async () => {
    const floor = {
      polygon: [
        [0.5, 0.5],
        [1, 0.5],
        [1, 1],
        [0.5, 1],
      ],
    };
    expect(await new Watch(floor).hits([person(0.2)], 20)).toBe(0);
    expect(await new Watch(floor).hits([person(0.6)], 20)).toBe(1);
  });

  it("keeps to its schedule", async () => {
    expect(await new Watch({ closed: [{ from: "06:00", to: "20:00" }] }).hits([person(0.4)], 20)).toBe(0);
    expect(await new Watch({ closed: [{ from: "20:00", to: "06:00" }] }).hits([person(0.4)], 20)).toBe(1);
  });

  it("leaves out what is too small, too uncertain, or no person", async () => {
    expect(await new Watch({ minHeight: 200 }).hits([person(0.4)], 20)).toBe(0);
    expect(await new Watch({ minScore: 0.9 }).hits([person(0.4)], 20)).toBe(0);
    expect(await new Watch({}).hits([{ ...person(0.4), label: "dog" }], 20)).toBe(0);
  });
});

describe("unusual-scene", () => {
  const cells = new Float32Array(8).fill(1);
  const watch = (input: unknown) => {
    const rule = unusualScene.create(unusualScene.options.parse(input), context);
    let looks = 0;
    return async (score: number | null, phase: "learning" | "ready" = "ready") => {
      looks += 1;
      const scene = {
        phase,
        framesLearnt: 100,
        score,
        threshold: phase === "ready" ? 5 : null,
        columns: 4,
        rows: 2,
        cells,
      };
      const times = { timeMs: night + looks * 500, monotonicMs: looks * 500 };
      return rule.look({ ...nothing, ...times, scene } satisfies RuleView, blindEyes);
    };
  };

  it("finds the third strange frame in a row, with the heat map", async () => {
    const look = watch({});
    expect([await look(9), await look(9), await look(4), await look(9), await look(9)]).toEqual([
      null,
      null,
      null,
      null,
      null,
    ]);
    expect(await look(8)).toMatchObject({
      score: 8,
      threshold: 5,
      heatMap: { columns: 4, rows: 2 },
      explanation: { code: "unusual-scene", parameters: { score: 8, threshold: 5, heldSeconds: 1 } },
    });
    expect(await look(8)).toBeNull();
  });

  it("says nothing while it learns, nor when people hide nearly everything", async () => {
    const look = watch({ inARow: 1 });
    expect([await look(99, "learning"), await look(null), (await look(9)) === null]).toEqual([null, null, false]);
  });
});
