import { z } from "zod";

/** What a room keeps over a restart; each part checks its own. */
export const keptRoomSchema = z.object({
  zoneId: z.string(),
  product: z.unknown().optional(),
  timeConstant: z.unknown().optional(),
  reported: z.unknown().optional(),
  curves: z.array(z.object({ pointId: z.string(), curve: z.unknown() })),
});
export type KeptRoom = z.input<typeof keptRoomSchema>;

/** What runs in a room, beside the fields of a reported defrost: rises of its probes. */
export const runningRoomSchema = z.object({
  rises: z.array(z.object({ pointId: z.string(), rise: z.unknown() })).optional(),
});
