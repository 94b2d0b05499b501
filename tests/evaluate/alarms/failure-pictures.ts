/**
 * Draws one simulated failure of each kind, and of each kind of probe fault, as the alarms see them.
 *
 *   node tests/evaluate/alarms/failure-pictures.ts [--out gateway/docs/failures]
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";

import { type FailureStory, stories, storyPicture } from "./failure-stories.ts";

const { values } = parseArgs({ options: { out: { type: "string", default: "gateway/docs/failures" } } });
const folder = resolve(values.out);
await mkdir(folder, { recursive: true });
for (const story of stories) await draw(story);

async function draw(story: FailureStory): Promise<void> {
  await writeFile(join(folder, `${story.name}.svg`), storyPicture(story));
  process.stdout.write(`${story.name}\n`);
}
