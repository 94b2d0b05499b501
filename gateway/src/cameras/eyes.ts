import type { Box } from "@frostlight/contract";
import { findFaces, type Head, judgeRegion, type LoadedModel, type RgbImage } from "@frostlight/edge-models";
import { FrostlightError } from "@frostlight/kernel";

import type { Frame } from "../core/camera.ts";
import type { HeadJudgement, Region, RuleEyes } from "./rules/camera-rule.ts";

/** A head with the SHA-256 of its file. */
export interface HeldHead {
  readonly head: Head;
  readonly sha256: string;
}

/** What eyes look with. Descriptors live within a call; nothing of a face is kept. */
export interface EyesModels {
  readonly detector: LoadedModel;
  head(headId: string): HeldHead | undefined;
  /** Loads the face detector when it is first wanted. */
  faces(): Promise<LoadedModel>;
}

/** Wider pictures are scaled down: enough for faces across a room. */
const maxFineWidth = 1_920;
/** A camera's own JPEG this much wider than the frame is worth decoding. */
const worthDecoding = 1.2;

/** Further looks at one frame: by heads and for faces, in the finest picture there is of it. */
export class FrameEyes implements RuleEyes {
  readonly detail: number;
  readonly #frame: Frame;
  readonly #models: EyesModels;
  readonly #fineWidth: number;
  #fine: Promise<RgbImage> | undefined;

  constructor(frame: Frame, models: EyesModels, jpegWidth: number | null) {
    this.#frame = frame;
    this.#models = models;
    const own = Math.min(maxFineWidth, jpegWidth ?? 0);
    this.#fineWidth = own >= frame.width * worthDecoding ? own : frame.width;
    this.detail = this.#fineWidth / frame.width;
  }

  async judge(headId: string, regions: readonly Region[]): Promise<readonly HeadJudgement[]> {
    const held = this.#models.head(headId);
    if (held === undefined) throw new FrostlightError("head/missing", "config", `head "${headId}" is not there`);
    const image = await this.#image();
    const judgements: HeadJudgement[] = [];
    for (const region of regions) judgements.push(await this.#judge(held.head, image, region));
    return judgements;
  }

  async faces(persons: readonly Region[]): Promise<readonly Box[]> {
    const model = await this.#models.faces();
    return findFaces(
      model,
      await this.#image(),
      persons.map(({ left, top, right, bottom }) => ({ left, top, right, bottom, label: "person", score: 1 })),
    );
  }

  async #judge(head: Head, image: RgbImage, region: Region): Promise<HeadJudgement> {
    const threshold = head.thresholds.certain[1] ?? 1;
    const inside = within(region);
    const width = (inside.right - inside.left) * image.width;
    const height = (inside.bottom - inside.top) * image.height;
    if (width < 1 || height < 1 || Math.max(width, height) < head.thresholds.minRegionPixels) {
      return { verdict: "uncertain", score: 0, threshold };
    }
    const part = cutAround(image, inside, head.descriptor.margin);
    const [descriptor] = await this.#models.detector.describe(part.image, [part.region], head.descriptor);
    if (descriptor === undefined) return { verdict: "uncertain", score: 0, threshold };
    const { label, probabilities } = judgeRegion(head, descriptor);
    const verdict = label === head.classes[1] ? "yes" : label === head.classes[0] ? "no" : "uncertain";
    return { verdict, score: probabilities[1] ?? 0, threshold };
  }

  #image(): Promise<RgbImage> {
    this.#fine ??= this.#decode();
    return this.#fine;
  }

  async #decode(): Promise<RgbImage> {
    const { jpeg } = this.#frame;
    if (jpeg === null || this.#fineWidth === this.#frame.width) return this.#frame;
    const { default: sharp } = await import("sharp");
    const { data, info } = await sharp(jpeg, { failOn: "truncated" })
      .resize({ width: this.#fineWidth, withoutEnlargement: true })
      .toColourspace("srgb")
      .removeAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    return { width: info.width, height: info.height, rgb: data };
  }
}

/** The part of a region that lies in the picture. */
export function within(region: Region): Region {
  const cut = (value: number): number => Math.max(0, Math.min(1, value));
  return { left: cut(region.left), top: cut(region.top), right: cut(region.right), bottom: cut(region.bottom) };
}

/**
 * The part of a picture a head needs of it: the square around the region with its margin. A large picture would cross to the
 * model's thread as a whole otherwise. What the head sees is the same, since the part ends only where the picture does.
 */
export function cutAround(
  image: RgbImage,
  region: Region,
  margin: number,
): { readonly image: RgbImage; readonly region: Region } {
  const { width, height, rgb } = image;
  const box = {
    left: region.left * width,
    right: region.right * width,
    top: region.top * height,
    bottom: region.bottom * height,
  };
  const reach = Math.max(box.right - box.left, box.bottom - box.top) * (1 + 2 * margin) + 2;
  const left = Math.max(0, Math.floor(Math.min(box.right - reach, box.left)));
  const right = Math.min(width, Math.ceil(Math.max(box.left + reach, box.right)));
  const top = Math.max(0, Math.floor(Math.min(box.bottom - reach, box.top)));
  const bottom = Math.min(height, Math.ceil(Math.max(box.top + reach, box.bottom)));
  const [across, down] = [right - left, bottom - top];
  const cut = new Uint8Array(across * down * 3);
  for (let y = 0; y < down; y += 1) {
    const from = ((top + y) * width + left) * 3;
    cut.set(rgb.subarray(from, from + across * 3), y * across * 3);
  }
  return {
    image: { width: across, height: down, rgb: cut },
    region: {
      left: (box.left - left) / across,
      right: (box.right - left) / across,
      top: (box.top - top) / down,
      bottom: (box.bottom - top) / down,
    },
  };
}
