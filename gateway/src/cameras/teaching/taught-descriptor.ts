/** The setup that the figures of `models:evaluate --task headwear` stand for. */
export { taughtDescriptor } from "@frostlight/edge-models";

/** Smaller regions are neither marked nor judged; pixels of the longer side. */
export const minRegionPixels = 24;
