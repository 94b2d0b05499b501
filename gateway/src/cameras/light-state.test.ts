import { expect, it } from "vitest";

import { LightJudge } from "./light-state.ts";

const [width, height] = [64, 36];
const plain = (red: number, green: number, blue: number) => ({
  width,
  height,
  rgb: Uint8Array.from({ length: width * height * 3 }, (_, at) => [red, green, blue][at % 3] ?? 0),
});
const kitchen = plain(140, 120, 100);
const infrared = plain(90, 90, 90);
const dark = plain(12, 10, 8);

it("tells the grey picture of infra-red and the dark one from the day", () => {
  expect(new LightJudge().look(kitchen)).toBe("day");
  expect(new LightJudge().look(infrared)).toBe("night");
  expect(new LightJudge().look(dark)).toBe("night");
});

it("changes after five looks in a row, not for a lamp that flickers, nor between the two", () => {
  const judge = new LightJudge();
  judge.look(kitchen);
  const states = Array.from({ length: 12 }, (_, n) => judge.look(n % 4 === 3 ? kitchen : dark));
  expect(new Set(states)).toEqual(new Set(["day"]));
  expect(Array.from({ length: 5 }, () => judge.look(dark)).at(-1)).toBe("night");
  expect(Array.from({ length: 9 }, () => judge.look(plain(94, 92, 90))).at(-1)).toBe("night");
});
