import { z } from "zod";

/** What a room keeps over a restart; each part checks its own. */
export const keptRoomSchema = z.object({
  zoneId: z.string(),
  product: z.unknown(),
  reported: z.unknown(),
  curves: z.array(z.object({ pointId: z.string(), curve: z.unknown() })),
});
export type KeptRoom = z.input<typeof keptRoomSchema>;
