import { z } from "zod";

/** A path into JSON, ready to walk: object fields by name, array elements by index. */
export interface JsonPath {
  readonly text: string;
  readonly segments: readonly (string | number)[];
}

const maxSegments = 16;
/** `name`, `.name`, `[0]`, `["any text"]`: each match is one segment. */
const segmentPattern = /(?:^|\.)([^.[\]"\s][^.[\]"]*)|\[(\d{1,6})\]|\["((?:[^"\\]|\\.)*)"\]/y;

/**
 * Reads a small path such as `a.b["c:d"][0]`. Returns undefined when the text is not one: no wildcards, filters or
 * functions.
 */
export function parseJsonPath(text: string): JsonPath | undefined {
  const source = text.startsWith("$") ? text.slice(1).replace(/^\./, "") : text;
  const segments: (string | number)[] = [];
  segmentPattern.lastIndex = 0;
  while (segmentPattern.lastIndex < source.length) {
    const match = segmentPattern.exec(source);
    if (match === null || segments.length === maxSegments) return undefined;
    const [, name, index, quoted] = match;
    if (name !== undefined) segments.push(name);
    else if (index !== undefined) segments.push(Number(index));
    else segments.push((quoted ?? "").replaceAll(/\\(.)/g, "$1"));
  }
  return segments.length === 0 ? undefined : { text, segments };
}

/** Walks a path; undefined when there is nothing. Only own fields count. */
export function readJsonPath(root: unknown, path: JsonPath): unknown {
  let current = root;
  for (const segment of path.segments) {
    if (typeof current !== "object" || current === null) return undefined;
    if (Array.isArray(current)) {
      const index = typeof segment === "number" ? segment : undefined;
      current = index === undefined ? undefined : (current[index] as unknown); // JSON.parse gives arrays of any
    } else {
      const name = String(segment);
      current = Object.hasOwn(current, name) ? (current as Record<string, unknown>)[name] : undefined; // an object with that field of its own
    }
    if (current === undefined) return undefined;
  }
  return current;
}

/** Schema of a path in the configuration. */
export const jsonPath = z
  .string()
  .min(1)
  .max(256)
  .transform((text, context): JsonPath => {
    const path = parseJsonPath(text);
    if (path !== undefined) return path;
    context.addIssue({
      code: "custom",
      message: 'expected a path such as temperature, a.b[0] or params["temperature:0"].tC',
    });
    return z.NEVER;
  });
