import { createHash } from "node:crypto";

import { z } from "zod";

import type { SavedScene } from "./memory.ts";

const header = z.strictObject({
  format: z.literal(1),
  modelSha256: z.string(),
  label: z.string(),
  dimensions: z.int().positive().max(100_000),
  columns: z.int().positive().max(4096),
  rows: z.int().positive().max(4096),
  threshold: z.number().positive(),
  framesLearnt: z.int().positive(),
  entries: z.int().positive().max(1_000_000),
  sha256: z.string(),
});

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
    format: 1,
    ...owner,
    dimensions: scene.dimensions,
    columns: scene.columns,
    rows: scene.rows,
    threshold: scene.threshold,
    framesLearnt: scene.framesLearnt,
    entries: scene.patches.length / scene.dimensions,
    sha256: createHash("sha256").update(numbers).digest("hex"),
  } satisfies z.input<typeof header>;
  return Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), numbers]);
}

export type DecodedScene =
  | { readonly kind: "scene"; readonly scene: SavedScene }
  | { readonly kind: "other-owner"; readonly owner: SceneOwner }
  | { readonly kind: "corrupt"; readonly reason: string };

export function decodeScene(bytes: Uint8Array, owner: SceneOwner): DecodedScene {
  const end = bytes.indexOf(10);
  if (end === -1) return { kind: "corrupt", reason: "no header" };
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(bytes.subarray(0, end)).toString("utf8"));
  } catch {
    return { kind: "corrupt", reason: "the header is no JSON" };
  }
  const parsed = header.safeParse(json);
  if (!parsed.success) return { kind: "corrupt", reason: parsed.error.issues[0]?.message ?? "the header is wrong" };
  const { data } = parsed;
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
      framesLearnt: data.framesLearnt,
      scale: all.slice(0, data.dimensions),
      patches: all.slice(data.dimensions),
    },
  };
}

function bytesOf(numbers: Float32Array): Uint8Array {
  return new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
}
