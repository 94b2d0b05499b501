import { Candidates } from "./candidates.ts";
import type { ModelFamily } from "./family.ts";

const stride = 4;

/**
 * CenterNet ("Objects as Points", arXiv 1904.07850) with four distances instead of width and height. An object's centre is
 * a local maximum of its class's map among the eight neighbours. `size` [1, 4, H/4, W/4] holds the distances from there to
 * the left, upper, right and lower edge in input pixels; the maps come sparse: `cells` [n], flat indices into
 * [classes, H/4, W/4], and `logits` [n], their values; a cell left out is lower than all that are in.
 */
export const centernet: ModelFamily<"centernet", { cells: string; logits: string; size: string }> = {
  kind: "centernet",
  roles: ["cells", "logits", "size"],
  check({ cells, logits, size }) {
    if (cells.length !== 1 || logits.length !== 1) {
      return `outputs cells and logits must be lists, found [${cells.join(", ")}] and [${logits.join(", ")}]`;
    }
    if (size.length !== 4 || size[1] !== 4) {
      return `output size must be [1, 4, height/4, width/4], found [${size.join(", ")}]`;
    }
    return undefined;
  },
  decode({ cells, logits, size }, settings) {
    const width = Math.floor(settings.inputWidth / stride);
    const height = Math.floor(settings.inputHeight / stride);
    const plane = height * width;
    const minLogit = Math.log(settings.minScore / (1 - settings.minScore));
    const logitOf = new Map<number, number>();
    for (const [index, cell] of cells.data.entries()) {
      const logit = logits.data[index] ?? -Infinity;
      if (logit >= minLogit) logitOf.set(cell, logit);
    }
    const found = new Candidates(settings, "xyxy");
    for (const [flat, logit] of logitOf) {
      const classIndex = Math.floor(flat / plane);
      const cell = flat - classIndex * plane;
      const y = Math.floor(cell / width);
      const x = cell - y * width;
      if (classIndex >= settings.classCount || !isPeak(logitOf, flat, x, y, width, height, logit)) continue;
      const edge = (index: number): number => size.data[index * plane + cell] ?? 0;
      const [centreX, centreY] = [x * stride, y * stride];
      const score = 1 / (1 + Math.exp(-logit));
      found.add(centreX - edge(0), centreY - edge(1), centreX + edge(2), centreY + edge(3), classIndex, score);
    }
    return found.suppressed();
  },
};

/** Of two equal neighbours both count, as in the original; the overlap of their boxes sorts that out. */
function isPeak(
  logitOf: ReadonlyMap<number, number>,
  flat: number,
  x: number,
  y: number,
  width: number,
  height: number,
  logit: number,
): boolean {
  for (let dy = y > 0 ? -1 : 0; dy <= (y < height - 1 ? 1 : 0); dy += 1) {
    for (let dx = x > 0 ? -1 : 0; dx <= (x < width - 1 ? 1 : 0); dx += 1) {
      if ((logitOf.get(flat + dy * width + dx) ?? -Infinity) > logit) return false;
    }
  }
  return true;
}
