import sharp, { type Sharp } from "sharp";

const width = 640;
const height = 360;

/** An empty prep room as a fixed camera sees it: bench, shelf, sink, cabinet, tiles. Drawn by us. */
const emptyRoom = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 640 360">
  <defs>
    <linearGradient id="wall" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="#d8dcd8"/><stop offset="1" stop-color="#b9bfba"/></linearGradient>
    <linearGradient id="steel" x1="0" y1="0" x2="1" y2="1"><stop offset="0" stop-color="#c9ced2"/><stop offset=".5" stop-color="#8f979c"/><stop offset="1" stop-color="#b4babf"/></linearGradient>
    <pattern id="tiles" width="40" height="30" patternUnits="userSpaceOnUse"><path d="M0 0H40M0 0V30" stroke="#a7ada8" stroke-width="1.5" fill="none"/></pattern>
    <pattern id="floor" width="64" height="26" patternUnits="userSpaceOnUse"><rect width="64" height="26" fill="#8b8378"/><path d="M0 0H64M0 0V26" stroke="#6f685f" stroke-width="2" fill="none"/></pattern>
  </defs>
  <rect width="640" height="360" fill="url(#wall)"/><rect width="640" height="230" fill="url(#tiles)"/>
  <rect y="230" width="640" height="130" fill="url(#floor)"/>
  <rect x="40" y="30" width="250" height="10" fill="#7c858a"/>
  <g fill="#9aa7b0" stroke="#5d666c"><rect x="55" y="5" width="36" height="25"/><rect x="105" y="9" width="46" height="21"/><rect x="170" y="2" width="28" height="28"/><rect x="212" y="12" width="60" height="18"/></g>
  <rect x="30" y="150" width="340" height="18" fill="url(#steel)"/><rect x="42" y="168" width="316" height="92" fill="#70787d"/>
  <path d="M42 214H358M150 168V260M256 168V260" stroke="#4f565a" stroke-width="3"/>
  <g fill="#d9d3c4" stroke="#857f70"><rect x="60" y="128" width="80" height="22" rx="3"/><rect x="162" y="134" width="56" height="16" rx="3"/></g>
  <ellipse cx="300" cy="146" rx="34" ry="7" fill="#6f767a"/><path d="M300 140V104q0-14 16-14" stroke="#5a6165" stroke-width="6" fill="none"/>
  <rect x="440" y="40" width="160" height="240" fill="url(#steel)" stroke="#555c60" stroke-width="3"/><path d="M520 40V280" stroke="#555c60" stroke-width="3"/>
  <rect x="508" y="140" width="6" height="50" fill="#40464a"/><rect x="526" y="140" width="6" height="50" fill="#40464a"/>
  <rect x="456" y="56" width="48" height="20" fill="#2f5d3a"/>
  <circle cx="405" cy="60" r="20" fill="#eee" stroke="#555" stroke-width="3"/><path d="M405 60V47M405 60L414 65" stroke="#333" stroke-width="2.5"/>
</svg>`;

/** What has no business here: a fallen crate with spilt goods and a bag on the floor. */
const intruder = `<svg xmlns="http://www.w3.org/2000/svg" width="170" height="110">
  <g transform="rotate(-9 80 60)"><rect x="8" y="30" width="88" height="52" fill="#b8431f" stroke="#5e1e0b" stroke-width="4"/>
  <path d="M8 47H96M8 64H96M30 30V82M52 30V82M74 30V82" stroke="#5e1e0b" stroke-width="3"/></g>
  <g fill="#3f8f2f" stroke="#1f4a16" stroke-width="2"><circle cx="108" cy="82" r="12"/><circle cx="128" cy="92" r="10"/><circle cx="120" cy="66" r="9"/></g>
  <path d="M132 96q-8-44 12-50q22 4 20 50z" fill="#20242c" stroke="#000" stroke-width="2"/><path d="M140 48q4-14 12 0" stroke="#000" stroke-width="3" fill="none"/>
</svg>`;
const intruderAt = { left: 200, top: 236 } as const;

export interface PrepRoomOptions {
  readonly startMs: number;
  readonly appearAfterMs: number;
  readonly appearForMs: number;
  /** The whole repeats with this period. */
  readonly everyMs: number;
}

/** True while the unusual object lies there. */
export function objectIsThere(options: PrepRoomOptions, nowMs: number): boolean {
  const sinceStart = nowMs - options.startMs;
  const phase = ((sinceStart % options.everyMs) + options.everyMs) % options.everyMs;
  return sinceStart >= 0 && phase >= options.appearAfterMs && phase < options.appearAfterMs + options.appearForMs;
}

/**
 * Renders the room at a time: sensor noise differs from frame to frame, the light drifts by ±3 % over minutes. The same
 * time gives the same picture.
 */
export async function createPrepRoom(options: PrepRoomOptions): Promise<(nowMs: number) => Promise<Uint8Array>> {
  const empty = await rasterise(sharp(Buffer.from(emptyRoom)));
  const object = await sharp(Buffer.from(intruder)).png().toBuffer();
  const occupied = await rasterise(sharp(Buffer.from(emptyRoom)).composite([{ input: object, ...intruderAt }]));
  return async (nowMs) => {
    const base = objectIsThere(options, nowMs) ? occupied : empty;
    return sharp(withNoise(base, nowMs), { raw: { width, height, channels: 3 } })
      .jpeg({ quality: 85 })
      .toBuffer();
  };
}

async function rasterise(image: Sharp): Promise<Uint8Array> {
  const raster = await image.flatten().toColourspace("srgb").png().toBuffer();
  return sharp(raster).blur(0.7).removeAlpha().raw().toBuffer();
}

function withNoise(base: Uint8Array, nowMs: number): Uint8Array {
  const light = 1 + 0.03 * Math.sin((2 * Math.PI * nowMs) / 170_000);
  let state = Math.floor(nowMs) >>> 0;
  const noisy = new Uint8Array(base.length);
  for (let at = 0; at < base.length; at += 1) {
    // xorshift32 (Marsaglia 2003); the sum of four bytes is nearly normal, deviation about 3 grey levels.
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    const sum = (state & 255) + ((state >>> 8) & 255) + ((state >>> 16) & 255) + ((state >>> 24) & 255);
    noisy[at] = Math.max(0, Math.min(255, Math.round((base[at] ?? 0) * light + (sum - 510) / 49)));
  }
  return noisy;
}
