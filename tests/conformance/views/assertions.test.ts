import { globSync, readFileSync } from "node:fs";
import { resolve } from "node:path";

import { expect, it } from "vitest";

const root = resolve(import.meta.dirname, "../../..");

it("the read-me lists exactly the assertions of the specification that tests are named by", () => {
  const tests = globSync("{tests/conformance/views,gateway/src/views}/*.test.ts", { cwd: root });
  const named = tests.flatMap((file) => {
    const text = readFileSync(resolve(root, file), "utf8");
    return [...text.matchAll(/\[(tck-id-[A-Za-z0-9-]+)\]/g)].map((match) => match[1]);
  });
  const readme = readFileSync(resolve(root, "gateway/src/views/README.md"), "utf8");
  const listed = [...readme.matchAll(/^- (tck-id-[A-Za-z0-9-]+)$/gm)].map((match) => match[1]);
  expect(listed.length).toBeGreaterThan(100);
  expect(new Set(named)).toEqual(new Set(listed));
});
