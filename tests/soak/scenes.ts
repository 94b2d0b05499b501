import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import { seededRandom } from "@frostlight/kernel/testing";
import sharp from "sharp";

import { createPrepRoom } from "../sims/prep-room-scene.ts";

/** A scene in which nothing happens that a rule of `rules` should find. */
export interface Scene {
  readonly name: string;
  readonly rules: readonly { readonly id: string; readonly [option: string]: unknown }[];
  /** Seconds after one picture until the next one. */
  stepSeconds(hour: number, second: number): number;
  /** JPEG at a virtual time; the same time gives the same picture. */
  picture(timeMs: number): Promise<Uint8Array>;
}

const [width, height] = [640, 360];
const hourMs = 3_600_000;

/** Learns from an hour or so of idle looks. */
const unusual = { id: "unusual", kind: "unusual-scene", learnFrames: 120 };
const people = [
  { id: "closed", kind: "closed-zone" },
  { id: "crowd", kind: "people-count", atMost: 3 },
  { id: "loitering", kind: "loitering" },
];

/** The building above the street: nobody's feet are ever there. */
const wall = [
  [0.4, 0],
  [0.86, 0],
  [0.86, 0.16],
  [0.4, 0.16],
];

/**
 * An empty kitchen, day and night: noise of the sensor (more at night), light that drifts by ± 12 % over hours and ± 3 % over
 * minutes, lamps at 06:00 and 22:00, infra-red light without colour in between, JPEG quality between 40 and 90.
 */
export async function kitchen(everySeconds: number): Promise<Scene> {
  const room = await createPrepRoom({ startMs: 0, appearAfterMs: 1e15, appearForMs: 1, everyMs: 2e15 });
  const base = await raw(await room(0));
  const rendered = renderer(base, 22);
  return {
    name: "kitchen, empty, day and night",
    rules: [...people, { id: "rodent", kind: "rodent" }, { id: "mask", kind: "mask" }, unusual],
    stepSeconds: () => everySeconds,
    picture: (timeMs) => rendered(timeMs, base, lightAt(timeMs)),
  };
}

/**
 * A street with people about, filmed (never more than a dozen, none near the wall): nothing for a zone nobody enters, a crowd's
 * limit nobody reaches, rodents and unusual things. Light, noise and compression as in the kitchen, at night without colour.
 * Null without the film or ffmpeg.
 */
export async function street(film: string, everySeconds: number): Promise<Scene | null> {
  const folder = await mkdtemp(join(tmpdir(), "frostlight-soak-"));
  try {
    const scaled = `fps=2,scale=${width}:${height}`;
    const run = ["-loglevel", "error", "-i", film, "-vf", scaled, "-q:v", "3", join(folder, "%04d.jpg")];
    await promisify(execFile)("ffmpeg", run, { timeout: 60_000 });
    const names = (await readdir(folder)).toSorted();
    const frames = await Promise.all(names.map(async (name) => raw(await readFile(join(folder, name)))));
    const [first] = frames;
    if (first === undefined) return null;
    const rendered = renderer(first, 7);
    return {
      name: "street with people, day and night",
      rules: [
        { id: "closed", kind: "closed-zone", polygon: wall },
        { id: "crowd", kind: "people-count", atMost: 15 },
        { id: "loitering", kind: "loitering", polygon: wall },
        { id: "rodent", kind: "rodent" },
        unusual,
      ],
      // half a minute of motion an hour as it is filmed, from another place of the film each hour; looks now and then besides
      stepSeconds: (_, second) => (second < 30 ? 0.5 : Math.min(everySeconds, 3_600 - second)),
      picture: (timeMs) => {
        const frame = frames[Math.floor(timeMs / 500) % frames.length] ?? first;
        return rendered(timeMs, frame, lightAt(timeMs));
      },
    };
  } catch {
    return null;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Day from 06:00 to 22:00 in the site's zone, infra-red in between. */
function lightAt(timeMs: number): Look {
  const hour = (timeMs / hourMs + 8) % 24;
  const isNight = hour >= 22 || hour < 6;
  const day = 0.9 + 0.12 * Math.sin((2 * Math.PI * timeMs) / (5 * hourMs)) + 0.03 * Math.sin(timeMs / 27_000);
  return { light: isNight ? 0.45 : day, noise: isNight ? 5 : 2.5, colour: !isNight };
}

interface Look {
  readonly light: number;
  readonly noise: number;
  readonly colour: boolean;
}

/** Noise from a field drawn once, entered at another place each time: drawing it anew would cost more than the network. */
function renderer(like: Uint8Array, seed: number) {
  const random = seededRandom(seed);
  const field = Float32Array.from({ length: 1 << 20 }, () => (random.next() + random.next() + random.next() - 1.5) * 2);
  const noisy = new Uint8Array(like.length);
  return async (timeMs: number, base: Uint8Array, { light, noise, colour }: Look): Promise<Uint8Array> => {
    const chance = seededRandom(Math.floor(timeMs / 10));
    const start = Math.floor(chance.next() * field.length);
    for (let at = 0; at < base.length; at += 1) {
      const value = colour ? (base[at] ?? 0) : (base[at - (at % 3) + 1] ?? 0);
      const of = colour ? at : at - (at % 3);
      noisy[at] = Math.max(0, Math.min(255, value * light + noise * (field[(start + of) & 1_048_575] ?? 0)));
    }
    const quality = 40 + Math.floor(chance.next() * 50);
    return sharp(noisy, { raw: { width, height, channels: 3 } })
      .jpeg({ quality })
      .toBuffer();
  };
}

async function raw(picture: Uint8Array): Promise<Uint8Array> {
  return sharp(picture).resize(width, height, { fit: "fill" }).removeAlpha().raw().toBuffer();
}
