import { seededRandom } from "@frostlight/kernel/testing";
import { describe, expect, it } from "vitest";

import type { GreyImage } from "./grey.ts";
import { healthOptions } from "./options.ts";
import { PictureJudge } from "./picture-judge.ts";

const options = healthOptions.parse({});
const greyWidth = 320;
const greyHeight = 180;

/** Shelves: a structured scene; sensor noise differs from frame to frame. */
function scene(seed: number, change: (value: number, x: number, y: number) => number = (value) => value): GreyImage {
  const noise = seededRandom(seed);
  const pixels = Uint8Array.from({ length: greyWidth * greyHeight }, (_, at) => {
    const x = at % greyWidth;
    const y = Math.floor(at / greyWidth);
    const shelf = 60 + (Math.floor(x / 11) % 2) * 70 + (Math.floor(y / 23) % 3) * 30 + (x > 200 ? 25 : 0);
    return Math.max(0, Math.min(255, change(shelf, x, y) + noise.next() * 6 - 3));
  });
  return { width: greyWidth, height: greyHeight, pixels };
}

function blurred(seed: number): GreyImage {
  const sharp = scene(seed);
  const pixels = sharp.pixels.map((_, at) => {
    let sum = 0;
    for (let dy = -3; dy <= 3; dy += 1)
      for (let dx = -3; dx <= 3; dx += 1) sum += sharp.pixels[at + dy * greyWidth + dx] ?? 100;
    return sum / 49;
  });
  return { ...sharp, pixels };
}

/** A judge that has seen 30 normal frames at 2 a second. */
function learnt(): { look: (image: GreyImage, times?: number) => string; seconds: () => number } {
  const judge = new PictureJudge(options);
  let frame = 0;
  for (; frame < 30; frame += 1) judge.look(scene(frame), frame * 500);
  return {
    look: (image, times = options.confirmFrames) => {
      for (let n = 0; n < times; n += 1, frame += 1)
        judge.look(times === 1 ? image : perturb(image, frame), frame * 500);
      return judge.state;
    },
    seconds: () => frame / 2,
  };
}

/** The same picture, but not the same pixels. */
function perturb(image: GreyImage, seed: number): GreyImage {
  const noise = seededRandom(seed);
  return { ...image, pixels: image.pixels.map((value) => Math.min(255, value + Math.floor(noise.next() * 2))) };
}

describe("the picture's health", () => {
  it("is in order for a scene with noise, half the light, and more light", () => {
    const judge = learnt();
    expect(judge.look(scene(100), 20)).toBe("ok");
    expect(
      judge.look(
        scene(101, (value) => value * 0.5),
        8,
      ),
    ).toBe("ok");
    expect(
      judge.look(
        scene(102, (value) => value * 1.3),
        8,
      ),
    ).toBe("ok");
  });

  it("is black in the dark, and in order again with light", () => {
    const judge = learnt();
    expect(judge.look(scene(100, () => 3))).toBe("black");
    expect(judge.look(scene(101))).toBe("ok");
  });

  it("is blurred when fine detail is gone and the scene is the same", () => {
    expect(learnt().look(blurred(100))).toBe("blurred");
  });

  it("is covered when the lens shows one flat thing", () => {
    expect(learnt().look(scene(100, () => 90))).toBe("covered");
  });

  it("is covered when something hides most of the scene", () => {
    const hand = (value: number, x: number, y: number): number => (x < greyWidth * 0.85 ? 95 + y / 8 : value);
    expect(learnt().look(scene(100, hand))).toBe("covered");
  });

  it("stays in order when somebody fills a third of the picture", () => {
    const person = (value: number, x: number): number => (x > 100 && x < 205 ? 70 : value);
    expect(learnt().look(scene(100, person), 10)).toBe("ok");
  });

  it("is frozen when the very same pixels come for half a minute, and not before", () => {
    const judge = learnt();
    const still = scene(100);
    for (let n = 0; n < 2 * options.frozenSeconds; n += 1) expect(judge.look(still, 1)).toBe("ok");
    for (let n = 0; n <= options.confirmFrames; n += 1) judge.look(still, 1);
    expect(judge.look(still, 1)).toBe("frozen");
    expect(judge.look(scene(101))).toBe("ok");
  });

  it("does not change for a single strange frame", () => {
    const judge = learnt();
    expect(
      judge.look(
        scene(100, () => 3),
        1,
      ),
    ).toBe("ok");
    expect(judge.look(scene(101))).toBe("ok");
  });

  it("does not take a fault for the new normal", () => {
    const judge = learnt();
    expect(
      judge.look(
        scene(100, () => 90),
        200,
      ),
    ).toBe("covered");
  });

  it("is moved when the scene is found 3 % of the width away, and says how far", () => {
    const judge = new PictureJudge(options);
    for (let frame = 0; frame < 30; frame += 1) judge.look(kitchen(frame), frame * 500);
    for (let frame = 30; frame < 40; frame += 1) judge.look(kitchen(frame, { shift: 10 }), frame * 500);
    expect(judge.verdict.state).toBe("moved");
    expect(judge.verdict.figures["shift"]).toBeCloseTo(10 / greyWidth, 2);
  });

  it("is moved when the camera shows another view with as much detail as ever", () => {
    const judge = new PictureJudge(options);
    for (let frame = 0; frame < 30; frame += 1) judge.look(kitchen(frame), frame * 500);
    for (let frame = 30; frame < 40; frame += 1) judge.look(kitchen(frame, { seed: 99 }), frame * 500);
    expect(judge.state).toBe("moved");
  });

  it("is noisy when every part of the picture differs from frame to frame", () => {
    const judge = new PictureJudge(options);
    for (let frame = 0; frame < 30; frame += 1) judge.look(kitchen(frame), frame * 500);
    for (let frame = 30; frame < 40; frame += 1) judge.look(kitchen(frame, { noise: 60 }), frame * 500);
    expect(judge.state).toBe("noisy");
  });

  it("is over-exposed when most of the picture is burnt out", () => {
    const judge = new PictureJudge(options);
    for (let frame = 0; frame < 30; frame += 1) judge.look(kitchen(frame), frame * 500);
    for (let frame = 30; frame < 40; frame += 1) judge.look(kitchen(frame, { gain: 4, offset: 40 }), frame * 500);
    expect(judge.state).toBe("over-exposed");
  });

  it("knows its normal picture after a restart: a camera moved meanwhile is found, an untouched one is in order", () => {
    const judge = new PictureJudge(options);
    for (let frame = 0; frame < 30; frame += 1) judge.look(kitchen(frame), frame * 500);
    const saved: unknown = JSON.parse(JSON.stringify(judge.save()));
    const state = (label: string, shift: number): string => {
      const next = new PictureJudge({ ...options, label }, saved);
      for (let frame = 0; frame < options.confirmFrames; frame += 1) next.look(kitchen(frame, { shift }), frame * 500);
      return next.state;
    };
    expect(state("1", 0)).toBe("ok");
    expect(state("1", 12)).toBe("moved");
    expect(state("2", 12)).toBe("ok"); // another label: learnt anew
  });

  it("learns a second normal picture for infra-red light, and finds a moved camera there too", () => {
    const judge = new PictureJudge(options);
    const day = (frame: number): GreyImage => ({ ...kitchen(frame), chroma: 20 });
    const night = (frame: number, shift = 0): GreyImage => ({ ...kitchen(frame, { gain: 0.4, shift }), chroma: 0.5 });
    for (let frame = 0; frame < 30; frame += 1) judge.look(day(frame), frame * 500);
    for (let frame = 30; frame < 80; frame += 1) expect(judge.look(night(frame), frame * 500)).toBe("ok");
    for (let frame = 80; frame < 90; frame += 1) expect(judge.look(day(frame), frame * 500)).toBe("ok");
    for (let frame = 90; frame < 100; frame += 1) judge.look(night(frame, 12), frame * 500);
    expect(judge.state).toBe("moved");
  });

  it("does not take a damaged file for a normal picture", () => {
    const judge = new PictureJudge(options, { label: "1", normals: [{ monochrome: false }] });
    expect(judge.isReady).toBe(false);
  });
});

/** Boxes here and there: a scene that looks like itself in one place only. */
function kitchen(
  seed: number,
  change: {
    readonly shift?: number;
    readonly seed?: number;
    readonly noise?: number;
    readonly gain?: number;
    readonly offset?: number;
  } = {},
): GreyImage {
  const { shift = 0, noise: strength = 4, gain = 1, offset = 0 } = change;
  const layout = seededRandom(change.seed ?? 7);
  const boxes = Array.from({ length: 60 }, () => ({
    x: layout.next() * (greyWidth + 40) - 40,
    y: layout.next() * greyHeight,
    width: 8 + layout.next() * 60,
    height: 8 + layout.next() * 40,
    value: 30 + layout.next() * 190,
  }));
  const plain = new Float32Array(greyWidth * greyHeight).fill(90);
  for (const box of boxes) {
    for (let y = Math.floor(box.y); y < Math.min(greyHeight, box.y + box.height); y += 1) {
      const from = Math.max(0, Math.floor(box.x) - shift);
      const to = Math.min(greyWidth, Math.floor(box.x + box.width) - shift);
      if (to > from) plain.fill(box.value, y * greyWidth + from, y * greyWidth + to);
    }
  }
  const noise = seededRandom(seed);
  const pixels = Uint8Array.from(plain, (value) => {
    return Math.max(0, Math.min(255, value * gain + offset + (noise.next() - 0.5) * strength));
  });
  return { width: greyWidth, height: greyHeight, pixels };
}
