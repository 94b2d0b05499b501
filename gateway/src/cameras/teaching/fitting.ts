import type { Head, LoadedModel } from "@frostlight/edge-models";
import { FrostlightError } from "@frostlight/kernel";

import type { TaughtQuality } from "../../core/teaching.ts";
import { decodePicture } from "./crop-picture.ts";
import { fitApart } from "./fit-apart.ts";
import { minRegionPixels, taughtDescriptor } from "./taught-descriptor.ts";
import type { StoredExample } from "./teaching-memory.ts";

/** What the network sees of a crop; more than these are not kept. */
const maxKept = 1_000;

type Detector = Pick<LoadedModel, "id" | "sha256" | "describe">;

/**
 * What the network sees of crops. It lives in memory, while somebody teaches: on disk there are crops only.
 */
export class CropDescriptors {
  readonly #read: (crop: string) => Promise<Uint8Array | undefined>;
  readonly #kept = new Map<string, Float32Array>();

  constructor(read: (crop: string) => Promise<Uint8Array | undefined>) {
    this.#read = read;
  }

  /** undefined: the crop's file is lost. */
  async of(model: Detector, { crop, region }: StoredExample): Promise<Float32Array | undefined> {
    const key = `${model.sha256} ${crop}`;
    const known = this.#kept.get(key);
    if (known !== undefined) return known;
    const jpeg = await this.#read(crop);
    if (jpeg === undefined) return undefined;
    const [descriptor] = await model.describe(await decodePicture(jpeg), [region], taughtDescriptor);
    if (descriptor === undefined) return undefined;
    this.#kept.set(key, descriptor);
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= maxKept) break;
      this.#kept.delete(oldest);
    }
    return descriptor;
  }

  forget(): void {
    this.#kept.clear();
  }
}

export interface Fitted {
  readonly head: Head;
  readonly quality: TaughtQuality;
}

/**
 * Fits a thing's head on its crops as one detector sees them. The same crops give the same head.
 * @throws `head/too-few-examples`, and what the model says of a picture
 */
export async function fitThing(
  thing: { readonly thing: string; readonly version: number; readonly examples: readonly StoredExample[] },
  model: Detector,
  descriptors: CropDescriptors,
): Promise<Fitted> {
  const examples: { readonly crop: string; readonly descriptor: Float32Array; label: string; group: string }[] = [];
  for (const example of thing.examples) {
    const descriptor = await descriptors.of(model, example);
    if (descriptor === undefined) continue;
    examples.push({ crop: example.crop, descriptor, label: example.answer, group: example.group });
  }
  if (examples.length === 0) throw new FrostlightError("head/too-few-examples", "data", "no crop is marked yet");
  const { head, crossValidation } = await fitApart({
    id: `taught-${thing.thing}`,
    version: String(thing.version),
    task: "taught",
    classes: ["no", "yes"],
    descriptor: taughtDescriptor,
    modelSha256: model.sha256,
    examples,
    minRegionPixels,
  });
  const { auroc, accuracy, uncertain, confusion, worst } = crossValidation;
  return {
    head,
    quality: {
      auroc,
      accuracy,
      uncertain,
      confusion,
      worst: worst.slice(0, 24).flatMap((index) => examples[index]?.crop ?? []),
    },
  };
}
