/** A part of the picture that differs from the background, in fractions of width and height. */
export interface MovingRegion {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
  /** Pixels of the small grey picture that changed in it. */
  readonly changedPixels: number;
  /** How often something moved there lately, 0..1: near 1 for a clock in the picture or a fan. */
  readonly habit: number;
}

/** Fewer changed pixels are noise. */
const minPixels = 4;
const maxRegions = 32;

/**
 * Connected parts of a mask of changed pixels, largest first, at most 32. Parts with up to two unchanged pixels between them
 * are one: an animal's body seldom differs everywhere from what is behind it.
 * @param changed 1 where a pixel changed, row by row
 */
export function movingRegions(
  changed: Uint8Array,
  width: number,
  height: number,
): readonly Omit<MovingRegion, "habit">[] {
  const seen = new Uint8Array(changed.length);
  const regions: Omit<MovingRegion, "habit">[] = [];
  const stack: number[] = [];
  for (let start = 0; start < changed.length; start += 1) {
    if (changed[start] !== 1 || seen[start] === 1) continue;
    let [left, right, top, bottom, count] = [width, 0, height, 0, 0];
    seen[start] = 1;
    stack.push(start);
    for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
      const x = at % width;
      const y = (at - x) / width;
      count += 1;
      left = Math.min(left, x);
      right = Math.max(right, x);
      top = Math.min(top, y);
      bottom = Math.max(bottom, y);
      for (let ny = Math.max(0, y - 2); ny <= Math.min(height - 1, y + 2); ny += 1) {
        for (let nx = Math.max(0, x - 2); nx <= Math.min(width - 1, x + 2); nx += 1) {
          const next = ny * width + nx;
          if (changed[next] !== 1 || seen[next] === 1) continue;
          seen[next] = 1;
          stack.push(next);
        }
      }
    }
    if (count < minPixels) continue;
    regions.push({
      left: left / width,
      top: top / height,
      right: (right + 1) / width,
      bottom: (bottom + 1) / height,
      changedPixels: count,
    });
  }
  return regions.toSorted((a, b) => b.changedPixels - a.changedPixels).slice(0, maxRegions);
}
