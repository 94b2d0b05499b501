import { z } from "zod";

import type { Definition, Registry } from "./registry.ts";

/** A plug-in definition that is configured: `kind` chooses it, the other keys are its options. */
export interface ConfigurableDefinition extends Definition {
  readonly options: z.ZodType;
}

/** A parsed plug-in entry: the definition chosen by `kind` and its parsed options. */
export interface PluginEntry<D extends ConfigurableDefinition> {
  readonly kind: D["kind"];
  readonly definition: D;
  readonly options: unknown;
}

/**
 * The schema of `{ kind: …, <own keys>, <the kind's options> }`, made from a registry. Problems of `own` keys, of an
 * unknown kind and of the options are reported together with their paths.
 * @param own keys that every entry has besides `kind`, e.g. `id`
 */
export function pluginSchema<D extends ConfigurableDefinition, Own extends z.ZodRawShape>(
  registry: Registry<D>,
  own: Own,
): z.ZodType<PluginEntry<D> & { readonly own: z.output<z.ZodObject<Own>> }> {
  const ownSchema = z.object(own);
  return z.record(z.string(), z.unknown()).transform((entry, context) => {
    const options = Object.fromEntries(Object.entries(entry).filter(([key]) => key !== "kind" && !(key in own)));
    const parsedOwn = ownSchema.safeParse(entry);
    if (!parsedOwn.success) forward(parsedOwn.error.issues, entry, context);
    const definition = registry.all.find((candidate) => candidate.kind === entry["kind"]);
    if (definition === undefined) {
      context.issues.push({
        code: "custom",
        path: ["kind"],
        input: entry["kind"],
        message: `Invalid kind: expected one of ${registry.kinds.join(", ")}`,
      });
      return z.NEVER;
    }
    const parsed = definition.options.safeParse(options);
    if (!parsed.success) forward(parsed.error.issues, entry, context);
    if (!parsed.success || !parsedOwn.success) return z.NEVER;
    return { kind: definition.kind, definition, options: parsed.data, own: parsedOwn.data };
  });
}

/** Passes the issues of an inner parse on to the outer one, below `path`. */
export function forward(
  issues: readonly z.core.$ZodIssue[],
  input: unknown,
  context: { readonly issues: unknown[] },
  path: readonly PropertyKey[] = [],
): void {
  for (const issue of issues) context.issues.push({ ...issue, input, path: [...path, ...issue.path] });
}
