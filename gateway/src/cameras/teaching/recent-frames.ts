import type { Clock, Random } from "@frostlight/kernel";

import type { Frame } from "../../core/camera.ts";
import type { RecentFrame } from "../../core/teaching.ts";

/** Kept while somebody asked within this time. */
const wantedMs = 60_000;
/** Frames that were looked at stay for so long: somebody is marking in them. */
const touchedMs = 10 * 60_000;
const gapMs = 2_000;
const maxFrames = 24;
const maxTouched = 24;
const maxBytes = 8 * 1_048_576;
const largestOwnJpeg = 1_048_576;
const maxWidth = 1_280;

interface Kept extends RecentFrame {
  readonly cameraId: string;
  readonly jpeg: Uint8Array;
  touchedMs: number | null;
}

/** A camera's last frames, kept only while somebody teaches: it costs nothing otherwise. */
export class RecentFrames {
  readonly #cameraId: string;
  readonly #clock: Clock;
  readonly #random: Random;
  #frames: Kept[] = [];
  #wantedUntilMs = Number.NEGATIVE_INFINITY;
  #lastMs = Number.NEGATIVE_INFINITY;
  #isEncoding = false;

  constructor(cameraId: string, { clock, random }: { readonly clock: Clock; readonly random: Random }) {
    this.#cameraId = cameraId;
    this.#clock = clock;
    this.#random = random;
  }

  record(frame: Frame): void {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs > this.#wantedUntilMs) {
      if (this.#frames.length > 0) this.#evict(0);
      return;
    }
    if (this.#isEncoding || nowMs - this.#lastMs < gapMs) return;
    this.#lastMs = nowMs;
    this.#isEncoding = true;
    void encode(frame)
      .then((jpeg) => {
        const { timeMs } = frame;
        const frameId = this.#random.uuid();
        this.#frames.push({ frameId, cameraId: this.#cameraId, timeMs, jpeg, touchedMs: null });
        this.#evict(maxFrames);
      })
      .catch(() => undefined) // one frame less to mark in
      .finally(() => {
        this.#isEncoding = false;
      });
  }

  /** Oldest first. Asking keeps them coming. */
  list(): readonly RecentFrame[] {
    this.#wantedUntilMs = this.#clock.monotonicMs() + wantedMs;
    return this.#frames.map(({ frameId, timeMs }) => ({ frameId, timeMs }));
  }

  get(frameId: string): Omit<Kept, "touchedMs"> | undefined {
    const frame = this.#frames.find((kept) => kept.frameId === frameId);
    if (frame !== undefined) frame.touchedMs = this.#clock.monotonicMs();
    return frame;
  }

  #evict(untouched: number): void {
    const sinceMs = this.#clock.monotonicMs() - touchedMs;
    const isTouched = (frame: Kept): boolean => frame.touchedMs !== null && frame.touchedMs >= sinceMs;
    let [left, touched, bytes] = [untouched, maxTouched, maxBytes];
    this.#frames = this.#frames
      .toReversed()
      .filter((frame) => {
        const room = isTouched(frame) ? touched-- : left--;
        bytes -= frame.jpeg.length;
        return room > 0 && bytes >= 0;
      })
      .toReversed();
  }
}

async function encode({ jpeg, rgb, width, height }: Frame): Promise<Uint8Array> {
  if (jpeg !== null && jpeg.length <= largestOwnJpeg) return jpeg;
  const { default: sharp } = await import("sharp");
  return sharp(rgb, { raw: { width, height, channels: 3 } })
    .resize({ width: maxWidth, withoutEnlargement: true })
    .jpeg({ quality: 85 })
    .toBuffer();
}
