import type { Decoded } from "./model.ts";

/** Runs a reader of outside bytes; what it throws becomes the reason. */
export function guard<T>(what: string, read: () => T): Decoded<T> {
  try {
    return { kind: "ok", value: read() };
  } catch (error) {
    return {
      kind: "invalid",
      reason: `not a valid ${what}: ${error instanceof Error ? error.message : String(error)}`,
    };
  }
}
