import { openApiDocument } from "@frostlight/server/openapi";

/** A schema as the API's document has it: the part of JSON Schema that zod writes. */
interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
}

/** The text of `src/api.generated.ts`: one type for each named schema of the server's OpenAPI document. */
export async function generateApiTypes(): Promise<string> {
  const document = await openApiDocument();
  const components: unknown = document["components"];
  const schemas = components !== null && typeof components === "object" ? Reflect.get(components, "schemas") : null;
  if (schemas === null || typeof schemas !== "object") throw new Error("the API's document names no schemas");
  const types = Object.entries(schemas).map(([name, schema]) => {
    // The document was made by the server's own code a moment ago; its shape is zod's.
    const text = typeOf(schema as Schema, "");
    return `export type ${name} = ${text};\n`;
  });
  return `// Generated from the server's OpenAPI document by generate.ts; do not edit.\n\n${types.join("\n")}`;
}

function typeOf(schema: Schema, indent: string): string {
  if (schema.$ref !== undefined) return schema.$ref.slice(schema.$ref.lastIndexOf("/") + 1);
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices !== undefined) return choices.map((choice) => typeOf(choice, indent)).join(" | ");
  if (Array.isArray(schema.type)) {
    return schema.type.map((type: string) => typeOf({ ...schema, type }, indent)).join(" | ");
  }
  if (schema.type === "object") return objectOf(schema, indent);
  if (schema.type === "array") {
    const item = typeOf(schema.items ?? {}, indent);
    return `readonly ${/[ |]/.test(item) ? `(${item})` : item}[]`;
  }
  return scalars[String(schema.type)] ?? "unknown";
}

const scalars: Readonly<Record<string, string>> = {
  string: "string",
  boolean: "boolean",
  null: "null",
  number: "number",
  integer: "number",
};

function objectOf(schema: Schema, indent: string): string {
  const { properties, additionalProperties, required = [] } = schema;
  if (properties === undefined) {
    const value = typeof additionalProperties === "object" ? typeOf(additionalProperties, indent) : "unknown";
    return `Readonly<Record<string, ${value}>>`;
  }
  const inner = `${indent}  `;
  const lines = Object.entries(properties).map(
    ([name, property]) => `${inner}readonly ${name}${required.includes(name) ? "" : "?"}: ${typeOf(property, inner)};`,
  );
  return `{\n${lines.join("\n")}\n${indent}}`;
}
