import type { ChangeRecord } from "@frostlight/contract";
import { z } from "zod";

const region = z.strictObject({ left: z.number(), top: z.number(), right: z.number(), bottom: z.number() });
const answer = z.enum(["yes", "no"]);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

const example = z.strictObject({
  /** SHA-256 of the JPEG: its name. */
  crop: sha256,
  bytes: z.number(),
  /** What was marked, within the crop: a crop may show a little around it. */
  region,
  answer,
  cameraId: z.string(),
  frameMs: z.number(),
  markedMs: z.number(),
  by: z.string(),
  source: z.enum(["marked", "verdict", "imported"]),
  findingId: z.string().nullable(),
  /** Examples of one occasion stay together when a fit is judged. */
  group: z.string(),
});
export type StoredExample = z.output<typeof example>;

const fittedHead = z.strictObject({
  modelId: z.string(),
  modelSha256: sha256,
  /** SHA-256 of the head's JSON: its name. */
  file: sha256,
  quality: z.strictObject({
    auroc: z.number(),
    accuracy: z.number(),
    uncertain: z.number(),
    confusion: z.array(z.array(z.number()).readonly()).readonly(),
    worst: z.array(sha256).readonly(),
  }),
});
export type FittedFor = z.output<typeof fittedHead>;

const version = z.strictObject({
  version: z.int(),
  createdMs: z.number(),
  by: z.string(),
  suggested: z.boolean(),
  /** Somebody switched it on although it is weak. */
  acceptedWeak: z.boolean(),
  /** What it was fitted on. */
  examples: z.array(z.strictObject({ crop: sha256, answer })),
  /** One for each detector of its cameras; at least one. */
  heads: z.array(fittedHead),
});
export type StoredVersion = z.output<typeof version>;

const thing = z.strictObject({
  thing: z.string(),
  name: z.strictObject({ zh: z.string(), en: z.string() }),
  on: z.enum(["person", "head", "upper-body", "places"]),
  cameras: z.array(z.string()),
  places: z.array(region),
  examples: z.array(example),
  versions: z.array(version),
  nextVersion: z.int(),
  active: z.int().nullable(),
  /** Versions that were in use before, newest last. */
  before: z.array(z.int()),
});
export type StoredThing = z.output<typeof thing>;

export const teachingMemory = z.strictObject({
  version: z.literal(1),
  things: z.array(thing),
  verdicts: z.array(
    z.strictObject({
      findingId: z.string(),
      verdict: z.enum(["true", "false", "unclear"]),
      by: z.string(),
      timeMs: z.number(),
    }),
  ),
  /** What cameras were told to learn anew and have not learnt yet. */
  relearning: z.array(z.strictObject({ cameraId: z.string(), what: z.enum(["scene", "health"]) })).default([]),
  /** Changes in force that are perhaps not in the journal yet. */
  outbox: z.array(z.custom<ChangeRecord>((value) => typeof value === "object" && value !== null)),
  /** Commands that were carried out, newest last: the server repeats them. */
  commandIds: z.array(z.string()),
});
export type TeachingMemory = z.output<typeof teachingMemory>;

export const emptyMemory: TeachingMemory = {
  version: 1,
  things: [],
  verdicts: [],
  relearning: [],
  outbox: [],
  commandIds: [],
};
