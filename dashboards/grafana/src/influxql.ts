/**
 * A small builder for the InfluxQL that dashboards need: the subset that InfluxDB 1.x and the clusters that speak its v1 API
 * share. Names and texts are quoted here and nowhere else. Grafana replaces `$timeFilter`, `$__interval` and `${name:regex}`.
 */

/** A finished piece of InfluxQL, made only by the functions of this file. */
interface Piece<Kind extends string> {
  readonly kind: Kind;
  readonly text: string;
}
export type Expression = Piece<"expression">;
export type Condition = Piece<"condition">;
type Source = Piece<"source">;

const aggregates = ["count", "max", "mean", "min", "last", "sum"] as const;

/** An identifier. */
export function quoteName(name: string): string {
  return `"${name.replaceAll("\\", String.raw`\\`).replaceAll('"', String.raw`\"`)}"`;
}

/** A string literal. */
export function quoteText(text: string): string {
  return `'${text.replaceAll("\\", String.raw`\\`).replaceAll("'", String.raw`\'`)}'`;
}

export function column(name: string): Expression {
  return expression(quoteName(name));
}

export function aggregate(name: (typeof aggregates)[number], of: Expression): Expression {
  return expression(`${name}(${of.text})`);
}

export function number(value: number): Expression {
  return expression(String(value));
}

export function arithmetic(left: Expression, operator: "+" | "-" | "*" | "/", right: Expression): Expression {
  return expression(`(${left.text} ${operator} ${right.text})`);
}

export function named(of: Expression, name: string): Expression {
  return expression(`${of.text} AS ${quoteName(name)}`);
}

export function measurement(name: string): Source {
  return { kind: "source", text: quoteName(name) };
}

/** A tag equals a text. */
export function is(tag: string, text: string): Condition {
  return condition(`${quoteName(tag)} = ${quoteText(text)}`);
}

export function isNot(tag: string, text: string): Condition {
  return condition(`${quoteName(tag)} != ${quoteText(text)}`);
}

/** A tag is what is chosen in a variable of the dashboard; Grafana escapes the values for a regular expression. */
export function isChosen(tag: string, variable: string): Condition {
  return condition(`${quoteName(tag)} =~ /^\${${variable}:regex}$/`);
}

export function anyOf(...conditions: readonly Condition[]): Condition {
  return condition(`(${conditions.map(({ text }) => text).join(" OR ")})`);
}

export interface Select {
  readonly columns: readonly [Expression, ...Expression[]];
  readonly from: Source | Select;
  readonly where?: readonly Condition[];
  /** Of the dashboard's time range; on the innermost query only. */
  readonly inTimeRange?: boolean;
  /** Buckets: Grafana's interval, or a fixed one. */
  readonly every?: "$__interval" | `${number}m`;
  readonly by?: readonly string[];
  readonly fill?: "none" | "null" | "previous" | 0;
  readonly newestFirst?: boolean;
  readonly limit?: number;
}

/** The text of a query. */
export function render(select: Select): string {
  const { columns, from, where = [], inTimeRange = false, every, by = [], fill, newestFirst = false, limit } = select;
  const conditions = [...where.map(({ text }) => text), ...(inTimeRange ? ["$timeFilter"] : [])];
  const groups = [...(every === undefined ? [] : [`time(${every})`]), ...by.map((tag) => quoteName(tag))];
  return [
    `SELECT ${columns.map(({ text }) => text).join(", ")}`,
    `FROM ${"columns" in from ? `(${render(from)})` : from.text}`,
    ...(conditions.length === 0 ? [] : [`WHERE ${conditions.join(" AND ")}`]),
    ...(groups.length === 0 ? [] : [`GROUP BY ${groups.join(", ")}`]),
    ...(fill === undefined ? [] : [`fill(${fill})`]),
    ...(newestFirst ? ["ORDER BY time DESC"] : []),
    ...(limit === undefined ? [] : [`LIMIT ${limit}`]),
  ].join(" ");
}

/** The values of a tag, for a variable. */
export function renderTagValues(from: string, tag: string, where: readonly Condition[] = []): string {
  const filter = where.length === 0 ? "" : ` WHERE ${where.map(({ text }) => text).join(" AND ")}`;
  return `SHOW TAG VALUES FROM ${quoteName(from)} WITH KEY = ${quoteName(tag)}${filter}`;
}

function expression(text: string): Expression {
  return { kind: "expression", text };
}

function condition(text: string): Condition {
  return { kind: "condition", text };
}
