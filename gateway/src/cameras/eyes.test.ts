import * as fc from "fast-check";
import { expect, it } from "vitest";

import { cutAround } from "./eyes.ts";

const [width, height] = [64, 48];
/** Every pixel tells where it is. */
const rgb = Uint8Array.from({ length: width * height * 3 }, (_, at) => {
  const pixel = Math.floor(at / 3);
  return at % 3 === 0 ? pixel % width : Math.floor(pixel / width);
});
const image = { width, height, rgb };

it("cuts out a part in which the region lies as in the whole, with its margin as far as the picture goes", () => {
  const fraction = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(
      fraction,
      fraction,
      fraction,
      fraction,
      fc.double({ min: 0, max: 1, noNaN: true }),
      (a, b, c, d, margin) => {
        const region = { left: Math.min(a, b), right: Math.max(a, b), top: Math.min(c, d), bottom: Math.max(c, d) };
        fc.pre((region.right - region.left) * width >= 1 && (region.bottom - region.top) * height >= 1);
        const part = cutAround(image, region, margin);
        const originX = part.image.rgb[0] ?? 0;
        const originY = part.image.rgb[1] ?? 0;
        expect(part.image.rgb).toHaveLength(part.image.width * part.image.height * 3);
        expect(originX + part.region.left * part.image.width).toBeCloseTo(region.left * width, 6);
        expect(originY + part.region.bottom * part.image.height).toBeCloseTo(region.bottom * height, 6);
        const side =
          Math.max((region.right - region.left) * width, (region.bottom - region.top) * height) * (1 + 2 * margin);
        const centre = ((region.left + region.right) / 2) * width;
        expect(originX).toBeLessThanOrEqual(Math.max(0, centre - side / 2));
        expect(originX + part.image.width).toBeGreaterThanOrEqual(Math.min(width, centre + side / 2));
      },
    ),
  );
});
