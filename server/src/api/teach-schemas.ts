import { z } from "zod";

import { explanation, list, named, text, timeMs } from "./schema-parts.ts";

const verdict = named("Verdict", z.enum(["true", "false", "unclear"]));
const status = z.enum(["pending", "done", "failed", "expired", "superseded"]);

export const findingVerdict = named("FindingVerdict", z.object({ verdict, actor: text, comment: text, timeMs }));

export const verdictRequest = named(
  "VerdictRequest",
  z.object({
    commandId: text,
    actor: text,
    issuedAtMs: timeMs,
    verdict,
    comment: text,
    /** pending: on its way · done: in the gateway's record · failed: the gateway said why not. */
    status,
    finishedMs: timeMs.nullable(),
    outcome: explanation.nullable(),
  }),
);

export const verdictBody = z.strictObject({
  verdict,
  comment: z.string().trim().max(500).default(""),
});

const thing = z.string().regex(/^[a-z0-9][a-z0-9-]{0,47}$/, "expected 1-48 lower-case letters, digits or dashes");
const fraction = z.number().min(0).max(1);
const name = z.string().trim().min(1).max(100);

/** The steps that can be asked for from afar; the gateway checks each again, and its record is what counts. */
export const teachBody = z.strictObject({
  request: z.discriminatedUnion("kind", [
    z.strictObject({
      kind: z.literal("define-thing"),
      thing,
      name: z.strictObject({ zh: name, en: name }),
      on: z.enum(["person", "head", "upper-body", "places"]),
      cameras: z.array(z.string().min(1).max(128)).min(1).max(32),
    }),
    z.strictObject({
      kind: z.literal("mark"),
      thing,
      picture: z.strictObject({
        kind: z.literal("evidence"),
        cameraId: z.string().min(1).max(128),
        sha256: z.string().regex(/^[0-9a-f]{64}$/),
      }),
      region: z.strictObject({ left: fraction, top: fraction, right: fraction, bottom: fraction }),
      answer: z.enum(["yes", "no"]),
    }),
    z.strictObject({ kind: z.literal("fit"), thing }),
    z.strictObject({
      kind: z.literal("activate"),
      thing,
      version: z.int().min(1),
      acceptWeak: z.boolean().default(false),
    }),
    z.strictObject({ kind: z.literal("deactivate"), thing }),
    z.strictObject({ kind: z.literal("roll-back"), thing }),
    z.strictObject({ kind: z.literal("remove"), thing }),
  ]),
});

export const teachingMark = named(
  "TeachingMark",
  z.object({
    thing: text,
    /** The first 12 digits of the crop's hash; the crop itself stays at its gateway. */
    crop: text,
    answer: z.enum(["yes", "no"]),
    author: text,
    timeMs,
    /** By a verdict on it. */
    findingId: text.nullable(),
    /** Where it was cut from; null: a picture that only the gateway has. */
    picture: z
      .object({
        sha256: text,
        region: z.object({ left: z.number(), top: z.number(), right: z.number(), bottom: z.number() }),
      })
      .nullable(),
  }),
);

export const teaching = named(
  "Teaching",
  z.object({
    nowMs: timeMs,
    /** The gateway's own record of what was taught, newest first. */
    changes: list(
      named(
        "TeachingChange",
        z.object({
          thing: text,
          before: text,
          after: text,
          author: text,
          timeMs,
          commandId: text.nullable(),
          /** Crops that a fit got wrong, the surest mistake first. */
          mistakes: list(text),
        }),
      ),
    ),
    /** What stands as marked, newest first, bounded. */
    marks: list(teachingMark),
    /** What was asked for here, newest first. */
    requests: list(
      named(
        "TeachingRequest",
        z.object({
          commandId: text,
          actor: text,
          issuedAtMs: timeMs,
          thing: text,
          step: text,
          status,
          outcome: explanation.nullable(),
        }),
      ),
    ),
  }),
);
