import { contractLimits } from "@frostlight/contract";
import { z } from "zod";

/** The named schemas of the interface: components of the OpenAPI document, types of the console. */
export const apiSchemas = z.registry<{ readonly id: string }>();

export function named<S extends z.ZodType>(id: string, schema: S): S {
  apiSchemas.add(schema, { id });
  return schema;
}

/** An array handed out, never changed. */
export function list<S extends z.ZodType>(schema: S): z.ZodReadonly<z.ZodArray<S>> {
  return z.array(schema).readonly();
}

export const timeMs = z.number();
export const text = z.string();

/** An id in a path or query: any text within the contract's length; it only ever becomes a bound parameter. */
export const identifier = z.string().min(1).max(contractLimits.identifierLength);
export const sha256 = z.string().regex(/^[0-9a-f]{64}$/, "expected 64 lower-case hex digits");

export const priority = named("Priority", z.enum(["warning", "high", "critical"]));

export const explanation = named(
  "Explanation",
  z.object({
    code: text,
    parameters: z.record(text, z.union([z.number(), text, z.object({ timeMs })])),
  }),
);
