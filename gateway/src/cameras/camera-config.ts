import { healthOptions } from "@frostlight/edge-models/health";
import { pluginSchema, scheduleEntry } from "@frostlight/kernel";
import { z } from "zod";

import { evidenceOptions } from "./finding-reporter.ts";
import { frameSourceRegistry } from "./frames/index.ts";
import { ringOptions } from "./ring/frame-ring.ts";
import { cameraRuleRegistry } from "./rules/index.ts";

const identifier = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, "expected 1-64 letters, digits, dots, dashes or underscores");
const name = z.string().min(1).max(200);

/** A camera as configured. */
export const cameraConfig = z
  .strictObject({
    id: identifier,
    zone: identifier,
    name: z.strictObject({ zh: name, en: name }),
    frames: pluginSchema(frameSourceRegistry, {}),
    health: healthOptions.prefault({}),
    /** When the place is at work; outside of it a dark picture is as it should be. Left out: always. */
    operatingHours: z.array(scheduleEntry).min(1).optional(),
    /** The last seconds, for clips. */
    ring: ringOptions.prefault({}),
    /** What findings bring along. */
    evidence: evidenceOptions.prefault({}),
    /** Folder with the detector's manifest; left out: the one that is shipped. */
    model: z.string().min(1).optional(),
    /** Without motion the network looks once in so many seconds. */
    idleSeconds: z.number().min(0.5).max(3_600).default(10),
    rules: z.array(pluginSchema(cameraRuleRegistry, { id: identifier })).default([]),
  })
  .refine((camera) => new Set(camera.rules.map((rule) => rule.own.id)).size === camera.rules.length, {
    message: "two rules have the same id",
    path: ["rules"],
  });
export type CameraConfig = z.output<typeof cameraConfig>;
