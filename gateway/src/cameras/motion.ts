import type { GreyImage } from "./grey.ts";

/** A pixel differing more from the background moved (0..255). */
const pixelChange = 20;
/** Share of moved pixels from which there is motion. */
const movedShare = 0.004;
const adaption = 0.1;

/** Tells whether something moves: the share of pixels that differ from a running background, light changes taken out. */
export class MotionDetector {
  #background: Float32Array | undefined;

  /** Share of pixels that moved, 0..1; the first frame is all new. */
  look(image: GreyImage): { readonly moved: boolean; readonly share: number } {
    const background = this.#background;
    if (background === undefined) {
      this.#background = Float32Array.from(image.pixels);
      return { moved: true, share: 1 };
    }
    let shift = 0;
    for (let at = 0; at < background.length; at += 1) shift += (image.pixels[at] ?? 0) - (background[at] ?? 0);
    shift /= background.length;
    let moved = 0;
    for (let at = 0; at < background.length; at += 1) {
      const difference = (image.pixels[at] ?? 0) - (background[at] ?? 0);
      if (Math.abs(difference - shift) > pixelChange) moved += 1;
      background[at] = (background[at] ?? 0) + difference * adaption;
    }
    const share = moved / background.length;
    return { moved: share >= movedShare, share };
  }
}
