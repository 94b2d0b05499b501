import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";

import { describeError } from "@frostlight/kernel";
import { z } from "zod";

import { defineFrameSource, type FrameEvent, type FrameSourceContext } from "../../core/camera.ts";
import { decodePicture } from "./picture-decoder.ts";

const options = z.strictObject({
  /** Folder of JPEG, PNG and WebP files, taken in the order of their names. */
  path: z.string().min(1),
  fps: z.number().positive().max(60).default(2),
  /** Begin again after the last picture. */
  loop: z.boolean().default(true),
});
type Options = z.output<typeof options>;

const maxBytes = 64 * 1_048_576;
const retryMs = 5_000;

/** Replays pictures from a folder, for evaluation and support. */
export const folder = defineFrameSource({
  kind: "folder",
  options,
  example: { path: "/nonexistent/pictures" },
  open: (chosen: Options, context) => ({ [Symbol.asyncIterator]: () => pictures(chosen, context) }),
});

async function* pictures(chosen: Options, context: FrameSourceContext): AsyncGenerator<FrameEvent> {
  const { clock, signal } = context;
  try {
    for (let round = 0; !signal.aborted && (chosen.loop || round === 0); round += 1) {
      const names = await listPictures(chosen.path);
      if (typeof names === "string") yield { kind: "problem", code: "unreachable", message: names };
      for (const name of typeof names === "string" ? [] : names) {
        const startedMs = clock.monotonicMs();
        if (signal.aborted) return;
        yield await readPicture(join(chosen.path, name), context);
        await clock.sleep(Math.max(0, 1_000 / chosen.fps - (clock.monotonicMs() - startedMs)), signal);
      }
      if (typeof names === "string") await clock.sleep(retryMs, signal);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

async function listPictures(path: string): Promise<readonly string[] | string> {
  try {
    const names = (await readdir(path)).filter((name) => /\.(?:jpe?g|png|webp)$/i.test(name)).toSorted();
    return names.length === 0 ? `folder ${path} has no .jpg, .png or .webp file` : names;
  } catch (error) {
    return `folder ${path} cannot be read: ${describeError(error)}`;
  }
}

async function readPicture(file: string, context: FrameSourceContext): Promise<FrameEvent> {
  try {
    const { size } = await stat(file);
    if (size > maxBytes) {
      return { kind: "problem", code: "picture-too-large", message: `${file}: ${size} bytes, at most ${maxBytes}` };
    }
    const event = await decodePicture(await readFile(file), context.clock);
    return event.kind === "frame" ? event : { ...event, message: `${file}: ${event.message}` };
  } catch (error) {
    return { kind: "problem", code: "unreachable", message: `${file}: ${describeError(error)}` };
  }
}
