import type { Decoded } from "@frostlight/contract";
import { z } from "zod";

import type { DecodedReading } from "../core/decoder.ts";
import type { DeviceTime } from "./device-time.ts";
import { type JsonPath, parseJsonPath } from "./json-path-syntax.ts";
import { measure, type ValueOptions } from "./measured-value.ts";

/** A small arithmetic expression over paths: `$.t / 10 - 40`. Nothing else can be said in it. */
export type Expression =
  | { readonly kind: "number"; readonly value: number }
  | { readonly kind: "path"; readonly root: string; readonly path: JsonPath | null }
  | { readonly kind: "negate"; readonly of: Expression }
  | {
      readonly kind: "binary";
      readonly operator: "+" | "-" | "*" | "/";
      readonly left: Expression;
      readonly right: Expression;
    };

const maxLength = 256;
const maxDepth = 16;
/** A number, a path (a root, then `.name`, `[0]`, `["any text"]` or `['any text']`), an operator or a bracket. */
const tokenPattern =
  /\s*(?:(\d+(?:\.\d+)?)|(\$|[A-Za-z_]\w*)((?:\.[A-Za-z_]\w*|\[\d{1,6}\]|\["[^"\\\]]*"\]|\['[^'\\\]]*'\])*)|([-+*/()]))/y;

type Token =
  | { readonly kind: "number"; readonly value: number }
  | { readonly kind: "path"; readonly root: string; readonly steps: string }
  | { readonly kind: "sign"; readonly sign: string };

/**
 * Reads an expression; undefined when the text is none. `+ - * /`, brackets, numbers and paths below one of `roots`;
 * at most 256 characters.
 */
export function parseExpression(text: string, roots: readonly string[]): Expression | undefined {
  const tokens = tokenise(text, roots);
  if (tokens === undefined) return undefined;
  const parser = new Parser(tokens);
  const expression = parser.sum(0);
  return parser.isAtEnd ? expression : undefined;
}

function tokenise(text: string, roots: readonly string[]): readonly Token[] | undefined {
  const source = text.trim();
  if (source.length === 0 || source.length > maxLength) return undefined;
  const tokens: Token[] = [];
  tokenPattern.lastIndex = 0;
  while (tokenPattern.lastIndex < source.length) {
    const match = tokenPattern.exec(source);
    if (match === null) return undefined;
    const [, number, root, steps = "", sign] = match;
    if (number !== undefined) tokens.push({ kind: "number", value: Number(number) });
    else if (root !== undefined) {
      if (!roots.includes(root)) return undefined;
      tokens.push({ kind: "path", root, steps });
    } else if (sign !== undefined) tokens.push({ kind: "sign", sign });
  }
  return tokens;
}

/** Recursive descent; undefined means "not an expression". */
class Parser {
  readonly #tokens: readonly Token[];
  #next = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  get isAtEnd(): boolean {
    return this.#next === this.#tokens.length;
  }

  sum(depth: number): Expression | undefined {
    let left = this.#product(depth);
    for (let sign = this.#take("+", "-"); left !== undefined && sign !== undefined; sign = this.#take("+", "-")) {
      const right = this.#product(depth);
      left = right === undefined ? undefined : { kind: "binary", operator: sign, left, right };
    }
    return left;
  }

  #product(depth: number): Expression | undefined {
    let left = this.#factor(depth);
    for (let sign = this.#take("*", "/"); left !== undefined && sign !== undefined; sign = this.#take("*", "/")) {
      const right = this.#factor(depth);
      left = right === undefined ? undefined : { kind: "binary", operator: sign, left, right };
    }
    return left;
  }

  #factor(depth: number): Expression | undefined {
    if (depth > maxDepth) return undefined;
    const token = this.#tokens[this.#next];
    this.#next += 1;
    if (token === undefined) return undefined;
    if (token.kind === "number") return token;
    if (token.kind === "path") return pathOf(token.root, token.steps);
    if (token.sign === "-") {
      const of = this.#factor(depth + 1);
      return of === undefined ? undefined : { kind: "negate", of };
    }
    if (token.sign !== "(") return undefined;
    const inner = this.sum(depth + 1);
    return this.#take(")") === undefined ? undefined : inner;
  }

  #take<const S extends string>(...signs: readonly S[]): S | undefined {
    const token = this.#tokens[this.#next];
    const found = token?.kind === "sign" ? signs.find((sign) => sign === token.sign) : undefined;
    if (found !== undefined) this.#next += 1;
    return found;
  }
}

function pathOf(root: string, steps: string): Expression | undefined {
  if (steps === "") return { kind: "path", root, path: null };
  const path = parseJsonPath(steps.replace(/^\./, "").replaceAll(/\['([^']*)'\]/g, '["$1"]'));
  return path === undefined ? undefined : { kind: "path", root, path };
}

/** What became of an expression over a payload: a reading, a refusal, or a path that leads nowhere. */
export type Measured = Decoded<DecodedReading> | { readonly kind: "missing"; readonly path: string };

/**
 * Works an expression out over a payload. Each number it reads is judged by itself first: a sentinel, null or a word for
 * "nothing" under it makes the whole reading bad with that reason.
 * @param read what stands at a path; undefined: nothing
 */
export function measureExpression(
  expression: Expression,
  read: (root: string, path: JsonPath | null) => unknown,
  options: ValueOptions,
  time: DeviceTime,
): Measured {
  let end: Measured | undefined;
  let direct: Measured = measure(null, options, time);
  const value = evaluate(expression, (root, path) => {
    const raw = read(root, path);
    if (raw === undefined) {
      end = { kind: "missing", path: path?.text ?? root };
      return undefined;
    }
    const operand = measure(raw, options, time);
    if (operand.kind === "ok" && operand.value.value !== null) {
      direct = operand;
      return operand.value.value;
    }
    end = operand;
    return undefined;
  });
  if (end !== undefined) return end;
  if (expression.kind === "path") return direct;
  // Twelve digits: 253 / 10 - 40 is -14.7, not -14.7 and what binary arithmetic leaves behind it.
  return measure(value === undefined ? null : Number(value.toPrecision(12)), options, time);
}

function evaluate(
  expression: Expression,
  read: (root: string, path: JsonPath | null) => number | undefined,
): number | undefined {
  if (expression.kind === "number") return expression.value;
  if (expression.kind === "path") return read(expression.root, expression.path);
  if (expression.kind === "negate") {
    const value = evaluate(expression.of, read);
    return value === undefined ? undefined : -value;
  }
  const left = evaluate(expression.left, read);
  const right = left === undefined ? undefined : evaluate(expression.right, read);
  return left === undefined || right === undefined ? undefined : calculate(expression.operator, left, right);
}

function calculate(operator: "+" | "-" | "*" | "/", left: number, right: number): number {
  if (operator === "+") return left + right;
  if (operator === "-") return left - right;
  return operator === "*" ? left * right : left / right;
}

/** True when the expression reads anything at all. */
function readsSomething(expression: Expression): boolean {
  if (expression.kind === "negate") return readsSomething(expression.of);
  if (expression.kind === "binary") return readsSomething(expression.left) || readsSomething(expression.right);
  return expression.kind === "path";
}

/** Schema of an expression in the configuration, paths beginning with `$`. */
export const jsonExpression = z.string().transform((text, context): Expression => {
  const expression = parseExpression(text, ["$"]);
  if (expression !== undefined && readsSomething(expression)) return expression;
  context.addIssue({
    code: "custom",
    message: "expected an expression such as $.t / 10 - 40: paths from $, numbers, + - * / and brackets",
  });
  return z.NEVER;
});
