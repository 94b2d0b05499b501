import type { PointChoice } from "./point-configuration.ts";

/** A person's wish to watch something that was discovered. */
export interface PointAddition {
  readonly sourceId: string;
  /** As in the list of what was discovered. */
  readonly label: string;
  readonly choice: Required<PointChoice>;
  readonly actor: string;
  readonly reason: string;
}

export type PointAdditionOutcome =
  /** On disk; the gateway begins anew with it at once. */
  | { readonly kind: "done" }
  | { readonly kind: "not-discovered" }
  /** The configuration with this point would not be valid. */
  | { readonly kind: "invalid"; readonly message: string }
  /** The configuration is not the gateway's own to change. */
  | { readonly kind: "not-allowed"; readonly message: string };
