import { z } from "zod";

/** How a camera's picture is judged without a network. */
export const healthOptions = z.strictObject({
  /** Without a frame for so long the camera is offline. */
  offlineSeconds: z.number().positive().default(15),
  /** The same pixels for so long: frozen. A live sensor's noise changes every frame. */
  frozenSeconds: z.number().positive().default(30),
  /** A new state counts after so many frames in a row. */
  confirmFrames: z.int().min(1).max(100).default(4),
  /** Frames from which the camera's own normal picture is learnt. */
  learnFrames: z.int().min(3).max(1_000).default(20),
  /** Change it after the camera was moved on purpose: its normal picture is then learnt anew. */
  label: z.string().min(1).max(64).default("1"),
});
export type HealthOptions = z.output<typeof healthOptions>;
