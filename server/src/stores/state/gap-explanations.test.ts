import { expect, test } from "vitest";

import { explainGaps } from "./gap-explanations.ts";

const epoch = "00000000000000aa";
const gap = { fromSequence: 10, toSequence: 20, sinceMs: 1 };
const by = (fromSequence: number, toSequence: number, code: string, of = epoch) => {
  return { epoch: of, fromSequence, toSequence, code };
};
const shown = (...explanations: readonly ReturnType<typeof by>[]) =>
  explainGaps([gap], epoch, explanations).map((part) => [part.fromSequence, part.toSequence, part.explainedBy]);

test("a gap that the gateway accounts for is explained, one it does not is not", () => {
  expect(shown()).toEqual([[10, 20, null]]);
  expect(shown(by(1, 100, "rolled-up"))).toEqual([[10, 20, "rolled-up"]]);
  expect(shown(by(1, 9, "lost"), by(21, 30, "lost"))).toEqual([[10, 20, null]]);
  expect(shown(by(1, 100, "lost", "00000000000000bb"))).toEqual([[10, 20, null]]);
});

test("a gap that is accounted for in part is split", () => {
  expect(shown(by(14, 15, "lost"), by(5, 11, "rolled-up"), by(15, 17, "quarantined"))).toEqual([
    [10, 11, "rolled-up"],
    [12, 13, null],
    [14, 15, "lost"],
    [16, 17, "quarantined"],
    [18, 20, null],
  ]);
});
