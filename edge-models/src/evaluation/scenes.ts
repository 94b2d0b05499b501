import { join } from "node:path";

import { FrostlightError } from "@frostlight/kernel/errors";

import { exists, listFolders, listPictures } from "./pictures.ts";

/** What one camera showed in a row. */
export interface SceneRun {
  readonly name: string;
  /** Nothing in it may be flagged. */
  readonly isNormal: boolean;
  readonly pictures: readonly string[];
}

/** One camera: what it is taught with and what it is asked about. */
export interface Scene {
  readonly name: string;
  readonly train: readonly string[];
  readonly runs: readonly SceneRun[];
}

/**
 * The anomaly layout: `<scene>/train_normal`, `<scene>/test_*`; `test_normal*` and `test_benign_*` must not be flagged, the
 * rest must. The folder itself may be the only scene.
 * @throws `evaluate/no-labels` when there is none
 */
export async function findScenes(data: string): Promise<readonly Scene[]> {
  const folders = (await exists(join(data, "train_normal"))) ? [""] : await listFolders(data);
  const scenes: Scene[] = [];
  for (const folder of folders) {
    const base = join(data, folder);
    if (!(await exists(join(base, "train_normal")))) continue;
    const runs: SceneRun[] = [];
    for (const name of await listFolders(base)) {
      if (!name.startsWith("test")) continue;
      const isNormal = name.startsWith("test_normal") || name.startsWith("test_benign");
      runs.push({ name, isNormal, pictures: await listPictures(join(base, name)) });
    }
    scenes.push({
      name: folder === "" ? "scene" : folder,
      train: await listPictures(join(base, "train_normal")),
      runs,
    });
  }
  if (scenes.length === 0) {
    throw new FrostlightError("evaluate/no-labels", "data", `${data}: no <scene>/train_normal found`);
  }
  return scenes;
}
