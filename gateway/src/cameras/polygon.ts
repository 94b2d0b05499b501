import { z } from "zod";

const fraction = z.number().min(0).max(1);

/** Corners [x, y] in fractions of the picture's width and height. */
export const polygon = z
  .array(z.tuple([fraction, fraction]))
  .min(3)
  .max(64);
export type Polygon = z.output<typeof polygon>;

/** Even-odd rule. */
export function contains(corners: Polygon, x: number, y: number): boolean {
  let inside = false;
  for (const [index, [ax, ay]] of corners.entries()) {
    const [bx, by] = corners[(index + corners.length - 1) % corners.length] ?? [ax, ay];
    if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) inside = !inside;
  }
  return inside;
}
