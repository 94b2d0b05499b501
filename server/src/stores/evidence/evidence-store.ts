import { type Random, systemRandom } from "@frostlight/kernel";
import { z } from "zod";

import type { EvidenceStore } from "../../core/evidence.ts";
import { openFilesystemEvidence } from "./filesystem.ts";

/** Configuration of the evidence store. */
export const evidenceOptions = z.strictObject({
  kind: z.literal("filesystem").default("filesystem"),
  folder: z.string().min(1).default("data/evidence").describe("created when missing"),
});

/** Opens the store the options name. Leftovers of uploads that a crash cut off are removed. */
export function openEvidenceStore(
  deps: z.input<typeof evidenceOptions> & { readonly random?: Random },
): Promise<EvidenceStore> {
  const { random = systemRandom, ...given } = deps;
  return openFilesystemEvidence(evidenceOptions.parse(given).folder, random);
}
