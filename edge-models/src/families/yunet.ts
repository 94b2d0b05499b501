import { Candidates } from "./candidates.ts";
import { isTable, type KnownShape, type ModelFamily, type OutputTensor, rowsOf, wrongShape } from "./family.ts";

const strides = [8, 16, 32] as const;
const roles = strides.flatMap((stride) => [`cls_${stride}`, `obj_${stride}`, `bbox_${stride}`]);

/**
 * YuNet (libfacedetection.train): for each stride cls [1, cells, 1], obj [1, cells, 1] and bbox [1, cells, 4]; x and y are
 * offsets in cells from the cell's corner, width and height logarithms in cells; the score is the root of cls × obj. The
 * points of the face are not read.
 */
export const yunet: ModelFamily<"yunet"> = {
  kind: "yunet",
  roles,
  check(shapes, classCount) {
    if (classCount !== 1) return `family yunet has one class, the manifest names ${classCount}`;
    for (const role of roles) {
      const columns = role.startsWith("bbox") ? 4 : 1;
      const shape: KnownShape = shapes[role] ?? [];
      if (!isTable(shape, columns)) return `output ${role} must be [1, cells, ${columns}], found [${shape.join(", ")}]`;
    }
    return undefined;
  },
  decode(outputs, settings) {
    const found = new Candidates(settings, "cxcywh");
    for (const stride of strides) {
      const across = Math.floor(settings.inputWidth / stride);
      const cells = across * Math.floor(settings.inputHeight / stride);
      const read = (role: string, columns: number): OutputTensor["data"] => {
        const tensor = outputs[`${role}_${stride}`] ?? { shape: [], data: new Float32Array(0) };
        if (rowsOf(tensor, columns, `${role}_${stride}`) === cells) return tensor.data;
        throw wrongShape(`output ${role}_${stride} came as [${tensor.shape.join(", ")}], expected ${cells} cells`);
      };
      const [classes, objects, boxes] = [read("cls", 1), read("obj", 1), read("bbox", 4)];
      for (let cell = 0; cell < cells; cell += 1) {
        const score = Math.sqrt(clamp01(classes[cell] ?? 0) * clamp01(objects[cell] ?? 0));
        if (!(score >= settings.minScore)) continue;
        const edge = (index: number): number => boxes[cell * 4 + index] ?? 0;
        const x = (edge(0) + (cell % across)) * stride;
        const y = (edge(1) + Math.floor(cell / across)) * stride;
        found.add(x, y, Math.exp(edge(2)) * stride, Math.exp(edge(3)) * stride, 0, score);
      }
    }
    return found.suppressed();
  },
};

function clamp01(value: number): number {
  return Math.max(0, Math.min(1, value));
}
