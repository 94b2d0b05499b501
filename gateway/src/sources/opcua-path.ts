/** One step of a browse path. */
export interface PathStep {
  /** Index of the browse name's namespace; null: any. */
  readonly namespaceIndex: number | null;
  readonly matches: (name: string) => boolean;
  /** It can match several names. */
  readonly isPattern: boolean;
}

const reserved = /[/.<>:#!&*]/g;

/** Writes a name as a step of a path: reserved characters are escaped with `&` (OPC UA Part 4, Annex A.2). */
export function escapeName(name: string): string {
  return name.replace(reserved, "&$&");
}

/**
 * Reads a browse path below the root folder: `/Objects/2:ColdStore/Room*\/Temperature`. A step is a browse name, with or
 * without the index of its namespace; `*` stands for any characters within a step; `&` takes the meaning from the next
 * character. Returns undefined when the text is no such path.
 */
export function parseBrowsePath(text: string): readonly PathStep[] | undefined {
  if (!text.startsWith("/")) return undefined;
  const parts: string[] = [];
  let part = "";
  // Tokens: an escaped character, or a single one.
  for (const [token] of text.slice(1).matchAll(/&.|./gsu)) {
    if (token === "/") {
      parts.push(part);
      part = "";
    } else part += token;
  }
  const steps = [...parts, part].map(parseStep);
  return steps.every((step) => step !== undefined) ? steps : undefined;
}

function parseStep(part: string): PathStep | undefined {
  const [, index, name = ""] = /^(?:(\d{1,5}):)?(.*)$/su.exec(part) ?? [];
  let isPattern = false;
  let expression = "";
  for (const [token, escaped] of name.matchAll(/&(.)|./gsu)) {
    if (token === "&") return undefined; // nothing follows it
    if (token === "*") {
      isPattern = true;
      expression += ".*";
    } else expression += RegExp.escape(escaped ?? token);
  }
  if (expression === "") return undefined;
  const pattern = new RegExp(`^${expression}$`, "su");
  const namespaceIndex = index === undefined ? null : Number(index);
  return { namespaceIndex, isPattern, matches: (candidate) => pattern.test(candidate) };
}
