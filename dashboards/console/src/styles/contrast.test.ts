import { readFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

const css = readFileSync(join(import.meta.dirname, "tokens.css"), "utf8");
const [light = "", dark = ""] = css.split(':root[data-theme="dark"]');

function palette(text: string): ReadonlyMap<string, string> {
  return new Map([...text.matchAll(/--([\w-]+):\s*(#[0-9a-f]{6});/g)].map((match) => [match[1] ?? "", match[2] ?? ""]));
}

/** WCAG 2.2, relative luminance. */
function luminance(hex: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(a: string, b: string): number {
  const [high = 0, low = 0] = [luminance(a), luminance(b)].toSorted((x, y) => y - x);
  return (high + 0.05) / (low + 0.05);
}

const pairs: readonly (readonly [string, readonly string[]])[] = [
  [
    "text",
    [
      "page",
      "surface",
      "sunken",
      "chosen",
      "unknown-soft",
      "accent-soft",
      "warning-soft",
      "high-soft",
      "critical-soft",
    ],
  ],
  ["muted", ["page", "surface", "sunken", "warning-soft", "high-soft", "critical-soft", "unknown-soft"]],
  ["accent", ["surface", "page", "accent-soft"]],
  ["on-accent", ["accent"]],
  ["warning", ["surface", "page", "warning-soft"]],
  ["high", ["surface", "page", "high-soft"]],
  ["critical", ["surface", "page", "critical-soft"]],
  ["unknown", ["surface", "page", "unknown-soft"]],
  ["normal", ["surface", "page"]],
];

describe.each([
  ["light", palette(light)],
  ["dark", palette(dark)],
])("the %s palette", (_name, colours) => {
  it("keeps 4.5:1 between every text and what lies under it", () => {
    const poor = pairs.flatMap(([front, backs]) =>
      backs.flatMap((back) => {
        const ratio = contrast(colours.get(front) ?? "#000000", colours.get(back) ?? "#000000");
        return ratio >= 4.5 ? [] : [`${front} on ${back}: ${ratio.toFixed(2)}`];
      }),
    );
    expect(poor).toEqual([]);
  });
});
