import { z } from "zod";

import { type Expression, parseExpression } from "./expression.ts";

/** What is understood of a Home Assistant value template: one expression and how its result is rounded. */
export interface ValueTemplate {
  readonly text: string;
  readonly expression: Expression;
  /** Decimal places; null: as it is. */
  readonly digits: number | null;
}

const maxLength = 512;
const templatePattern = /^\s*\{\{-?\s*([^{}]+?)\s*-?\}\}\s*$/;
/**
 * Filters that change nothing for us or are followed. A default ("float(0)") is never taken: a missing value would become
 * a number.
 */
const neutralFilter = /^(?:float|int|is_defined|string|trim|(?:float|int|default|d)\([^()]{0,32}\))$/;
const roundFilter = /^round(?:\((\d{0,2})\))?$/;

/**
 * Reads a simple template: `{{ value }}`, `{{ value_json.temperature | round(1) }}`, `{{ value_json['a'].b / 10 }}`.
 * undefined for statements, conditions and other functions.
 */
export function parseValueTemplate(text: string): ValueTemplate | undefined {
  if (text.length > maxLength) return undefined;
  const inner = templatePattern.exec(text)?.[1];
  if (inner === undefined) return undefined;
  const [body = "", ...filters] = inner.split("|").map((part) => part.trim());
  const expression = parseExpression(unwrap(body), ["value", "value_json"]);
  if (expression === undefined) return undefined;
  let digits: number | null = null;
  for (const filter of filters) {
    const round = roundFilter.exec(filter);
    if (round !== null) digits = Math.min(Number(round[1] ?? "0"), 10);
    else if (!neutralFilter.test(filter)) return undefined;
  }
  return { text, expression, digits };
}

/** `float(value_json.t)` is `value_json.t`. */
function unwrap(body: string): string {
  return /^(?:float|int)\(([^(),|]+)\)$/.exec(body)?.[1] ?? body;
}

/** Schema of a template in the configuration. */
export const valueTemplate = z.string().transform((text, context): ValueTemplate => {
  const template = parseValueTemplate(text);
  if (template !== undefined) return template;
  context.addIssue({
    code: "custom",
    message: "expected a simple template such as {{ value_json.temperature | round(1) }}",
  });
  return z.NEVER;
});
