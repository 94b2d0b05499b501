import { FrostlightError } from "./errors.ts";

/** What every plug-in definition has: its name in the configuration. */
export interface Definition {
  readonly kind: string;
}

/** A fixed set of plug-in definitions, found by `kind`. */
export interface Registry<D extends Definition> {
  readonly all: readonly D[];
  readonly kinds: readonly D["kind"][];
  get(kind: string): D;
}

/**
 * Builds a registry. A kind registered twice stops the start (`registry/duplicate-kind`); an unknown kind asked for later
 * is `registry/unknown-kind` with the kinds there are.
 */
export function createRegistry<D extends Definition>(name: string, definitions: readonly D[]): Registry<D> {
  const byKind = new Map<string, D>();
  for (const definition of definitions) {
    if (byKind.has(definition.kind)) {
      throw new FrostlightError(
        "registry/duplicate-kind",
        "bug",
        `${name}: kind "${definition.kind}" is registered twice`,
      );
    }
    byKind.set(definition.kind, definition);
  }
  return {
    all: definitions,
    kinds: definitions.map((definition) => definition.kind),
    get(kind) {
      const found = byKind.get(kind);
      if (found === undefined) {
        const known = [...byKind.keys()].join(", ");
        throw new FrostlightError(
          "registry/unknown-kind",
          "config",
          `${name}: unknown kind "${kind}", expected one of ${known}`,
        );
      }
      return found;
    },
  };
}
