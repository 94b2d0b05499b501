import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { expect, test } from "vitest";

import { stories, storyPicture } from "./failure-stories.ts";

const pictures = join(import.meta.dirname, "../../../gateway/docs/failures");

test("the picture of a story is the committed one, drawn anew", async () => {
  const story = stories.find(({ name }) => name === "door-left-open");
  if (story === undefined) throw new Error("no such story");
  expect(storyPicture(story)).toBe(await readFile(join(pictures, `${story.name}.svg`), "utf8"));
}, 60_000);

test("every kind of failure has its picture, shown on the gateway's page", async () => {
  const page = await readFile(join(pictures, "../../README.md"), "utf8");
  for (const { name } of stories) {
    expect(page).toContain(`docs/failures/${name}.svg`);
    expect(await readFile(join(pictures, `${name}.svg`), "utf8")).toContain("<svg");
  }
});
