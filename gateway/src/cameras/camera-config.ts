import { pluginSchema } from "@frostlight/kernel";
import { z } from "zod";

import { frameSourceRegistry } from "./frames/index.ts";

/** A camera as configured. */
export const cameraConfig = z.looseObject({
  id: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/),
  zone: z.string().min(1),
  name: z.strictObject({ zh: z.string().min(1), en: z.string().min(1) }),
  frames: pluginSchema(frameSourceRegistry, {}),
});
export type CameraConfig = z.output<typeof cameraConfig>;
