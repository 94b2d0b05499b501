import { readFile } from "node:fs/promises";

import { describe, expect, it } from "vitest";

import { cameraRuleRegistry } from "./index.ts";
import { blindEyes, context, night, picture } from "./testing/rule-watch.ts";

const image = { ...picture, rgb: new Uint8Array(0) };
const emptyView = { ...picture, image, tracks: [], people: [], blobs: [], scene: null };

describe.each(cameraRuleRegistry.all.map((definition) => [definition.kind, definition] as const))(
  "%s",
  (_, definition) => {
    const options = definition.options.parse(definition.example);

    it("is described in the README, with what is known about its accuracy", async () => {
      const text = await readFile(new URL("README.md", import.meta.url), "utf8");
      expect(text).toContain(`\n| \`${definition.kind}\` |`);
    });

    it("takes its example and refuses unknown keys", () => {
      expect(definition.options.safeParse({ ...Object(definition.example), nonsense: 1 }).success).toBe(false);
    });

    it("says on what its accuracy was measured", () => {
      expect(definition.accuracy.measured.length).toBeGreaterThan(20);
    });

    it("says nothing about an empty view, and lets the network sleep", async () => {
      const rule = definition.create(options, context);
      for (let n = 0; n < 10; n += 1) {
        expect(await rule.look({ ...emptyView, timeMs: night, monotonicMs: n * 500 }, blindEyes)).toBeNull();
      }
      // a scene that was never judged is still being learnt
      expect(rule.isAttentive([])).toBe(definition.scene(options) !== null);
    });

    it("can be asked to find things in hours, in places, of a size, for a time, so often, with a severity", () => {
      const asked = {
        when: [{ from: "20:00", to: "06:00" }],
        forSeconds: 5,
        k: 2,
        n: 4,
        realarmMinutes: 1,
        severity: "critical",
      };
      const places = { include: [outline], exclude: [outline], minWidth: 20, minHeight: 20 };
      const all = { ...Object(definition.example), ...asked, ...places };
      expect(definition.options.safeParse(all).error?.issues ?? []).toEqual([]);
    });
  },
);

const outline = [
  [0, 0],
  [1, 0],
  [1, 1],
];
