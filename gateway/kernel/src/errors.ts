/** Whose fault an error is: decides who is told and whether a process may end because of it. */
export type Fault = "config" | "data" | "peer" | "resource" | "bug";

/** An error with a stable `code` to branch on and a message that names the thing and the value. */
export class FrostlightError extends Error {
  readonly code: string;
  readonly fault: Fault;

  constructor(code: string, fault: Fault, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.name = "FrostlightError";
    this.code = code;
    this.fault = fault;
  }
}

/** True when `error` is one of ours, with that code if one is given. */
export function isFrostlightError(error: unknown, code?: string): error is FrostlightError {
  return error instanceof FrostlightError && (code === undefined || error.code === code);
}

/** The `code` of a Node.js system error (`ENOENT`, `ENOSPC` …) or of ours, if it has one. */
export function errorCode(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

/** One line for logs and screens: the message with those of its causes, never a stack. */
export function describeError(error: unknown): string {
  const parts: string[] = [];
  let current: unknown = error;
  for (let depth = 0; depth < 5 && current !== undefined && current !== null; depth += 1) {
    parts.push(current instanceof Error ? current.message || current.name : JSON.stringify(current));
    current = current instanceof Error ? current.cause : undefined;
  }
  return parts.join(": ");
}
