import { describe, expect, it } from "vitest";

import { findFaces, headOf, headsToHide } from "./faces.ts";
import type { LoadedModel } from "./load-model.ts";
import type { DetectedBox, RgbImage } from "./picture.ts";

const image: RgbImage = { width: 400, height: 300, rgb: new Uint8Array(400 * 300 * 3).fill(60) };
const box = (left: number, top: number, right: number, bottom: number, score = 0.9, label = "face"): DetectedBox => ({
  left,
  top,
  right,
  bottom,
  score,
  label,
});
const standing = box(0.4, 0.2, 0.5, 0.9, 0.8, "person");

/** A face model that answers each pass with what the test says, and keeps the pictures it was shown. */
function faceModel(...answers: readonly (readonly DetectedBox[])[]) {
  const shown: RgbImage[] = [];
  const model = {
    get manifest(): LoadedModel["manifest"] {
      return { thresholds: { score: 0.2, overlap: 0.3 } } as LoadedModel["manifest"]; // all that findFaces reads
    },
    detect: (picture: RgbImage) => {
      shown.push(picture);
      const boxes = answers[shown.length - 1] ?? [];
      return Promise.resolve({ boxes } as Awaited<ReturnType<LoadedModel["detect"]>>); // all that findFaces reads
    },
  };
  return { model, shown };
}

describe("findFaces", () => {
  it("looks once where every person has a face, and grows it to forehead and chin", async () => {
    const { model, shown } = faceModel([box(0.43, 0.22, 0.47, 0.3)]);
    const [face] = await findFaces(model, image, [standing]);
    expect(shown).toHaveLength(1);
    expect(face?.top).toBeLessThan(0.22);
    expect(face?.bottom).toBeGreaterThan(0.31);
    expect(face?.left).toBeCloseTo(0.426, 3);
  });

  it("looks closer at people without one, and gives the face's place in the whole picture", async () => {
    // in the middle of the only tile
    const { model, shown } = faceModel([], [box(0.4, 0.4, 0.6, 0.6)]);
    const [face] = await findFaces(model, image, [standing]);
    expect(shown).toHaveLength(2);
    expect(shown[1]?.width).toBe(shown[1]?.height);
    const centre = ((face?.left ?? 0) + (face?.right ?? 0)) / 2;
    expect(centre).toBeCloseTo(0.45, 1);
    expect(face?.top).toBeGreaterThan(0.15);
    expect(face?.bottom).toBeLessThan(0.55);
  });

  it("puts several people on one sheet and no more than asked for", async () => {
    const people = Array.from({ length: 9 }, (_, index) => box(index / 10, 0.1, index / 10 + 0.08, 0.9, 0.8, "person"));
    const { model, shown } = faceModel([], []);
    await findFaces(model, image, people, { closerLooks: 4 });
    expect(shown).toHaveLength(2);
    expect((shown[1]?.width ?? 0) / 160).toBe(3);
    expect((shown[1]?.height ?? 0) / 160).toBe(2);
    const none = faceModel([]);
    await findFaces(none.model, image, people, { closerLooks: 0 });
    expect(none.shown).toHaveLength(1);
  });

  it("gives a face seen twice once, the more certain way", async () => {
    const { model } = faceModel([box(0.43, 0.22, 0.47, 0.3), box(0.435, 0.22, 0.465, 0.26, 0.4)]);
    const faces = await findFaces(model, image, [standing]);
    expect(faces.map(({ score }) => score)).toEqual([0.9]);
  });
});

describe("headsToHide", () => {
  it("hides the head's place of whoever shows no face, and every face", () => {
    const face = box(0.1, 0.1, 0.15, 0.2);
    const hidden = headsToHide([face], [standing], image);
    expect(hidden.map(({ label }) => label)).toEqual(["face", "head"]);
    expect(hidden[1]?.top).toBeLessThanOrEqual(standing.top);
    expect(hidden[1]?.bottom).toBeLessThan(0.5);
  });

  it("hides a face once", () => {
    expect(headsToHide([box(0.43, 0.22, 0.47, 0.3)], [standing], image)).toHaveLength(1);
  });
});

describe("headOf", () => {
  it("lies in the picture, at the top of the person, for any box", () => {
    for (const person of [standing, box(0, 0, 1, 1), box(0.9, 0, 1, 0.2), box(0.1, 0.6, 0.9, 0.8)]) {
      const head = headOf(person, image);
      expect(head.left).toBeGreaterThanOrEqual(0);
      expect(head.right).toBeLessThanOrEqual(1);
      expect(head.bottom).toBeLessThanOrEqual(person.bottom);
      expect(head.top).toBeLessThanOrEqual(person.top);
      expect(head.right - head.left).toBeGreaterThan(0);
    }
  });
});
