import { createHash } from "node:crypto";

import { UsualLevel } from "./frame-score.ts";
import type { SavedScene } from "./memory.ts";

/** The first line. Checked by hand: the inference thread does without the schema library and its memory. */
interface Header extends SceneOwner {
  readonly format: 2;
  readonly dimensions: number;
  readonly columns: number;
  readonly rows: number;
  readonly threshold: number;
  readonly typicalLevel: number;
  readonly highestLevel: number;
  readonly framesLearnt: number;
  readonly entries: number;
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
  const counts = ["dimensions", "columns", "rows", "framesLearnt", "entries"].every((key) => isCount(value(key)));
  const positive =
    isSize(value("threshold")) &&
    value("threshold") !== 0 &&
    isSize(value("typicalLevel")) &&
    isSize(value("highestLevel"));
  return value("format") === 2 && texts && counts && positive ? (json as Header) : undefined; // just checked
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

/** One line of JSON, a line end, then scale and patches as little-endian floats. */
export function encodeScene(scene: SavedScene, owner: SceneOwner): Uint8Array {
  const numbers = Buffer.concat([bytesOf(scene.scale), bytesOf(scene.patches)]);
  const head = {
    format: 2,
    ...owner,
    dimensions: scene.dimensions,
    columns: scene.columns,
    rows: scene.rows,
    threshold: scene.threshold,
    typicalLevel: scene.level.typical,
    highestLevel: scene.level.highest,
    framesLearnt: scene.framesLearnt,
    entries: scene.patches.length / scene.dimensions,
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
  const count = (data.entries + 1) * data.dimensions;
  if (numbers.length !== count * 4) {
    return { kind: "corrupt", reason: `${numbers.length} bytes of numbers, expected ${count * 4}` };
  }
  if (createHash("sha256").update(numbers).digest("hex") !== data.sha256) {
    return { kind: "corrupt", reason: "the checksum does not match" };
  }
  const all = new Float32Array(numbers.buffer, numbers.byteOffset, count);
  return {
    kind: "scene",
    scene: {
      dimensions: data.dimensions,
      columns: data.columns,
      rows: data.rows,
      threshold: data.threshold,
      level: new UsualLevel(data.typicalLevel, data.highestLevel),
      framesLearnt: data.framesLearnt,
      scale: all.slice(0, data.dimensions),
      patches: all.slice(data.dimensions),
    },
  };
}

function bytesOf(numbers: Float32Array): Uint8Array {
  return new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
}
