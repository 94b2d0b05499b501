import { readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { defaultModelFolder } from "../default-model.ts";

/** The program behind `npm run models:evaluate`. */
export const evaluatorPath = fileURLToPath(new URL("../evaluate.ts", import.meta.url));

/** Folders with a manifest that come with the software. */
export async function shippedModelFolders(): Promise<readonly string[]> {
  const entries = await readdir(dirname(defaultModelFolder), { recursive: false, withFileTypes: true });
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ parentPath, name }) => join(parentPath, name));
  const files = await Promise.all(folders.map((folder) => readdir(folder)));
  return folders.filter((_, at) => files[at]?.includes("manifest.json")).toSorted();
}
