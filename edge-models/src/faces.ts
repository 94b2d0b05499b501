import { fileURLToPath } from "node:url";

import { cutSquare, type Square, squareAround } from "./heads/descriptor.ts";
import { letterbox } from "./letterbox.ts";
import type { LoadedModel } from "./load-model.ts";
import type { DetectedBox, RgbImage } from "./picture.ts";
import { drawLetterboxed } from "./resize.ts";

/** The face detector that ships with Frostlight. It finds faces; nothing here tells one from another. */
export const defaultFaceModelFolder = fileURLToPath(new URL("../face-centerface", import.meta.url));

export interface FaceSearch {
  /** Faces below are left out; the model's own threshold by default. Lower where a missed face is worse than a blurred wall. */
  readonly minScore?: number | undefined;
  /** People looked at a second time, enlarged; the tallest first. 0: one pass over the picture only. */
  readonly closerLooks?: number | undefined;
}

const defaultCloserLooks = 6;
/** People with a face this certain need no second look. */
const certainFace = 0.35;
/** Pixels of one person's upper body on the sheet. */
const tilePixels = 160;
/** A face may reach a little over its person's box. */
const looseness = 0.15;
/**
 * Parts of its width and height by which a found box grows. The network frames brow to chin, on a masked face little more
 * than the eyes; what is hidden, and what a mask is looked for in, is the whole face.
 */
const growth = { side: 0.1, up: 0.15, down: 0.35 } as const;
/** Of two boxes, one lying this much inside the other, the less certain goes. */
const maxInside = 0.7;

/**
 * Faces in a picture, forehead to chin: one pass over the whole of it, and one more over a sheet of the enlarged upper bodies
 * of the people in whom none was found for certain. The label is the model's ("face").
 * @param persons what a detector found in the same picture
 */
export async function findFaces(
  model: Pick<LoadedModel, "detect" | "manifest">,
  image: RgbImage,
  persons: readonly DetectedBox[],
  search: FaceSearch = {},
): Promise<readonly DetectedBox[]> {
  const minScore = search.minScore ?? model.manifest.thresholds.score;
  const { boxes } = await model.detect(image, { minScore });
  const certain = boxes.filter(({ score }) => score >= certainFace);
  const faceless = persons
    .filter((person) => !certain.some((face) => belongsTo(face, person)))
    .toSorted((a, b) => b.bottom - b.top - (a.bottom - a.top))
    .slice(0, search.closerLooks ?? defaultCloserLooks);
  if (faceless.length === 0) return eachOnce(boxes.map(grown));
  const sheet = drawSheet(
    image,
    faceless.map((person) => upperBody(person, image)),
  );
  const closer = await model.detect(sheet.image, { minScore });
  return eachOnce([...boxes, ...closer.boxes.flatMap((box) => sheet.toPicture(box) ?? [])].map(grown));
}

function grown(face: DetectedBox): DetectedBox {
  const width = face.right - face.left;
  const height = face.bottom - face.top;
  return {
    ...face,
    left: clamp01(face.left - growth.side * width),
    right: clamp01(face.right + growth.side * width),
    top: clamp01(face.top - growth.up * height),
    bottom: clamp01(face.bottom + growth.down * height),
  };
}

/** Best first. */
function eachOnce(faces: readonly DetectedBox[]): readonly DetectedBox[] {
  const kept: DetectedBox[] = [];
  for (const face of faces.toSorted((a, b) => b.score - a.score)) {
    if (!kept.some((better) => shareInside(face, better) > maxInside || shareInside(better, face) > maxInside)) {
      kept.push(face);
    }
  }
  return kept;
}

/** Share of the first box that lies in the second. */
function shareInside(box: DetectedBox, other: DetectedBox): number {
  const width = Math.min(box.right, other.right) - Math.max(box.left, other.left);
  const height = Math.min(box.bottom, other.bottom) - Math.max(box.top, other.top);
  if (width <= 0 || height <= 0) return 0;
  return (width * height) / ((box.right - box.left) * (box.bottom - box.top));
}

/**
 * What to blur so that nobody is recognised: every face found, and the head region of each person in whom none was
 * (label "head", score of the person).
 */
export function headsToHide(
  faces: readonly DetectedBox[],
  persons: readonly DetectedBox[],
  image: Pick<RgbImage, "width" | "height">,
): readonly DetectedBox[] {
  const hidden = persons.filter((person) => !faces.some((face) => belongsTo(face, person)));
  return [...faces, ...hidden.map((person) => ({ ...headOf(person, image), label: "head", score: person.score }))];
}

/**
 * Where the head of a standing or sitting person is expected: the upper part of the box, as wide as the box but no wider
 * than high. Wide rather than exact: it is used to hide, and to look closer.
 */
export function headOf(
  person: Pick<DetectedBox, "left" | "top" | "right" | "bottom">,
  { width, height }: Pick<RgbImage, "width" | "height">,
): Pick<DetectedBox, "left" | "top" | "right" | "bottom"> {
  const across = (person.right - person.left) * width;
  const down = (person.bottom - person.top) * height;
  // A box wider than high is someone cut off, bent or seen from above: the head may be anywhere in its upper half.
  const headDown = down > 1.2 * across ? Math.max(0.25 * down, Math.min(0.6 * across, 0.4 * down)) : 0.55 * down;
  const headAcross = down > 1.2 * across ? Math.min(across, 1.4 * headDown) : across;
  const centre = (person.left + person.right) / 2;
  return {
    left: Math.max(0, centre - headAcross / 2 / width),
    right: Math.min(1, centre + headAcross / 2 / width),
    top: Math.max(0, person.top - (0.05 * headDown) / height),
    bottom: Math.min(1, person.top + headDown / height),
  };
}

/** A square over head and shoulders. */
function upperBody(person: DetectedBox, image: RgbImage): Square {
  const across = (person.right - person.left) * image.width;
  const down = (person.bottom - person.top) * image.height;
  const side = Math.min(1.1 * Math.max(across, 0.35 * down), Math.max(across, down));
  const bottom = person.top + side / image.height;
  return squareAround(image, { ...person, bottom, top: person.top - (0.1 * side) / image.height }, 0);
}

interface Sheet {
  readonly image: RgbImage;
  /** Undefined for a box that reaches over the border between two people. */
  toPicture(box: DetectedBox): DetectedBox | undefined;
}

function drawSheet(image: RgbImage, squares: readonly Square[]): Sheet {
  const columns = Math.round(Math.sqrt(squares.length * 1.6));
  const rows = Math.ceil(squares.length / columns);
  const width = columns * tilePixels;
  const rgb = new Uint8Array(width * rows * tilePixels * 3).fill(114);
  const tile = new Uint8Array(tilePixels * tilePixels * 3);
  for (const [index, square] of squares.entries()) {
    const cut = cutSquare(image, square);
    drawLetterboxed(cut, letterbox(cut.width, cut.height, tilePixels, tilePixels, "stretch"), 114, tile);
    const at = (Math.floor(index / columns) * width + (index % columns)) * tilePixels;
    for (let y = 0; y < tilePixels; y += 1) {
      rgb.set(tile.subarray(y * tilePixels * 3, (y + 1) * tilePixels * 3), (at + y * width) * 3);
    }
  }
  return {
    image: { width, height: rows * tilePixels, rgb },
    toPicture(box) {
      const column = Math.floor(((box.left + box.right) / 2) * columns);
      const row = Math.floor(((box.top + box.bottom) / 2) * rows);
      const square = squares[row * columns + column];
      if (square === undefined) return undefined;
      const x = (value: number): number =>
        clamp01((square.left + (value * columns - column) * square.side) / image.width);
      const y = (value: number): number => clamp01((square.top + (value * rows - row) * square.side) / image.height);
      const face = { ...box, left: x(box.left), right: x(box.right), top: y(box.top), bottom: y(box.bottom) };
      const isOne = (box.right - box.left) * columns <= 1.05 && (box.bottom - box.top) * rows <= 1.05;
      return isOne && face.right > face.left && face.bottom > face.top ? face : undefined;
    },
  };
}

/** The face's centre lies in the upper part of the person. */
function belongsTo(face: DetectedBox, person: DetectedBox): boolean {
  const x = (face.left + face.right) / 2;
  const y = (face.top + face.bottom) / 2;
  const marginX = looseness * (person.right - person.left);
  const marginY = looseness * (person.bottom - person.top);
  const upper = person.top + 0.6 * (person.bottom - person.top);
  return x >= person.left - marginX && x <= person.right + marginX && y >= person.top - marginY && y <= upper;
}

function clamp01(value: number): number {
  return Math.max(0, Math.min(1, value));
}
