import { seededRandom } from "@frostlight/kernel/testing";
import { assert, asyncProperty, constantFrom, double, integer, option, record } from "fast-check";
import sharp from "sharp";
import { describe, expect, it } from "vitest";

import type { GreyImage } from "./grey.ts";
import { overlayOptions } from "./options.ts";
import { OverlayClock } from "./overlay-clock.ts";

const withDate = "YYYY-MM-DD HH:mm:ss";
const region = { left: 0.1, top: 0.1, right: 0.5, bottom: 0.2 };

interface Look {
  readonly font?: string;
  readonly format?: string;
  readonly blur?: number;
  /** The text does not run. */
  readonly stands?: boolean;
}

const [cellWidth, height] = [13, 22];
const glyphCache = new Map<string, Promise<Buffer>>();

/** White on nothing with a black edge, as cameras write. */
function characterOf(character: string, font: string): Promise<Buffer> {
  const key = `${font} ${character}`;
  const known = glyphCache.get(key);
  if (known !== undefined) return known;
  const text = `<text x="${cellWidth / 2}" y="18" text-anchor="middle" font-family="${font}" font-size="20" fill="#fff" stroke="#000" stroke-width="2" paint-order="stroke">${character}</text>`;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${cellWidth}" height="${height}">${text}</svg>`;
  const made = sharp(Buffer.from(svg)).ensureAlpha().raw().toBuffer();
  glyphCache.set(key, made);
  return made;
}

function written(format: string, localMs: number): string {
  const iso = new Date(localMs).toISOString();
  return format
    .replace("YYYY", iso.slice(0, 4))
    .replace("MM", iso.slice(5, 7))
    .replace("DD", iso.slice(8, 10))
    .replace("HH", iso.slice(11, 13))
    .replace("mm", iso.slice(14, 16))
    .replace("ss", iso.slice(17, 19));
}

/** What a camera shows: its text over a background that moves, as a JPEG. */
async function picture(localMs: number, look: Look): Promise<GreyImage> {
  const { font = "DejaVu Sans Mono", format = withDate, blur, stands = false } = look;
  const text = written(format, stands ? startMs : localMs);
  const width = cellWidth * text.length;
  const noise = seededRandom(Math.abs(Math.floor(localMs / 100)) % 1_000_000);
  const pixels = new Uint8Array(width * height);
  const drift = noise.next() * 200;
  for (let at = 0; at < pixels.length; at += 1) {
    const [x, y] = [at % width, Math.floor(at / width)];
    pixels[at] = 90 + 40 * Math.sin((x + drift) / 17) + 20 * Math.cos((y + drift) / 5) + noise.next() * 16;
  }
  for (const [index, character] of Array.from(text).entries()) {
    const glyph = await characterOf(character, font);
    for (let at = 0; at < cellWidth * height; at += 1) {
      const to = Math.floor(at / cellWidth) * width + index * cellWidth + (at % cellWidth);
      const opaque = (glyph[at * 4 + 3] ?? 0) / 255;
      pixels[to] = (pixels[to] ?? 0) * (1 - opaque) + (glyph[at * 4] ?? 0) * opaque;
    }
  }
  const image = sharp(pixels, { raw: { width, height, channels: 1 } });
  const jpeg = await (blur === undefined ? image : image.blur(blur)).jpeg({ quality: 60 }).toBuffer();
  const { data } = await sharp(jpeg).greyscale().raw().toBuffer({ resolveWithObject: true });
  return { width, height, pixels: new Uint8Array(data) };
}

const startMs = Date.UTC(2026, 10, 22, 23, 56, 41, 370);

interface Run extends Look {
  readonly seconds: number;
  readonly everyMs?: number;
  /** Overlay minus gateway. */
  readonly offsetMs?: number;
  readonly synchronised?: boolean;
  readonly fromMs?: number;
}

async function run(clock: OverlayClock, seen: Run): Promise<number | null> {
  const { seconds, everyMs = 1_000, offsetMs = 0, synchronised = true, fromMs = 0 } = seen;
  const jitter = seededRandom(5);
  for (let atMs = fromMs; atMs < fromMs + seconds * 1_000; atMs += everyMs) {
    if (!clock.wants(atMs + 7_000_000)) continue;
    const localMs = startMs + atMs;
    const shownMs = localMs + offsetMs - jitter.next() * 120;
    clock.look(await picture(shownMs, seen), { monotonicMs: atMs + 7_000_000, localMs, synchronised });
  }
  return clock.wrongSeconds;
}

const clockFor = (format = withDate): OverlayClock => new OverlayClock(overlayOptions.parse({ region, format }));

describe("the time on a camera's picture", () => {
  it.each(["DejaVu Sans Mono", "Noto Sans Mono"])("is learnt and compared in %s, over midnight", async (font) => {
    const right = clockFor();
    expect(await run(right, { font, seconds: 240 })).toBeNull();
    expect(right.isLearnt).toBe(true);
    expect(await run(clockFor(), { font, seconds: 240, offsetMs: 3_600_000 })).toBeCloseTo(3_600, -1);
    expect(await run(clockFor(), { font, seconds: 240, offsetMs: -180_000 })).toBeCloseTo(-180, -1);
  });

  it.each([
    ["blurred", { blur: 3 }],
    ["blurred beyond recognition", { blur: 6 }],
    ["a text that stands still", { stands: true }],
  ] as const)("is never wrong when it is %s", async (_, look) => {
    const clock = clockFor();
    expect(await run(clock, { ...look, seconds: 400, offsetMs: 3_600_000 })).toBeNull();
    expect(clock.isLearnt).toBe(false);
  });

  it.each([
    [2_000, 1_500],
    [4_000, 2_400],
  ])(
    "is learnt from one picture in %i ms: digits that the seconds skip come from the minutes",
    async (everyMs, seconds) => {
      const clock = clockFor();
      expect(await run(clock, { everyMs, seconds, offsetMs: -180_000 })).toBeCloseTo(-180, -1);
    },
  );

  it("is compared without a date across midnight, and with a date it finds a wrong day", async () => {
    const format = "HH:mm:ss";
    expect(await run(clockFor(format), { format, seconds: 300, offsetMs: 180_000 })).toBeCloseTo(180, -1);
    expect(await run(clockFor(format), { format, seconds: 300 })).toBeNull();
    expect(await run(clockFor(), { seconds: 120, offsetMs: 86_400_000 })).toBeCloseTo(86_400, -1);
  });

  it("is not judged by a gateway whose own clock is not set, and no longer when that is lost", async () => {
    const clock = clockFor();
    expect(await run(clock, { seconds: 200, offsetMs: 3_600_000, synchronised: false })).toBeNull();
    expect(clock.isLearnt).toBe(true);
    expect(await run(clock, { seconds: 60, fromMs: 200_000, offsetMs: 3_600_000 })).toBeCloseTo(3_600, -1);
    expect(await run(clock, { seconds: 10, fromMs: 260_000, offsetMs: 3_600_000, synchronised: false })).toBeNull();
  });

  it("is right again once the camera's clock was set", async () => {
    const clock = clockFor();
    expect(await run(clock, { seconds: 120, offsetMs: 3_600_000 })).toBeCloseTo(3_600, -1);
    expect(await run(clock, { seconds: 60, fromMs: 120_000 })).toBeNull();
  });

  it("is forgotten ten minutes after it could be read last, and a clock that stops is not judged", async () => {
    const clock = clockFor();
    await run(clock, { seconds: 120, offsetMs: 3_600_000 });
    expect(await run(clock, { seconds: 500, fromMs: 120_000, blur: 6 })).toBeCloseTo(3_600, -1);
    expect(await run(clock, { seconds: 120, fromMs: 620_000, blur: 6 })).toBeNull();
    const stopped = clockFor();
    await run(stopped, { seconds: 120 });
    expect(await run(stopped, { seconds: 900, fromMs: 120_000, stands: true })).toBeNull();
  });

  it("is read as what it is or not at all, whatever it shows and however blurred", async () => {
    const anyRun = record({
      offsetSeconds: integer({ min: -400 * 86_400, max: 400 * 86_400 }),
      blur: option(double({ min: 0.4, max: 3, noNaN: true }), { nil: undefined }),
      font: constantFrom("DejaVu Sans Mono", "Noto Sans Mono"),
    });
    await assert(
      asyncProperty(anyRun, async ({ offsetSeconds, blur, font }) => {
        const clock = clockFor();
        await run(clock, { seconds: 60, font });
        const offsetMs = offsetSeconds * 1_000;
        const wrong = await run(clock, {
          seconds: 90,
          fromMs: 60_000,
          offsetMs,
          font,
          ...(blur === undefined ? {} : { blur }),
        });
        // A sharp one must be read; a blurred one may say nothing, but nothing false.
        const mayBeSilent = blur !== undefined || Math.abs(offsetSeconds) <= 61;
        expect(wrong === null ? mayBeSilent : Math.abs(wrong - offsetSeconds) <= 2).toBe(true);
      }),
      { numRuns: 12 },
    );
  }, 60_000);
});
