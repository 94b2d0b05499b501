import * as fc from "fast-check";
import { expect, it } from "vitest";

import { makeRule, Stage } from "../testing/stage.ts";

const limit = -18;
const deadband = 1;

/** [first, after the last] of each run of samples for which `holds`; sample n is taken at minute n + 1. */
function runsOf(values: readonly number[], holds: (value: number) => boolean): [startS: number, endS: number][] {
  const runs: [number, number][] = [];
  let start = -1;
  for (let index = 0; index <= values.length; index += 1) {
    const value = values[index];
    const inside = value !== undefined && holds(value);
    if (inside && start < 0) start = index;
    if (!inside && start >= 0) {
      runs.push([(start + 1) * 60, (index + 1) * 60]);
      start = -1;
    }
  }
  return runs;
}

/** What a person with a ruler would mark on the curve: raised after the first run that is long enough, and so on. */
function expected(values: readonly number[], onDelayS: number, offDelayS: number): [string, number][] {
  const breaches = runsOf(values, (value) => value >= limit);
  const backs = runsOf(values, (value) => value <= limit - deadband);
  const marks: [string, number][] = [];
  let fromS = 0;
  for (;;) {
    const breach = breaches.find(([startS, endS]) => startS >= fromS && endS - startS >= onDelayS);
    if (breach === undefined) return marks;
    const raisedS = breach[0] + onDelayS;
    marks.push(["raised", raisedS]);
    const back = backs.find(([startS, endS]) => startS >= raisedS && endS - startS >= offDelayS);
    if (back === undefined) return marks;
    marks.push(["returned", back[0] + offDelayS]);
    fromS = back[0];
  }
}

it("raises and ends exactly when the runs of samples on the curve say so", async () => {
  const value = fc.constantFrom(-21, -19, -18.6, -18.01, -18, -17, -10);
  const delay = fc.constantFrom(0, 1, 59, 60, 61, 180, 300, 599);
  await fc.assert(
    fc.asyncProperty(
      fc.array(value, { minLength: 1, maxLength: 60 }),
      delay,
      delay,
      async (values, onDelayS, offDelayS) => {
        const stages = [{ priority: "warning", value: limit, onDelaySeconds: onDelayS }];
        const stage = new Stage([makeRule("limit", { side: "high", stages, deadband, offDelaySeconds: offDelayS })]);
        const startMs = stage.clock.nowMs();
        for (const one of values) await stage.seeFor(1, one);
        await stage.wait(60);
        const found = stage.events.map((event) => [event.transition, (event.timeMs - startMs) / 1_000]);
        expect(found).toEqual(expected(values, onDelayS, offDelayS));
      },
    ),
    { numRuns: 200 },
  );
});
