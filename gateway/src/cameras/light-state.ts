import type { RgbImage } from "@frostlight/edge-models";

export type LightState = "day" | "night";

/** Cameras switch to infra-red at night and their picture to grey; lights out makes it dark. */
const night = { colour: 3, brightness: 35 } as const;
const day = { colour: 5, brightness: 45 } as const;
/** A change counts after so many looks in a row: a white delivery van before the lens is no night. */
const confirmLooks = 5;
const step = 37;

/** Tells day from night by colour and brightness, with hysteresis; a camera without colour is always "night". */
export class LightJudge {
  #state: LightState | undefined;
  #others = 0;

  look(image: RgbImage): LightState {
    const now = judge(image) ?? this.#state ?? "day";
    this.#others = now === this.#state ? 0 : this.#others + 1;
    if (this.#state === undefined || this.#others >= confirmLooks) {
      this.#state = now;
      this.#others = 0;
    }
    return this.#state;
  }
}

/** undefined: between the two. */
function judge({ rgb }: RgbImage): LightState | undefined {
  let [colour, brightness, count] = [0, 0, 0];
  for (let at = 0; at + 2 < rgb.length; at += 3 * step) {
    const red = rgb[at] ?? 0;
    const green = rgb[at + 1] ?? 0;
    const blue = rgb[at + 2] ?? 0;
    colour += Math.max(red, green, blue) - Math.min(red, green, blue);
    brightness += (red + green + blue) / 3;
    count += 1;
  }
  colour /= Math.max(1, count);
  brightness /= Math.max(1, count);
  if (colour < night.colour || brightness < night.brightness) return "night";
  if (colour > day.colour && brightness > day.brightness) return "day";
  return undefined;
}
