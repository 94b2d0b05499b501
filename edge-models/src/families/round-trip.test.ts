import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import type { Candidate } from "../boxes.ts";
import type { DecodeSettings, OutputTensor } from "./family.ts";
import { modelFamilies } from "./index.ts";

const settings: DecodeSettings = { classCount: 3, inputWidth: 256, inputHeight: 192, minScore: 0.2, maxOverlap: 0.5 };
type Outputs = Readonly<Record<string, OutputTensor>>;
type Encoder = (boxes: readonly Candidate[], classCount: number) => Outputs;

const table = (rows: readonly (readonly number[])[], columns: number): OutputTensor => ({
  shape: [1, rows.length, columns],
  data: Float32Array.from(rows.flat()),
});
const logit = (score: number): number => Math.log(score / (1 - score));
const centred = (box: Candidate): [number, number, number, number] => [
  (box.left + box.right) / 2,
  (box.top + box.bottom) / 2,
  box.right - box.left,
  box.bottom - box.top,
];
const corners = (box: Candidate): [number, number, number, number] => [box.left, box.top, box.right, box.bottom];
const oneHot = (length: number, at: number, value: number): number[] =>
  Array.from({ length }, (_, index) => (index === at ? value : 0));

/** Cells of the strides 8, 16 and 32, row by row; each box in the cell of stride 8 that holds its centre. */
function cellsOf(
  boxes: readonly Candidate[],
): { readonly stride: number; readonly box: Candidate | undefined; readonly x: number; readonly y: number }[] {
  return [8, 16, 32].flatMap((stride) => {
    const across = settings.inputWidth / stride;
    return Array.from({ length: across * (settings.inputHeight / stride) }, (_, cell) => {
      const [x, y] = [cell % across, Math.floor(cell / across)];
      const box = boxes.find((one) => {
        const [centreX, centreY] = centred(one);
        return stride === 8 && Math.floor(centreX / 8) === x && Math.floor(centreY / 8) === y;
      });
      return { stride, box, x, y };
    });
  });
}

const withObjectness: Encoder = (boxes, classCount) => ({
  grid: table(
    [
      ...boxes.map((box) => [...centred(box), box.score, ...oneHot(classCount, box.classIndex, 1)]),
      oneHot(5 + classCount, 0, 9),
    ],
    5 + classCount,
  ),
});

/** Written from the papers and exporters, not from the decoders. */
const encoders: Readonly<Record<string, Encoder>> = {
  yolov5: withObjectness,
  yolox: withObjectness,
  "yolox-raw": (boxes, classCount) => ({
    grid: table(
      cellsOf(boxes).map(({ stride, box, x, y }) => {
        if (box === undefined) return oneHot(5 + classCount, 5, 1);
        const [centreX, centreY, width, height] = centred(box);
        const place = [centreX / stride - x, centreY / stride - y, Math.log(width / stride), Math.log(height / stride)];
        return [...place, box.score, ...oneHot(classCount, box.classIndex, 1)];
      }),
      5 + classCount,
    ),
  }),
  yolov8: (boxes, classCount) => {
    const columns = boxes.map((box) => [...centred(box), ...oneHot(classCount, box.classIndex, box.score)]);
    const rows = Array.from({ length: 4 + classCount }, (_, row) => columns.map((column) => column[row] ?? 0));
    return { grid: { shape: [1, 4 + classCount, boxes.length], data: Float32Array.from(rows.flat()) } };
  },
  nanodet: (boxes, classCount) => {
    const bins = 8;
    // a distance between two whole strides is the mean of these two
    const distribution = (distance: number): number[] =>
      Array.from({ length: bins }, (_, bin) => Math.log(Math.max(0, 1 - Math.abs(distance - bin))));
    const rows = cellsOf(boxes).map(({ stride, box, x, y }) => {
      if (box === undefined) return oneHot(classCount + 4 * bins, 0, 0);
      const [middleX, middleY] = [(x + 0.5) * stride, (y + 0.5) * stride];
      const edges = [middleX - box.left, middleY - box.top, box.right - middleX, box.bottom - middleY];
      return [
        ...oneHot(classCount, box.classIndex, box.score),
        ...edges.flatMap((edge) => distribution(edge / stride)),
      ];
    });
    return { grid: table(rows, classCount + 4 * bins) };
  },
  "nms-in-graph": (boxes) => ({
    detections: table([...boxes.map((box) => [...corners(box), box.score, box.classIndex]), [0, 0, 0, 0, 0, -1]], 6),
  }),
  rtdetr: (boxes) => ({
    labels: { shape: [1, boxes.length], data: Int32Array.from(boxes, ({ classIndex }) => classIndex) },
    boxes: table(boxes.map(corners), 4),
    scores: { shape: [1, boxes.length], data: Float32Array.from(boxes, ({ score }) => score) },
  }),
  "rtdetr-logits": (boxes, classCount) => ({
    logits: table(
      boxes.map((box) => oneHot(classCount, box.classIndex, 1).map((hit) => (hit === 1 ? logit(box.score) : -20))),
      classCount,
    ),
    boxes: table(
      boxes.map((box) =>
        centred(box).map((value, axis) => value / (axis % 2 === 0 ? settings.inputWidth : settings.inputHeight)),
      ),
      4,
    ),
  }),
  ssd: (boxes, classCount) => ({
    scores: table(
      boxes.map((box) => oneHot(1 + classCount, 1 + box.classIndex, box.score)),
      1 + classCount,
    ),
    boxes: table(
      boxes.map((box) =>
        corners(box).map((value, axis) => value / (axis % 2 === 0 ? settings.inputWidth : settings.inputHeight)),
      ),
      4,
    ),
  }),
  yunet: (boxes) => {
    const cells = cellsOf(boxes);
    const of = (stride: number, columns: number, row: (cell: (typeof cells)[number]) => number[]): OutputTensor =>
      table(cells.filter((cell) => cell.stride === stride).map(row), columns);
    const entries = [8, 16, 32].flatMap((stride) => [
      [`cls_${stride}`, of(stride, 1, ({ box }) => [box?.score ?? 0])],
      [`obj_${stride}`, of(stride, 1, ({ box }) => [box?.score ?? 0])],
      [
        `bbox_${stride}`,
        of(stride, 4, ({ box, x, y }) => {
          if (box === undefined) return [0, 0, 0, 0];
          const [centreX, centreY, width, height] = centred(box);
          return [centreX / stride - x, centreY / stride - y, Math.log(width / stride), Math.log(height / stride)];
        }),
      ],
    ]);
    return Object.fromEntries(entries) as Outputs; // pairs of role and tensor
  },
  centerface: (boxes) => {
    const [across, down] = [settings.inputWidth / 4, settings.inputHeight / 4];
    const plane = (channels: number): OutputTensor & { readonly data: Float32Array } => ({
      shape: [1, channels, down, across],
      data: new Float32Array(channels * down * across),
    });
    const [heat, size, offset] = [plane(1), plane(2), plane(2)];
    for (const box of boxes) {
      const [centreX, centreY, width, height] = centred(box);
      const [x, y] = [Math.floor(centreX / 4), Math.floor(centreY / 4)];
      const set = (map: typeof heat, channel: number, value: number): void => {
        map.data[(channel * down + y) * across + x] = value;
      };
      set(heat, 0, box.score);
      set(size, 0, Math.log(height / 4));
      set(size, 1, Math.log(width / 4));
      set(offset, 0, centreY / 4 - y - 0.5);
      set(offset, 1, centreX / 4 - x - 0.5);
    }
    return { heat, size, offset };
  },
  centernet: (boxes) => {
    const [across, down] = [settings.inputWidth / 4, settings.inputHeight / 4];
    const size = { shape: [1, 4, down, across], data: new Float32Array(4 * down * across) };
    const cells = boxes.map((box) => {
      const [x, y] = [Math.floor(centred(box)[0] / 4), Math.floor(centred(box)[1] / 4)];
      const edges = [x * 4 - box.left, y * 4 - box.top, box.right - x * 4, box.bottom - y * 4];
      for (const [edge, value] of edges.entries()) size.data[(edge * down + y) * across + x] = value;
      return (box.classIndex * down + y) * across + x;
    });
    return {
      cells: { shape: [boxes.length], data: Int32Array.from(cells) },
      logits: { shape: [boxes.length], data: Float32Array.from(boxes, ({ score }) => logit(score)) },
      size,
    };
  },
};

/** Boxes that do not touch: each inside a square of 64 pixels of its own. */
const someBoxes = (classCount: number, least = 4): fc.Arbitrary<readonly Candidate[]> =>
  fc.uniqueArray(fc.nat(11), { maxLength: 8 }).chain((squares) =>
    fc.tuple(
      ...squares.map((square) =>
        fc
          .record({
            x: fc.double({ min: 28, max: 36, noNaN: true }),
            y: fc.double({ min: 28, max: 36, noNaN: true }),
            width: fc.double({ min: least, max: 55, noNaN: true }),
            height: fc.double({ min: least, max: 55, noNaN: true }),
            classIndex: fc.nat(classCount - 1),
            score: fc.double({ min: 0.25, max: 0.99, noNaN: true }),
          })
          .map(({ x, y, width, height, classIndex, score }) => {
            const [left, top] = [(square % 4) * 64 + x - width / 2, Math.floor(square / 4) * 64 + y - height / 2];
            return { left, top, right: left + width, bottom: top + height, classIndex, score };
          }),
      ),
    ),
  );

const classCountOf = (kind: string): number => (["yunet", "centerface"].includes(kind) ? 1 : settings.classCount);
/** NanoDet tells no edge on the far side of its cell's middle. */
const leastOf = (kind: string): number => (kind === "nanodet" ? 12 : 4);
const squareOf = (box: Candidate): number => Math.floor(centred(box)[0] / 64) + 4 * Math.floor(centred(box)[1] / 64);
const byPlace = (boxes: readonly Candidate[]): Candidate[] => boxes.toSorted((a, b) => squareOf(a) - squareOf(b));

describe.each(modelFamilies.kinds.map((kind) => ({ kind })))("family $kind", ({ kind }) => {
  const family = modelFamilies.get(kind);
  const encode = encoders[kind];
  const classCount = classCountOf(kind);
  if (encode === undefined) throw new Error(`write an encoder for ${kind}`);

  it("gives back every box that was written in its way, and no other", () => {
    fc.assert(
      fc.property(someBoxes(classCount, leastOf(kind)), (boxes) => {
        const found = byPlace(family.decode(encode(boxes, classCount), { ...settings, classCount }));
        expect(found).toHaveLength(boxes.length);
        for (const [index, box] of byPlace(boxes).entries()) {
          expect(found[index]?.classIndex).toBe(box.classIndex);
          for (const key of ["left", "top", "right", "bottom", "score"] as const) {
            expect(Math.abs((found[index]?.[key] ?? Number.NaN) - box[key])).toBeLessThan(1e-3);
          }
        }
      }),
    );
  });

  it("accepts the shapes it gives and no others", () => {
    const outputs = encode([], classCount);
    const shapes = Object.fromEntries(Object.entries(outputs).map(([role, { shape }]) => [role, shape]));
    expect(family.check(shapes, classCount)).toBeUndefined();
    for (const role of family.roles) {
      expect(family.check({ ...shapes, [role]: [1, 2, 3, 5, 7] }, classCount)).toContain(role);
    }
  });

  it("makes boxes of numbers only, whatever the network gives", () => {
    const example = encode(fc.sample(someBoxes(classCount), { seed: 7, numRuns: 1 })[0] ?? [], classCount);
    const wild = fc.oneof(
      fc.float(),
      fc.constantFrom(Number.NaN, Infinity, -Infinity, 0, -0, 3.4e38, 1e-40, 0.9, 0.99, 1, 5),
    );
    const count = Object.values(example).reduce((sum, { data }) => sum + data.length, 0);
    fc.assert(
      fc.property(fc.array(wild, { minLength: 64, maxLength: 64 }), fc.integer({ min: 1, max: 61 }), (values, step) => {
        let at = 0;
        const next = (): number => values[(at += step) % values.length] ?? 0;
        const outputs = Object.fromEntries(
          Object.entries(example).map(([role, { shape, data }]) => [role, { shape, data: data.map(next) }]),
        );
        const found = family.decode(outputs, { ...settings, classCount });
        expect(found.length).toBeLessThanOrEqual(100);
        for (const box of found) {
          expect([box.left, box.top, box.right, box.bottom].every((edge) => Number.isFinite(edge))).toBe(true);
          expect(box.right > box.left && box.bottom > box.top).toBe(true);
          expect(box.score >= settings.minScore && box.score <= 1).toBe(true);
          expect(box.classIndex >= 0 && box.classIndex < classCount).toBe(true);
        }
      }),
      { numRuns: count > 10_000 ? 30 : 200 },
    );
  });
});
