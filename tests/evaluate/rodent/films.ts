import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

import { z } from "zod";

const box = z.tuple([z.number(), z.number(), z.number(), z.number()]);
const description = z.object({
  /** "animal", or what else moves. */
  kind: z.string().min(1),
  /** Where the animal is in each frame (left, top, right, bottom in fractions), null where there is none. */
  animal: z.array(box.nullable()),
  /** Its longer side, about. */
  pixels: z.number(),
  /** The film or group of pictures the animal is from. */
  source: z.string(),
  fps: z.number().positive(),
});

/** A short film of a fixed camera; written by `edge-models/training/night_films.py`. */
export interface Film extends z.output<typeof description> {
  readonly name: string;
  /** JPEG files in order. */
  readonly frames: readonly string[];
}

/** Films below a folder, in order of their names. */
export async function readFilms(folder: string): Promise<readonly Film[]> {
  const films: Film[] = [];
  for (const entry of (await readdir(folder, { withFileTypes: true })).toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    if (!entry.isDirectory()) continue;
    const path = join(folder, entry.name);
    const names = (await readdir(path)).toSorted();
    if (!names.includes("film.json")) continue;
    const film = description.parse(JSON.parse(await readFile(join(path, "film.json"), "utf8")));
    const frames = names.filter((name) => name.endsWith(".jpg")).map((name) => join(path, name));
    if (frames.length !== film.animal.length)
      throw new Error(`${path}: ${frames.length} frames, ${film.animal.length} described`);
    films.push({ ...film, name: entry.name, frames });
  }
  return films;
}
