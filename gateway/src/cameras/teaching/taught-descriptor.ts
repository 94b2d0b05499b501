import type { DescriptorSetup } from "@frostlight/edge-models";

/** The setup that the figures of `models:evaluate --task headwear` stand for. */
export const taughtDescriptor: DescriptorSetup = { kind: "pooled", size: 128, margin: 0, grid: 2 };

/** Smaller regions are neither marked nor judged; pixels of the longer side. */
export const minRegionPixels = 24;
