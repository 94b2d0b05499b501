import { Candidates } from "./candidates.ts";
import { fits, type KnownShape, type ModelFamily, type OutputTensor, wrongShape } from "./family.ts";

const stride = 4;
const channels = { heat: 1, size: 2, offset: 2 } as const;

/**
 * CenterFace (arXiv 1911.03599): `heat` [1, 1, H/4, W/4] is the probability of a face's centre, `size` [1, 2, …] the
 * logarithms of height and width in cells, `offset` [1, 2, …] the centre's place below and right of the cell's middle.
 */
export const centerface: ModelFamily<"centerface", { heat: string; size: string; offset: string }> = {
  kind: "centerface",
  roles: ["heat", "size", "offset"],
  check(shapes, classCount) {
    if (classCount !== 1) return `family centerface has one class, the manifest names ${classCount}`;
    for (const [role, count] of Object.entries(channels)) {
      const shape: KnownShape = shapes[role as keyof typeof channels]; // a key of the object just walked
      if (shape.length !== 4 || !fits(shape[1], count)) {
        return `output ${role} must be [1, ${count}, height/4, width/4], found [${shape.join(", ")}]`;
      }
    }
    return undefined;
  },
  decode({ heat, size, offset }, settings) {
    const columns = settings.inputWidth / stride;
    const cells = columns * (settings.inputHeight / stride);
    for (const [role, { data }] of Object.entries({ heat, size, offset })) {
      const expected = cells * channels[role as keyof typeof channels]; // a key of the object just walked
      if (data.length !== expected) throw wrongShape(`output ${role} has ${data.length} numbers, expected ${expected}`);
    }
    const found = new Candidates(settings, "cxcywh");
    const value = (tensor: OutputTensor, channel: number, cell: number): number =>
      tensor.data[channel * cells + cell] ?? 0;
    for (let cell = 0; cell < cells; cell += 1) {
      const score = heat.data[cell] ?? 0;
      if (!(score >= settings.minScore)) continue;
      const x = ((cell % columns) + value(offset, 1, cell) + 0.5) * stride;
      const y = (Math.floor(cell / columns) + value(offset, 0, cell) + 0.5) * stride;
      const width = Math.exp(value(size, 1, cell)) * stride;
      const height = Math.exp(value(size, 0, cell)) * stride;
      found.add(x, y, width, height, 0, score);
    }
    return found.suppressed();
  },
};
