import { createHash } from "node:crypto";

import { UsualLevel } from "./frame-score.ts";
import type { SavedScene } from "./memory.ts";

/** The first line. Checked by hand: the inference thread does without the schema library and its memory. */
interface Header extends SceneOwner {
  readonly format: 3;
  readonly dimensions: number;
  readonly columns: number;
  readonly rows: number;
  readonly threshold: number;
  readonly typicalLevel: number;
  readonly highestLevel: number;
  readonly framesLearnt: number;
  readonly peopleAreUsual: boolean;
  readonly judgesPlaces: boolean;
  /** Descriptors of the whole scene. */
  readonly entries: number;
  /** Descriptors of all the places. */
  readonly placeEntries: number;
  /** Of the numbers. */
  readonly sha256: string;
}

function readHeader(line: string): Header | undefined {
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof json !== "object" || json === null) return undefined;
  const value = (key: string): unknown => Reflect.get(json, key);
  const texts = ["modelSha256", "label", "sha256"].every((key) => typeof value(key) === "string");
  const counts = ["dimensions", "columns", "rows", "framesLearnt", "entries", "placeEntries"].every((key) =>
    isCount(value(key)),
  );
  const positive =
    isSize(value("threshold")) &&
    value("threshold") !== 0 &&
    isSize(value("typicalLevel")) &&
    isSize(value("highestLevel"));
  const flags = ["peopleAreUsual", "judgesPlaces"].every((key) => typeof value(key) === "boolean");
  return value("format") === 3 && texts && counts && positive && flags ? (json as Header) : undefined; // just checked
}

function isSize(value: unknown): boolean {
  return typeof value === "number" && Number.isFinite(value) && value >= 0;
}

function isCount(value: unknown): boolean {
  return Number.isInteger(value) && Number(value) > 0 && Number(value) <= 1_000_000;
}

/** What a stored memory belongs to: another model, or another label, makes it useless. */
export interface SceneOwner {
  readonly modelSha256: string;
  /** Changed by the operator to have the scene learnt anew. */
  readonly label: string;
}

/**
 * One line of JSON, a line end, then as little-endian floats the scale of each channel, what is usual in each cell, how many
 * descriptors each cell has, these descriptors, and those of the whole scene.
 */
export function encodeScene(scene: SavedScene, owner: SceneOwner): Uint8Array {
  const { counts, patches } = scene.places;
  const numbers = Buffer.concat(
    [scene.scale, scene.usual, Float32Array.from(counts), patches, scene.patches].map((part) => bytesOf(part)),
  );
  const head = {
    format: 3,
    ...owner,
    dimensions: scene.dimensions,
    columns: scene.columns,
    rows: scene.rows,
    threshold: scene.threshold,
    typicalLevel: scene.level.typical,
    highestLevel: scene.level.highest,
    framesLearnt: scene.framesLearnt,
    peopleAreUsual: scene.peopleAreUsual,
    judgesPlaces: scene.judgesPlaces,
    entries: scene.patches.length / scene.dimensions,
    placeEntries: patches.length / scene.dimensions,
    sha256: createHash("sha256").update(numbers).digest("hex"),
  } satisfies Header;
  return Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), numbers]);
}

export type DecodedScene =
  | { readonly kind: "scene"; readonly scene: SavedScene }
  | { readonly kind: "other-owner"; readonly owner: SceneOwner }
  | { readonly kind: "corrupt"; readonly reason: string };

export function decodeScene(bytes: Uint8Array, owner: SceneOwner): DecodedScene {
  const end = bytes.indexOf(10);
  if (end === -1) return { kind: "corrupt", reason: "no header" };
  const data = readHeader(Buffer.from(bytes.subarray(0, end)).toString("utf8"));
  if (data === undefined) return { kind: "corrupt", reason: "the header is wrong" };
  if (data.modelSha256 !== owner.modelSha256 || data.label !== owner.label) return { kind: "other-owner", owner: data };
  const numbers = new Uint8Array(bytes.subarray(end + 1)); // a copy of its own: floats need an aligned start
  const { dimensions } = data;
  const cells = data.columns * data.rows;
  const count = (1 + data.placeEntries + data.entries) * dimensions + 2 * cells;
  if (numbers.length !== count * 4) {
    return { kind: "corrupt", reason: `${numbers.length} bytes of numbers, expected ${count * 4}` };
  }
  if (createHash("sha256").update(numbers).digest("hex") !== data.sha256) {
    return { kind: "corrupt", reason: "the checksum does not match" };
  }
  let at = numbers.byteOffset;
  const take = (length: number): Float32Array => {
    const part = new Float32Array(numbers.buffer, at, length);
    at += part.byteLength;
    return part;
  };
  const scale = take(dimensions);
  const usual = take(cells);
  const counts = Uint8Array.from(take(cells));
  if (counts.reduce((sum, one) => sum + one, 0) !== data.placeEntries) {
    return { kind: "corrupt", reason: "the places do not add up" };
  }
  return {
    kind: "scene",
    scene: {
      dimensions,
      columns: data.columns,
      rows: data.rows,
      threshold: data.threshold,
      level: new UsualLevel(data.typicalLevel, data.highestLevel),
      framesLearnt: data.framesLearnt,
      peopleAreUsual: data.peopleAreUsual,
      judgesPlaces: data.judgesPlaces,
      scale,
      usual,
      places: { counts, patches: take(data.placeEntries * dimensions) },
      patches: take(data.entries * dimensions),
    },
  };
}

function bytesOf(numbers: Float32Array): Uint8Array {
  return new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
}
