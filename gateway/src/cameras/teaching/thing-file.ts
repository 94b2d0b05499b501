import { z } from "zod";

import type { StoredThing } from "./teaching-memory.ts";

const fraction = z.number().min(0).max(1);
const region = z.strictObject({ left: fraction, top: fraction, right: fraction, bottom: fraction });

/** A thing as one file, to be carried to another gateway by hand. Heads stay behind: they are fitted anew from the crops. */
export const thingFile = z.strictObject({
  format: z.literal("frostlight-taught-thing"),
  version: z.literal(1),
  thing: z.string().regex(/^[a-z0-9][a-z0-9-]{0,47}$/),
  name: z.strictObject({ zh: z.string().min(1).max(100), en: z.string().min(1).max(100) }),
  on: z.enum(["person", "head", "upper-body", "places"]),
  places: z.array(region).max(16),
  examples: z
    .array(
      z.strictObject({
        jpeg: z.base64(),
        region,
        answer: z.enum(["yes", "no"]),
        frameMs: z.number(),
        group: z.string().min(1).max(200),
      }),
    )
    .max(500),
});
type ThingFile = z.output<typeof thingFile>;

export async function thingFileOf(
  { thing, name, on, places, examples }: StoredThing,
  read: (crop: string) => Promise<Buffer | undefined>,
): Promise<Uint8Array> {
  const own: ThingFile["examples"] = [];
  for (const { crop, region: marked, answer, frameMs, group } of examples) {
    const jpeg = await read(crop);
    if (jpeg !== undefined) own.push({ jpeg: jpeg.toString("base64"), region: marked, answer, frameMs, group });
  }
  const file: ThingFile = { format: "frostlight-taught-thing", version: 1, thing, name, on, places, examples: own };
  return Buffer.from(JSON.stringify(file));
}
