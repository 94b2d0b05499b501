import { array, assert, property, string } from "fast-check";
import { expect, it } from "vitest";

import { escapeName, parseBrowsePath } from "./opcua-path.ts";

const matching = (path: string, names: readonly string[]): boolean | undefined => {
  const steps = parseBrowsePath(path);
  return steps?.length === names.length && steps.every((step, index) => step.matches(names[index] ?? ""));
};

it("reads names, namespaces and patterns", () => {
  expect(parseBrowsePath("/Objects/2:ColdStore/Room*/T")).toMatchObject([
    { namespaceIndex: null, isPattern: false },
    { namespaceIndex: 2, isPattern: false },
    { namespaceIndex: null, isPattern: true },
    { namespaceIndex: null, isPattern: false },
  ]);
  expect(matching("/Objects/2:ColdStore/Room*/T", ["Objects", "ColdStore", "Room 12", "T"])).toBe(true);
  expect(matching("/Objects/2:ColdStore/Room*/T", ["Objects", "ColdStore", "Hall", "T"])).toBe(false);
  expect(matching("/a.b", ["axb"])).toBe(false);
});

it.each(["", "Objects", "/", "/a//b", "/a/", "/2:", "/a&", "//a"])("refuses %j", (text) => {
  expect(parseBrowsePath(text)).toBeUndefined();
});

it("finds every name again by its escaped form, whatever is in it, and only that one", () => {
  const name = string({ unit: "grapheme", minLength: 1, maxLength: 20 });
  assert(
    property(array(name, { minLength: 1, maxLength: 5 }), name, (names, other) => {
      const path = names.map((one) => `/${escapeName(one)}`).join("");
      expect(matching(path, names)).toBe(true);
      const changed = [...names.slice(0, -1), other];
      expect(matching(path, changed)).toBe(other === names.at(-1));
    }),
  );
});
