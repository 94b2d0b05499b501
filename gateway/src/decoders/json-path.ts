import { z } from "zod";

import { defineDecoder } from "../core/decoder.ts";
import { readHistory } from "./decoded-object.ts";
import { readDeviceTime, utcOffset } from "./device-time.ts";
import { type Expression, jsonExpression, measureExpression } from "./expression.ts";
import { jsonPath, type JsonPath, readJsonPath } from "./json-path-syntax.ts";
import { fieldNames, isJsonObject, parseJson } from "./json-payload.ts";
import { fieldOptions, measuredFields } from "./measured-fields.ts";
import { measuredOptions, wordOptions } from "./measured-value.ts";

/** Any JSON: say where the number is, and where its time is if it has one. */
export const jsonPathDecoder = defineDecoder({
  kind: "json-path",
  options: z
    .strictObject({
      path: jsonPath.optional(),
      /** Instead of `path`: a small expression such as `$.t / 10 - 40`. */
      expression: jsonExpression.optional(),
      timePath: jsonPath.optional(),
      /** Zone of times that name none, e.g. "+08:00". */
      utcOffset: utcOffset.optional(),
      /** Messages without the path are normal (a device that sends several kinds of message on one topic). */
      optional: z.boolean().default(false),
      ...measuredOptions,
      ...wordOptions,
    })
    .refine((options) => (options.path === undefined) !== (options.expression === undefined), {
      error: "expected either path or expression",
      path: ["path"],
    }),
  example: {
    options: { path: 'params["temperature:0"].tC', timePath: "params.ts", unit: "Cel" },
    topic: "shellyplusht-b8d61a8b17cc/events/rpc",
    payload: '{"params":{"ts":1680962879.62,"temperature:0":{"id":0,"tC":19.8,"tF":67.6}}}',
    readings: [
      { value: 19.8, unit: "Cel", sourceTimeMs: 1_680_962_879_620, quality: "good", reason: null, backfill: false },
    ],
  },
  recognises(message) {
    const first = message.payload[0];
    if (first !== 0x7b && first !== 0x20 && first !== 0x0a) return false;
    const parsed = parseJson(message);
    return parsed.kind === "ok" && isJsonObject(parsed.value);
  },
  decode(message, options) {
    if (message.payload.byteLength === 0) return { kind: "none" };
    const parsed = parseJson(message);
    if (parsed.kind === "invalid") return parsed;
    const time =
      options.timePath === undefined
        ? ({ kind: "none" } as const)
        : readDeviceTime(readJsonPath(parsed.value, options.timePath), options.utcOffset);
    const history = options.path === undefined ? [] : readHistory(parsed.value, options.path, options);
    const measured = measureExpression(expressionOf(options), (_, path) => readAt(parsed.value, path), options, time);
    if (measured.kind === "ok") return { kind: "ok", value: [...history, measured.value] };
    if (measured.kind === "invalid") return measured;
    if (history.length > 0) return { kind: "ok", value: history };
    if (options.optional) return { kind: "none" };
    const found = isJsonObject(parsed.value) ? fieldNames(parsed.value) : "no object";
    return { kind: "invalid", reason: `path-not-found: no ${measured.path} in the payload, found ${found}` };
  },
  discover(message) {
    const parsed = parseJson(message);
    if (parsed.kind === "invalid") return [];
    return measuredFields(parsed.value).map((field) => ({
      field: field.label,
      quantity: field.quantity,
      options: { path: field.path, ...fieldOptions(field) },
    }));
  },
});

const whole: Expression = { kind: "path", root: "$", path: null };

function expressionOf(options: {
  readonly path?: JsonPath | undefined;
  readonly expression?: Expression | undefined;
}): Expression {
  if (options.path !== undefined) return { kind: "path", root: "$", path: options.path };
  return options.expression ?? whole;
}

function readAt(root: unknown, path: JsonPath | null): unknown {
  return path === null ? root : readJsonPath(root, path);
}
