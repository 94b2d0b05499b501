import { z } from "zod";

import { explanation, list, named, text, timeMs } from "./schema-parts.ts";
import { evidenceReference } from "./schemas.ts";

const cameraDay = named(
  "CameraDay",
  z.object({
    /** When the local day began. */
    dayMs: timeMs,
    /** Hours in which it has to be in order, as far as they are over; the next three are their sum. */
    operatingMs: z.number(),
    healthyMs: z.number(),
    faultyMs: z.number(),
    /** Nobody can say: the gateway was off or has not told yet. */
    unknownMs: z.number(),
    /** Healthy part of the operating hours, 0 to 1; null: there were none. */
    share: z.number().nullable(),
    longestOutageMs: z.number(),
  }),
);

const cameraFault = named(
  "CameraFault",
  z.object({
    state: text,
    timeMs,
    /** When its state changed next; null: it has not. */
    untilMs: timeMs.nullable(),
    explanation,
    /** Pictures of before and after. */
    evidence: list(evidenceReference),
  }),
);

const learntPart = z.enum(["scene", "health"]);

/** `scene`: what its rules remember of the room · `health`: the normal picture its health is judged by. */
export const learnAnewBody = z.strictObject({ what: learntPart, reason: z.string().trim().min(1).max(500) });

export const cameraLearning = named(
  "CameraLearning",
  z.object({
    what: learntPart,
    actor: text,
    reason: text,
    timeMs,
    /** done: the gateway has begun anew, or is through with it. */
    status: z.enum(["pending", "done", "failed", "expired", "superseded"]),
    isLearnt: z.boolean(),
    outcome: explanation.nullable(),
  }),
);

export const cameraCourse = named(
  "CameraCourse",
  z.object({
    nowMs: timeMs,
    /** In the site's time zone; null: always. */
    operatingHours: list(z.object({ days: list(text), from: text, to: text })).nullable(),
    /** Oldest first; the last one is today. */
    days: list(cameraDay),
    /** Newest first. */
    faults: list(cameraFault),
    /** Newest first. */
    learning: list(cameraLearning),
  }),
);
