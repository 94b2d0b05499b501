import { describe, expect, it } from "vitest";

import { en } from "./en.ts";
import { zh } from "./zh.ts";

function places(text: string): string[] {
  return [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? "").toSorted();
}

describe("the texts", () => {
  it("have the same keys in both languages", () => {
    expect(Object.keys(zh).toSorted()).toEqual(Object.keys(en).toSorted());
  });

  it("have the same places to fill in both languages", () => {
    const different = Object.entries(en).filter(
      ([key, text]) => places(text).join() !== places(Reflect.get(zh, key)).join(),
    );
    expect(different).toEqual([]);
  });

  it("are never empty", () => {
    expect(Object.values({ ...en }).filter((text) => text.trim() === "")).toEqual([]);
    expect(Object.values(zh).filter((text) => text.trim() === "")).toEqual([]);
  });
});
