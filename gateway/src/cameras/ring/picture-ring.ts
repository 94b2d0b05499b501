import type { Frame } from "../../core/camera.ts";

/** A picture as kept for clips. */
export interface KeptPicture {
  readonly jpeg: Uint8Array;
  readonly timeMs: number;
  readonly monotonicMs: number;
}

/** A camera's own JPEG of more bytes is kept smaller, from the scaled frame. */
const largestOwnJpeg = 256 * 1_024;
/** Five pictures a second are enough for a clip. */
const minGapMs = 190;
const quality = 75;

/** The last pictures of one camera in memory, bounded by time and bytes; the oldest go first. */
export class PictureRing {
  readonly #keepMs: number;
  readonly #maxBytes: number;
  #pictures: KeptPicture[] = [];
  #bytes = 0;
  #lastTakenMs = Number.NEGATIVE_INFINITY;
  #encoding = false;

  constructor(bounds: { readonly keepMs: number; readonly maxBytes: number }) {
    this.#keepMs = bounds.keepMs;
    this.#maxBytes = bounds.maxBytes;
  }

  record(frame: Frame): void {
    const { jpeg, timeMs, monotonicMs } = frame;
    if (monotonicMs - this.#lastTakenMs < minGapMs || this.#encoding) return;
    this.#lastTakenMs = monotonicMs;
    if (jpeg !== null && jpeg.length <= largestOwnJpeg) {
      this.#keep({ jpeg, timeMs, monotonicMs });
      return;
    }
    this.#encoding = true;
    void encode(frame)
      .then((made) => {
        this.#keep({ jpeg: made, timeMs, monotonicMs });
      })
      .catch(() => undefined) // a frame that cannot be encoded is missing in a clip, nothing more
      .finally(() => {
        this.#encoding = false;
      });
  }

  between(fromMs: number, toMs: number): readonly KeptPicture[] {
    return this.#pictures.filter(({ monotonicMs }) => monotonicMs >= fromMs && monotonicMs <= toMs);
  }

  clear(): void {
    this.#pictures = [];
    this.#bytes = 0;
  }

  usage(): { readonly pictures: number; readonly pictureBytes: number } {
    return { pictures: this.#pictures.length, pictureBytes: this.#bytes };
  }

  #keep(picture: KeptPicture): void {
    this.#pictures.push(picture);
    this.#bytes += picture.jpeg.length;
    for (let oldest = this.#pictures[0]; oldest !== undefined; oldest = this.#pictures[0]) {
      if (this.#bytes <= this.#maxBytes && picture.monotonicMs - oldest.monotonicMs <= this.#keepMs) return;
      this.#pictures.shift();
      this.#bytes -= oldest.jpeg.length;
    }
  }
}

async function encode({ rgb, width, height }: Frame): Promise<Uint8Array> {
  const { default: sharp } = await import("sharp");
  return sharp(rgb, { raw: { width, height, channels: 3 } })
    .jpeg({ quality })
    .toBuffer();
}
