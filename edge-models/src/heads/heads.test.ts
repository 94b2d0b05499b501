import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { seededRandom } from "@frostlight/kernel/testing";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { defaultModelFolder } from "../default-model.ts";
import { shippedHead } from "../evaluation/shipped-heads.ts";
import { type LoadedModel, loadModel } from "../load-model.ts";
import { cutSquare, mirrored, poolLayers, squareAround, taughtDescriptor } from "./descriptor.ts";
import { type Example, fitHead } from "./fit-head.ts";
import { assignFolds } from "./folds.ts";
import { judgeRegion, loadHead, parseHead, requireFit } from "./head.ts";

const length = 40;

/** Classes that differ along one direction, among noise; `apart` in standard deviations. */
function examples(labels: readonly string[], each: number, apart: number, seed = 1): Example[] {
  const random = seededRandom(seed);
  return labels.flatMap((label, index) =>
    Array.from({ length: each }, () => {
      const descriptor = Float32Array.from({ length }, () => random.next() + random.next() + random.next() - 1.5);
      descriptor[index] = (descriptor[index] ?? 0) + apart;
      return { descriptor, label };
    }),
  );
}

const request = {
  id: "hat",
  version: "1",
  task: "taught",
  descriptor: taughtDescriptor,
  modelSha256: "a".repeat(64),
  minRegionPixels: 24,
};
const hats = ["bare", "hat"];

describe("fitHead", () => {
  it("tells marks of two classes apart, also those it was not fitted on", () => {
    const { head, crossValidation } = fitHead({ ...request, classes: hats, examples: examples(hats, 40, 3) });
    expect(crossValidation.auroc).toBeGreaterThan(0.95);
    const right = examples(hats, 50, 3, 2).filter(
      ({ descriptor, label }) => (judgeRegion(head, descriptor).probabilities[head.classes.indexOf(label)] ?? 0) > 0.5,
    );
    expect(right.length).toBeGreaterThan(90);
  });

  it("claims nothing where there is nothing to learn", () => {
    const { crossValidation } = fitHead({ ...request, classes: hats, examples: examples(hats, 60, 0) });
    expect(Math.abs(crossValidation.auroc - 0.5)).toBeLessThan(0.2);
    expect(crossValidation.uncertain).toBeGreaterThan(0.5);
  });

  it("learns more than two classes", () => {
    const colours = ["white", "red", "blue"];
    const { head, crossValidation } = fitHead({ ...request, classes: colours, examples: examples(colours, 25, 4) });
    expect(head.weights).toHaveLength(3);
    expect(crossValidation.accuracy).toBeGreaterThan(0.8);
    for (const row of crossValidation.confusion) expect(row.reduce((sum, count) => sum + count, 0)).toBe(25);
  });

  it("names the marks it takes for the other class, the most certain first", () => {
    const marks = examples(hats, 30, 4);
    const wrong = marks.map((mark, index) => (index === 3 ? { ...mark, label: "hat" } : mark));
    const { crossValidation } = fitHead({ ...request, classes: hats, examples: wrong });
    expect(crossValidation.worst[0]).toBe(3);
  });

  it("gives the same head for the same marks, and one that its own schema takes", () => {
    const marks = examples(hats, 12, 2);
    const [one, other] = [0, 1].map(() => JSON.stringify(fitHead({ ...request, classes: hats, examples: marks }).head));
    expect(one).toBe(other);
    expect(parseHead(one ?? "", "hat").classes).toEqual(hats);
  });

  it.each([
    ["too few marks", examples(["bare"], 5, 1), "head/too-few-examples"],
    [
      "marks of one occasion only",
      examples(hats, 5, 1).map((mark) => ({ ...mark, group: mark.label })),
      "head/too-few-examples",
    ],
    ["an unknown class", examples(["bare", "cap"], 5, 1), "head/unknown-class"],
    [
      "numbers that are none",
      [...examples(hats, 5, 1), { descriptor: new Float32Array(length).fill(Number.NaN), label: "hat" }],
      "head/wrong-length",
    ],
  ])("refuses %s", (_, marks, code) => {
    expect(() => fitHead({ ...request, classes: hats, examples: marks })).toThrow(expect.objectContaining({ code }));
  });

  it("gives probabilities that sum to one, for any descriptor", () => {
    const { head } = fitHead({ ...request, classes: hats, examples: examples(hats, 12, 1) });
    fc.assert(
      fc.property(
        fc.float32Array({ minLength: length, maxLength: length, noNaN: true, noDefaultInfinity: true }),
        (any) => {
          const { probabilities } = judgeRegion(
            head,
            any.map((value) => Math.max(-1e6, Math.min(1e6, value))),
          );
          expect(probabilities.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 6);
        },
      ),
    );
  });
});

describe("assignFolds", () => {
  it("never splits a group and leaves no fold without a class that has groups enough", () => {
    const marks = fc.array(fc.record({ label: fc.constantFrom("a", "b"), group: fc.nat(30).map(String) }), {
      minLength: 20,
    });
    fc.assert(
      fc.property(marks, (all) => {
        const own = all.map((mark) => ({ ...mark, group: `${mark.label}${mark.group}` }));
        const folds = assignFolds(own, 3);
        for (const members of Map.groupBy(
          own.map(({ group }, index) => ({ group, fold: folds[index] })),
          ({ group }) => group,
        ).values()) {
          expect(new Set(members.map(({ fold }) => fold)).size).toBe(1);
        }
        for (const label of ["a", "b"]) {
          const groups = new Set(own.filter((mark) => mark.label === label).map(({ group }) => group));
          const used = new Set(own.flatMap((mark, index) => (mark.label === label ? [folds[index]] : [])));
          expect(used.size).toBeGreaterThanOrEqual(Math.min(3, groups.size));
        }
      }),
    );
  });
});

describe("loadHead", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "frostlight-heads-"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it("names everything that is wrong", async () => {
    const { head } = fitHead({ ...request, classes: hats, examples: examples(hats, 5, 1) });
    const path = join(folder, "head.json");
    await writeFile(path, JSON.stringify({ ...head, bias: [1, 2], weights: [[1]] }));
    await expect(loadHead(path)).rejects.toMatchObject({
      code: "head/invalid",
      message: expect.stringMatching(/numbers in bias: 2, expected 1.*weights in a row: 1, expected 40/s) as string,
    });
    await expect(loadHead(join(folder, "nowhere.json"))).rejects.toMatchObject({ code: "head/missing" });
  });

  it("refuses a network the head was not fitted on, and descriptors of another length", () => {
    const { head } = fitHead({ ...request, classes: hats, examples: examples(hats, 5, 1) });
    expect(() => requireFit(head, { id: "other", sha256: "b".repeat(64) })).toThrow(
      expect.objectContaining({ code: "head/wrong-model" }),
    );
    expect(() => judgeRegion(head, new Float32Array(3))).toThrow(
      expect.objectContaining({ code: "head/wrong-length" }),
    );
  });
});

describe("a region's square", () => {
  const image = { width: 40, height: 20, rgb: Uint8Array.from({ length: 2400 }, (_, at) => at % 251) };

  it("lies inside the picture where it fits, and holds the region", () => {
    const edge = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(edge, edge, edge, edge, fc.double({ min: 0, max: 2, noNaN: true }), (a, b, c, d, margin) => {
        const [left, right] = [Math.min(a, b), Math.max(a, b) + 0.01];
        const [top, bottom] = [Math.min(c, d), Math.max(c, d) + 0.01];
        const square = squareAround(image, { left, right, top, bottom }, margin);
        const isInside =
          square.left >= 0 && square.top >= 0 && square.left + square.side <= 40 && square.top + square.side <= 20;
        expect(isInside || square.side > 20).toBe(true);
        expect(cutSquare(image, square).rgb).toHaveLength(square.side ** 2 * 3);
      }),
    );
  });

  it("is grey outside the picture", () => {
    const cut = cutSquare(image, { left: -1, top: -1, side: 4 });
    expect([...cut.rgb.subarray(0, 3)]).toEqual([114, 114, 114]);
    expect([...cut.rgb.subarray((4 + 1) * 3, (4 + 2) * 3)]).toEqual([...image.rgb.subarray(0, 3)]);
  });

  it("refuses a region without area", () => {
    expect(() => squareAround(image, { left: 0.5, right: 0.5, top: 0, bottom: 1 }, 0)).toThrow(
      expect.objectContaining({ code: "model/bad-picture" }),
    );
  });

  it("mirrored twice is itself", () => {
    expect(mirrored(mirrored(image))).toEqual(image);
  });
});

describe("poolLayers", () => {
  it("gives the mean of each part and the highest value of each channel", () => {
    const data = Float32Array.from([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]);
    expect([...poolLayers([{ stride: 8, channels: 1, width: 4, height: 4, data }], { grid: 2 })]).toEqual([
      3.5, 5.5, 11.5, 13.5, 16,
    ]);
  });
});

describe("the shipped heads and the default model", () => {
  let model: LoadedModel;
  beforeAll(async () => {
    model = await loadModel(defaultModelFolder);
  }, 60_000);
  afterAll(() => model.close());

  it.each(["mask", "rodent"] as const)("fit each other: %s (otherwise run training/train_heads.py)", async (name) => {
    const head = await shippedHead(name, model);
    const image = { width: 64, height: 48, rgb: new Uint8Array(64 * 48 * 3).fill(90) };
    const [descriptor] = await model.describe(
      image,
      [{ left: 0.2, top: 0.2, right: 0.7, bottom: 0.9 }],
      head.descriptor,
    );
    expect(judgeRegion(head, descriptor ?? new Float32Array()).probabilities).toHaveLength(2);
  });

  it("describe a region by the layers that are named, or by all", async () => {
    const random = seededRandom(5);
    const image = { width: 64, height: 64, rgb: Uint8Array.from({ length: 64 * 64 * 3 }, () => random.next() * 255) };
    const whole = [{ left: 0, top: 0, right: 1, bottom: 1 }];
    const setup = { kind: "pooled", size: 128, margin: 0, grid: 2 } as const;
    const [all] = await model.describe(image, whole, setup);
    const [shallow] = await model.describe(image, whole, { ...setup, strides: [8, 16] });
    expect(all).toHaveLength((32 + 88 + 120) * 5);
    expect(shallow).toHaveLength((32 + 88) * 5);
    expect(shallow).toEqual(all?.slice(0, shallow?.length));
  });

  it("describe the same region the same way each time, and mirrored ones alike where that is asked for", async () => {
    const random = seededRandom(3);
    const image = { width: 64, height: 64, rgb: Uint8Array.from({ length: 64 * 64 * 3 }, () => random.next() * 255) };
    const whole = [{ left: 0, top: 0, right: 1, bottom: 1 }];
    const [once] = await model.describe(image, whole, taughtDescriptor);
    const [again] = await model.describe(image, whole, taughtDescriptor);
    const [other] = await model.describe(mirrored(image), whole, taughtDescriptor);
    expect(again).toEqual(once);
    for (const [at, value] of (other ?? []).entries()) expect(value).toBeCloseTo(once?.[at] ?? Number.NaN, 4);
  });
});
