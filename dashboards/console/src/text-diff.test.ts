import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { diffLines } from "./text-diff.ts";

describe("comparing texts", () => {
  it("finds nothing between equal texts", () => {
    expect(diffLines("a\nb", "a\nb")).toEqual([]);
    expect(diffLines("", "")).toEqual([]);
  });

  it("shows what was removed and added with three lines around, and says how many are left out", () => {
    const lines = Array.from({ length: 20 }, (_, n) => `line ${n}`);
    const changed = lines.with(10, "another");
    const shown = diffLines(lines.join("\n"), changed.join("\n"));
    expect(shown[0]).toEqual({ kind: "skip", count: 7 });
    expect(shown.at(-1)).toEqual({ kind: "skip", count: 6 });
    expect(shown.filter(({ kind }) => kind !== "same" && kind !== "skip")).toEqual([
      { kind: "removed", text: "line 10" },
      { kind: "added", text: "another" },
    ]);
  });

  it("gives each text back: the old one without what was added, the new one without what was removed", () => {
    const text = fc.array(fc.constantFrom("a", "b", "c", ""), { maxLength: 6 }).map((lines) => lines.join("\n"));
    fc.assert(
      fc.property(text, text, (before, after) => {
        fc.pre(before !== after);
        const lines = diffLines(before, after).filter((line) => line.kind !== "skip");
        const without = (kind: string): string =>
          lines
            .filter((line) => line.kind !== kind)
            .map((line) => line.text)
            .join("\n");
        expect(before).toContain(without("added"));
        expect(after).toContain(without("removed"));
      }),
    );
  });

  it("stays quick on texts that have nothing in common", () => {
    const many = (word: string): string => Array.from({ length: 5_000 }, (_, n) => `${word} ${n}`).join("\n");
    expect(diffLines(many("a"), many("b"))).toHaveLength(10_000);
  });
});
