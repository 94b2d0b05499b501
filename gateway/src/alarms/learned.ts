import { z } from "zod";

/** What the alarms have learned of their rooms: kept beside the state of the alarms, because it is larger and changes rarely. */
const learnedSchema = z.object({
  version: z.literal(1),
  rooms: z.array(z.looseObject({ zoneId: z.string() })),
  /** By the key of a rule's instance. */
  rules: z.array(z.object({ key: z.string(), state: z.unknown() })),
});
export type LearnedAlarms = z.input<typeof learnedSchema>;

/** What cannot be read is learned anew: until then plain limits apply. */
export function parseLearned(input: unknown): {
  readonly rooms: ReadonlyMap<string, unknown>;
  readonly rules: ReadonlyMap<string, unknown>;
} {
  const parsed = learnedSchema.safeParse(input);
  if (!parsed.success) return { rooms: new Map(), rules: new Map() };
  return {
    rooms: new Map(parsed.data.rooms.map((room) => [room.zoneId, room])),
    rules: new Map(parsed.data.rules.map(({ key, state }) => [key, state])),
  };
}
