import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

import type { DetectedBox, RgbImage } from "../picture.ts";
import { drawBoxes } from "../tools/pictures.ts";

/** A point of a curve, both 0..1. */
type Point = readonly [x: number, y: number];

export interface Curve {
  readonly name: string;
  readonly points: readonly Point[];
}

const perKind = 12;
const colours = ["#0b6e99", "#c2410c", "#4d7c0f", "#7c3aed", "#b91c1c", "#0f766e", "#a16207", "#475569"];

interface Entry {
  readonly rank: number;
  readonly draw: () => Promise<Uint8Array>;
}

/** Pictures of what went wrong, the worst of each kind, and of the curves. */
export class Gallery {
  readonly folder: string;
  readonly #kinds = new Map<string, Entry[]>();

  constructor(folder: string) {
    this.folder = folder;
  }

  /** @param rank the highest are kept */
  add(kind: string, rank: number, image: RgbImage, boxes: readonly DetectedBox[]): void {
    const entries = this.#kinds.get(kind) ?? [];
    const lowest = entries.at(-1);
    if (entries.length >= perKind && lowest !== undefined && rank <= lowest.rank) return;
    entries.push({ rank, draw: () => drawBoxes(image, boxes) });
    entries.sort((a, b) => b.rank - a.rank);
    this.#kinds.set(kind, entries.slice(0, perKind));
  }

  async write(): Promise<void> {
    const { default: sharp } = await import("sharp");
    for (const [kind, entries] of this.#kinds) {
      await mkdir(this.folder, { recursive: true });
      const [cell, across] = [320, 4];
      const tiles = await Promise.all(
        entries.map(async ({ draw }, index) => ({
          input: await sharp(await draw())
            .resize(cell, cell, { fit: "contain", background: "#222" })
            .toBuffer(),
          left: (index % across) * cell,
          top: Math.floor(index / across) * cell,
        })),
      );
      const size = { width: across * cell, height: Math.ceil(tiles.length / across) * cell };
      await sharp({ create: { ...size, channels: 3, background: "#222" } })
        .composite(tiles)
        .jpeg({ quality: 82 })
        .toFile(join(this.folder, `${kind}.jpg`));
    }
  }

  /** A chart of curves in the unit square, as SVG and PNG. */
  async chart(name: string, axes: readonly [x: string, y: string], curves: readonly Curve[]): Promise<void> {
    const drawn = curves.filter(({ points }) => points.length > 1);
    if (drawn.length === 0) return;
    await mkdir(this.folder, { recursive: true });
    const svg = chartOf(axes, drawn);
    await writeFile(join(this.folder, `${name}.svg`), svg);
    const { default: sharp } = await import("sharp");
    await sharp(Buffer.from(svg), { density: 144 })
      .png()
      .toFile(join(this.folder, `${name}.png`));
  }
}

function chartOf([xAxis, yAxis]: readonly [string, string], curves: readonly Curve[]): string {
  const [left, top, side] = [50, 20, 320];
  const at = ([x, y]: Point): string => `${(left + x * side).toFixed(1)},${(top + (1 - y) * side).toFixed(1)}`;
  const ticks = [0, 0.2, 0.4, 0.6, 0.8, 1].map((value) => {
    const [px, py] = [left + value * side, top + (1 - value) * side];
    return (
      `<path d="M${px} ${top}V${top + side}M${left} ${py}H${left + side}" stroke="#ddd"/>` +
      `<text x="${px}" y="${top + side + 16}" text-anchor="middle">${value}</text>` +
      `<text x="${left - 6}" y="${py + 4}" text-anchor="end">${value}</text>`
    );
  });
  const lines = curves.map(({ name, points }, index) => {
    const colour = colours[index % colours.length];
    const y = top + 12 + index * 16;
    return (
      `<polyline fill="none" stroke="${colour}" stroke-width="2" points="${points.map(at).join(" ")}"/>` +
      `<rect x="${left + side + 14}" y="${y - 9}" width="10" height="10" fill="${colour}"/>` +
      `<text x="${left + side + 30}" y="${y}">${escapeXml(name)}</text>`
    );
  });
  const height = Math.max(top + side + 50, top + curves.length * 16 + 20);
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${left + side + 230}" height="${height}" font-family="sans-serif" font-size="12">` +
    `<rect width="100%" height="100%" fill="#fff"/>${ticks.join("")}${lines.join("")}` +
    `<text x="${left + side / 2}" y="${top + side + 38}" text-anchor="middle">${escapeXml(xAxis)}</text>` +
    `<text transform="translate(14 ${top + side / 2}) rotate(-90)" text-anchor="middle">${escapeXml(yAxis)}</text></svg>\n`
  );
}

function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** True positives against false ones. */
export function rocCurve(negative: readonly number[], positive: readonly number[]): readonly Point[] {
  const all = [...negative.map((score) => ({ score, hit: 0 })), ...positive.map((score) => ({ score, hit: 1 }))];
  if (negative.length === 0 || positive.length === 0) return [];
  let [hits, falses] = [0, 0];
  const points: Point[] = [[0, 0]];
  for (const { hit } of all.toSorted((a, b) => b.score - a.score)) {
    hits += hit;
    falses += 1 - hit;
    points.push([falses / negative.length, hits / positive.length]);
  }
  return points;
}
