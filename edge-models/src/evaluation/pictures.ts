import { readdir, readFile, realpath, stat } from "node:fs/promises";
import { basename, dirname, extname, join, relative, sep } from "node:path";

import { describeError } from "@frostlight/kernel/errors";

import type { RgbImage } from "../picture.ts";
import { readPicture } from "../tools/pictures.ts";

const pictureEndings = new Set([".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".avif"]);
const natural = new Intl.Collator("en", { numeric: true });

/** Every picture below a folder, in the order in which cameras number them. Links are followed, also to folders. */
export async function listPictures(folder: string): Promise<readonly string[]> {
  const pictures = await picturesBelow(folder, new Set());
  return pictures.toSorted((a, b) => natural.compare(a, b));
}

/** @param entered real paths of the folders on the way: a link that leads back into one of them is not followed */
async function picturesBelow(folder: string, entered: ReadonlySet<string>): Promise<readonly string[]> {
  const real = await realpath(folder);
  if (entered.has(real)) return [];
  const way = new Set([...entered, real]);
  const found: string[] = [];
  for (const name of await readdir(folder)) {
    if (name.startsWith(".")) continue;
    const path = join(folder, name);
    const kind = await kindOf(path);
    if (kind === "folder") found.push(...(await picturesBelow(path, way)));
    else if (kind === "file" && pictureEndings.has(extname(name).toLowerCase())) found.push(path);
  }
  return found;
}

/** Names of the folders directly in a folder, sorted; links to folders, too. */
export async function listFolders(folder: string): Promise<readonly string[]> {
  const folders: string[] = [];
  for (const name of await readdir(folder)) {
    if (!name.startsWith(".") && (await kindOf(join(folder, name))) === "folder") folders.push(name);
  }
  return folders.toSorted((a, b) => natural.compare(a, b));
}

/** Of what a link leads to. */
async function kindOf(path: string): Promise<"file" | "folder" | "neither"> {
  try {
    const found = await stat(path);
    if (found.isDirectory()) return "folder";
    return found.isFile() ? "file" : "neither";
  } catch {
    return "neither"; // a link to nowhere
  }
}

export async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch {
    return false;
  }
}

/** Reads pictures; those that cannot be read are counted and named, and the rest goes on. */
export class PictureReader {
  readonly skipped: { readonly path: string; readonly reason: string }[] = [];

  async read(path: string): Promise<RgbImage | null> {
    try {
      return await readPicture(path);
    } catch (error) {
      this.skipped.push({ path, reason: describeError(error).split("\n")[0] ?? "" });
      return null;
    }
  }
}

interface LabelledBox {
  readonly label: string;
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** A folder in the layout of YOLO: pictures under `images/` (nested as one likes), labels of the same name under `labels/`. */
export class YoloFolder {
  readonly pictures: readonly string[];
  readonly classes: readonly string[] | null;
  /** Lines of label files that say nothing. */
  unreadableLines = 0;
  readonly #folder: string;

  private constructor(folder: string, pictures: readonly string[], classes: readonly string[] | null) {
    this.#folder = folder;
    this.pictures = pictures;
    this.classes = classes;
  }

  /** Null when there are no labels. */
  static async open(folder: string): Promise<YoloFolder | null> {
    const hasImages = await exists(join(folder, "images"));
    const pictures = await listPictures(hasImages ? join(folder, "images") : folder);
    const yolo = new YoloFolder(folder, pictures, await readClasses(folder));
    if (await exists(join(folder, "labels"))) return yolo;
    for (const picture of pictures.slice(0, 50)) if ((await yolo.#labelPath(picture)) !== null) return yolo;
    return null;
  }

  /** Empty where a picture has no label file: it shows none of the things. @param names by index, where the folder has none */
  async boxesOf(picture: string, names: readonly string[]): Promise<readonly LabelledBox[]> {
    const path = await this.#labelPath(picture);
    if (path === null) return [];
    const boxes: LabelledBox[] = [];
    for (const line of (await readFile(path, "utf8")).split(/\r?\n/)) {
      if (line.trim() === "") continue;
      const [index = -1, ...numbers] = line.trim().split(/\s+/).map(Number);
      const box = Number.isInteger(index) && index >= 0 ? toBox(numbers) : null;
      if (box === null) this.unreadableLines += 1;
      else boxes.push({ ...box, label: (this.classes ?? names)[index] ?? `class ${index}` });
    }
    return boxes;
  }

  async #labelPath(picture: string): Promise<string | null> {
    const name = `${basename(picture, extname(picture))}.txt`;
    const inside = relative(this.#folder, dirname(picture)).split(sep);
    const swapped = inside.map((part) => (part === "images" ? "labels" : part));
    const candidates = [
      join(this.#folder, ...swapped, name),
      join(this.#folder, "labels", ...inside.filter((part) => part !== "images"), name),
      join(this.#folder, "labels", name),
      join(dirname(picture), name),
    ];
    for (const path of candidates) if (await exists(path)) return path;
    return null;
  }
}

/** Centre, width, height; or the corners of a polygon, as in segmentation labels. */
function toBox(numbers: readonly number[]): Omit<LabelledBox, "label"> | null {
  if (numbers.length < 4 || !numbers.every(Number.isFinite)) return null;
  if (numbers.length >= 6 && numbers.length % 2 === 0) {
    const xs = numbers.filter((_, at) => at % 2 === 0);
    const ys = numbers.filter((_, at) => at % 2 === 1);
    return { left: Math.min(...xs), right: Math.max(...xs), top: Math.min(...ys), bottom: Math.max(...ys) };
  }
  const [x = 0, y = 0, width = 0, height = 0] = numbers;
  if (!(width > 0 && height > 0)) return null;
  return { left: x - width / 2, right: x + width / 2, top: y - height / 2, bottom: y + height / 2 };
}

async function readClasses(folder: string): Promise<readonly string[] | null> {
  for (const name of ["classes.txt", "obj.names", join("labels", "classes.txt")]) {
    if (!(await exists(join(folder, name)))) continue;
    const lines = (await readFile(join(folder, name), "utf8")).split(/\r?\n/).map((line) => line.trim());
    const classes = lines.filter((line, at) => line !== "" || at < lines.length - 1);
    if (classes.some((line) => line !== "")) return classes;
  }
  return null;
}
