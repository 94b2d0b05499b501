import { z } from "zod";

import type { TeachOutcome } from "../core/teaching.ts";
import { actorOf, type Outcome, type Write, write } from "./requests.ts";

const name = z.string().trim().min(1).max(60);
/** A thing with 500 crops as base64. */
const importBytes = 64 * 1_048_576;
const unavailable: Outcome = { status: 404, outcome: "no-cameras" };

function toOutcome(outcome: TeachOutcome): Outcome {
  if (outcome.kind === "already-done") return { status: 200, outcome: "done" };
  if (outcome.kind === "refused") {
    const isUnknown = outcome.reason.startsWith("unknown-") || outcome.reason === "picture-gone";
    const status = isUnknown ? 404 : outcome.reason === "invalid" ? 400 : 409;
    return { status, outcome: outcome.reason, message: outcome.message };
  }
  const { kind, ...made } = outcome;
  return { status: 200, outcome: kind, ...made };
}

/** Teaching and judging, by address. The step itself is checked where it is done, as one from the server is. */
export const teachWrites: Readonly<Record<string, Write>> = {
  "/teach": write(
    "change",
    z.strictObject({ name, request: z.unknown() }),
    "{ name, request }",
    async (body, { teaching }) => {
      if (teaching === undefined) return unavailable;
      return toOutcome(await teaching.teach(body.request, { actor: actorOf(body.name), commandId: null }));
    },
  ),
  "/teach/export": write(
    "change",
    z.strictObject({ name, thing: z.string().min(1).max(64) }),
    "{ name, thing }",
    async (body, { teaching }) => {
      const file = await teaching?.export(body.thing, { actor: actorOf(body.name), commandId: null });
      if (file === undefined) return { status: 404, outcome: "unknown-thing" };
      return { status: 200, outcome: "done", file: JSON.parse(Buffer.from(file).toString("utf8")) };
    },
  ),
  "/teach/import": write(
    "change",
    z.strictObject({ name, file: z.unknown() }),
    "{ name, file }",
    async (body, { teaching }) => {
      if (teaching === undefined) return unavailable;
      return toOutcome(await teaching.import(body.file, { actor: actorOf(body.name), commandId: null }));
    },
    importBytes,
  ),
  "/findings/judge": write(
    "acknowledge",
    z.strictObject({
      name,
      findingId: z.string().min(1).max(128),
      verdict: z.enum(["true", "false", "unclear"]),
      comment: z.string().trim().max(500).default(""),
    }),
    "{ name, findingId, verdict, comment? }",
    async ({ name: typed, ...request }, { teaching }) => {
      if (teaching === undefined) return unavailable;
      return toOutcome(await teaching.judge(request, { actor: actorOf(typed), commandId: null }));
    },
  ),
};
