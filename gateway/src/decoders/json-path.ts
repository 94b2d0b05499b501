import { z } from "zod";

import { defineDecoder } from "../core/decoder.ts";
import { readHistory } from "./decoded-object.ts";
import { readDeviceTime, utcOffset } from "./device-time.ts";
import { jsonPath, readJsonPath } from "./json-path-syntax.ts";
import { fieldNames, isJsonObject, parseJson } from "./json-payload.ts";
import { measure, measuredOptions, wordOptions } from "./measured-value.ts";

/** Any JSON: say where the number is, and where its time is if it has one. */
export const jsonPathDecoder = defineDecoder({
  kind: "json-path",
  options: z.strictObject({
    path: jsonPath,
    timePath: jsonPath.optional(),
    /** Zone of times that name none, e.g. "+08:00". */
    utcOffset: utcOffset.optional(),
    /** Messages without the path are normal (a device that sends several kinds of message on one topic). */
    optional: z.boolean().default(false),
    ...measuredOptions,
    ...wordOptions,
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
    const history = readHistory(parsed.value, options.path, options);
    const raw = readJsonPath(parsed.value, options.path);
    if (raw === undefined) {
      if (history.length > 0) return { kind: "ok", value: history };
      if (options.optional) return { kind: "none" };
      const found = isJsonObject(parsed.value) ? fieldNames(parsed.value) : "no object";
      return { kind: "invalid", reason: `path-not-found: no ${options.path.text} in the payload, found ${found}` };
    }
    const time =
      options.timePath === undefined
        ? ({ kind: "none" } as const)
        : readDeviceTime(readJsonPath(parsed.value, options.timePath), options.utcOffset);
    const measured = measure(raw, options, time);
    return measured.kind === "ok" ? { kind: "ok", value: [...history, measured.value] } : measured;
  },
});
