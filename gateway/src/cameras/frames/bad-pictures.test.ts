import { deflateSync } from "node:zlib";

import { systemClock } from "@frostlight/kernel";
import { seededRandom } from "@frostlight/kernel/testing";
import sharp from "sharp";
import { beforeAll, expect, it } from "vitest";

import { decodePicture } from "./picture-decoder.ts";

let jpeg: Buffer;
let png: Buffer;
let webp: Buffer;
beforeAll(async () => {
  const noise = { type: "gaussian", mean: 128, sigma: 40 } as const;
  const image = sharp({ create: { width: 320, height: 240, channels: 3, background: "#888", noise } });
  jpeg = await image.clone().jpeg().toBuffer();
  png = await image.clone().png().toBuffer();
  webp = await image.clone().webp().toBuffer();
});

function crc32(data: Buffer): number {
  let crc = ~0;
  for (const byte of data) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

/** A PNG by hand, so that its header can lie. */
function pngOf(width: number, height: number, pixels: Buffer): Buffer {
  const chunk = (type: string, data: Buffer): Buffer => {
    const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
    const frame = Buffer.alloc(8);
    frame.writeUInt32BE(data.length, 0);
    frame.writeUInt32BE(crc32(body), 4);
    return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
  };
  const header = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 8, 2, 0, 0, 0]);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]);
  return Buffer.concat([
    signature,
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(pixels)),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

const half = (data: Buffer) => data.subarray(0, data.length / 2);
const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"><image href="file:///etc/passwd"/></svg>`;

it.each<[string, () => Buffer | Promise<Buffer>, string]>([
  ["nothing", () => Buffer.alloc(0), "an empty picture"],
  ["half a JPEG", () => half(jpeg), "cannot be decoded"],
  ["half a PNG", () => half(png), "cannot be decoded"],
  ["half a WebP", () => half(webp), "cannot be decoded"],
  ["a JPEG's first bytes", () => jpeg.subarray(0, 4), "cannot be decoded"],
  ["an SVG that names a file", () => Buffer.from(svg), "no JPEG, PNG or WebP"],
  ["a GIF", () => sharp(jpeg).gif().toBuffer(), "no JPEG, PNG or WebP"],
  ["a TIFF", () => sharp(jpeg).tiff().toBuffer(), "no JPEG, PNG or WebP"],
  ["a login page", () => Buffer.from("<!DOCTYPE html><html>"), "no JPEG, PNG or WebP"],
  ["a header of four gigapixels", () => pngOf(65_535, 65_535, Buffer.alloc(100)), "pixel"],
  ["60 megapixels of zeros in 200 kB", () => pngOf(10_000, 6_000, Buffer.alloc(30_001 * 6_000)), "pixel"],
  ["a single pixel", () => sharp(jpeg).resize(1, 1).png().toBuffer(), "1 × 1 pixels"],
])("%s is refused with what is wrong", async (_, make, said) => {
  const event = await decodePicture(await make(), systemClock);
  expect(event).toMatchObject({ kind: "problem", code: "picture-invalid", message: expect.stringContaining(said) });
});

it("a damaged picture is a frame or a sentence, never a throw, whatever byte is wrong", async () => {
  const random = seededRandom(11);
  const kinds = new Set<string>();
  const whole: boolean[] = [];
  for (let n = 0; n < 150; n += 1) {
    const damaged = Buffer.from([jpeg, png, webp][n % 3] ?? jpeg);
    for (let hits = 0; hits < 1 + (n % 8); hits += 1) {
      damaged[Math.floor(random.next() * damaged.length)] = Math.floor(random.next() * 256);
    }
    const event = await decodePicture(damaged, systemClock);
    kinds.add(event.kind);
    whole.push(event.kind === "problem" || event.frame.rgb.length === event.frame.width * event.frame.height * 3);
  }
  expect(whole).not.toContain(false);
  expect(kinds).toEqual(new Set(["frame", "problem"]));
});

it.each([1, 3, 6, 8])("a picture with EXIF orientation %i comes upright", async (orientation) => {
  const red = { create: { width: 100, height: 50, channels: 3 as const, background: "#d00" } };
  const marked = await sharp({ create: { width: 200, height: 100, channels: 3, background: "#222" } })
    .composite([{ input: await sharp(red).png().toBuffer(), left: 0, top: 0 }])
    .withMetadata({ orientation })
    .jpeg()
    .toBuffer();
  const event = await decodePicture(marked, systemClock);
  if (event.kind !== "frame") throw new Error(event.message);
  const { width, height, rgb, jpeg: own } = event.frame;
  // the red corner was top left as stored: 3 turns it by 180°, 6 by 90° clockwise, 8 counter-clockwise
  const corners = { tl: [5, 5], tr: [width - 6, 5], br: [width - 6, height - 6], bl: [5, height - 6] } as const;
  const where = Object.entries(corners).find(([, [x, y]]) => (rgb[(y * width + x) * 3] ?? 0) > 120)?.[0];
  expect([width, height, where]).toEqual(
    { 1: [200, 100, "tl"], 3: [200, 100, "br"], 6: [100, 200, "tr"], 8: [100, 200, "bl"] }[orientation],
  );
  expect(own === null).toBe(orientation !== 1);
});
