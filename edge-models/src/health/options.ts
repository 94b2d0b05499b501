import { z } from "zod";

const fraction = z.number().min(0).max(1);

/** Where and how the camera writes its time into the picture. */
export const overlayOptions = z.strictObject({
  /** Fractions of the picture; encloses the text tightly, characters of equal width. */
  region: z
    .strictObject({ left: fraction, top: fraction, right: fraction, bottom: fraction })
    .refine(({ left, top, right, bottom }) => left < right && top < bottom, {
      message: "expected left < right, top < bottom",
    }),
  /** A letter for each digit, any other character for what stands between them. With a day it needs year and month too. */
  format: z
    .string()
    .max(40)
    .refine((format) => isClockFormat(format), {
      message: "expected HH, mm and ss once each, with or without YYYY or YY, MM and DD, such as YYYY-MM-DD HH:mm:ss",
    }),
  /** Wrong by more than this is told. */
  toleranceSeconds: z.number().min(5).max(43_000).default(60),
});
export type OverlayOptions = z.output<typeof overlayOptions>;

function isClockFormat(format: string): boolean {
  const groups = format.match(/([YMDHms])\1*/gu) ?? [];
  const found = [...groups].toSorted().join(" ");
  return ["HH mm ss", "DD HH MM YY mm ss", "DD HH MM YYYY mm ss"].includes(found);
}

/** How a camera's picture is judged without a network. */
export const healthOptions = z.strictObject({
  /** Without a frame for so long the camera is offline. */
  offlineSeconds: z.number().positive().default(15),
  /** The same pixels for so long: frozen. A live sensor's noise changes every frame. */
  frozenSeconds: z.number().positive().default(30),
  /** A new state counts after so many frames in a row. */
  confirmFrames: z.int().min(1).max(100).default(4),
  /** Frames from which the camera's own normal picture is learnt. */
  learnFrames: z.int().min(3).max(1_000).default(20),
  /** The time on the picture; left out: not judged. */
  overlay: overlayOptions.optional(),
  /** Change it after the camera was moved on purpose: its normal picture is then learnt anew. */
  label: z.string().min(1).max(64).default("1"),
});
export type HealthOptions = z.output<typeof healthOptions>;
