import type { RgbImage } from "@frostlight/edge-models";
import { type Clock, describeError, type Logger } from "@frostlight/kernel";

import type { EvidenceSpool } from "../../core/journal.ts";
import type { PictureSource, TeachOutcome } from "../../core/teaching.ts";
import { within } from "../eyes.ts";
import type { Region } from "../rules/camera-rule.ts";
import { cutCrop, decodePicture, sideOf } from "./crop-picture.ts";
import type { FindingMemory } from "./finding-memory.ts";
import type { HeadBench } from "./head-bench.ts";
import { refused } from "./lessons.ts";
import type { RecentFrames } from "./recent-frames.ts";
import { minRegionPixels } from "./taught-descriptor.ts";
import type { StoredExample, StoredThing } from "./teaching-memory.ts";
import type { TeachingStore } from "./teaching-store.ts";

const maxExamplesPerThing = 500;
const maxTotalBytes = 96 * 1_048_576;
/** What one camera shows within this time is one occasion: the same person in two frames proves nothing. */
const occasionMs = 30_000;

interface MakerParts {
  readonly store: TeachingStore;
  readonly bench: HeadBench;
  readonly frames: ReadonlyMap<string, RecentFrames>;
  readonly findings: FindingMemory;
  readonly evidence: Pick<EvidenceSpool, "read">;
  readonly clock: Clock;
  readonly logger: Logger;
}

type Made =
  | { readonly kind: "made"; readonly example: StoredExample }
  | Extract<TeachOutcome, { readonly kind: "refused" }>;

interface Picture {
  readonly image: RgbImage;
  readonly timeMs: number;
  readonly group: string;
}

/** Cuts crops from pictures and puts them on disk. */
export class ExampleMaker {
  readonly #parts: MakerParts;

  constructor(parts: MakerParts) {
    this.#parts = parts;
  }

  async fromPicture(
    thing: StoredThing,
    source: PictureSource,
    region: Region,
    answer: "yes" | "no",
    by: string,
  ): Promise<Made> {
    const picture = await this.#picture(source);
    if (picture === undefined) return refused("picture-gone", "this picture is not kept any more");
    const origin = { source: "marked", findingId: null } as const;
    return this.#cut(thing.examples.length, picture, region, { ...origin, answer, by, cameraId: source.cameraId });
  }

  /** Crops of a finding, as far as its picture is still here and there is room. */
  async fromFinding(
    thing: StoredThing,
    finding: { readonly findingId: string; readonly cameraId: string; readonly plain: string | null },
    regions: (image: RgbImage) => readonly Region[],
    answer: "yes" | "no",
    by: string,
  ): Promise<readonly StoredExample[]> {
    const { findingId, cameraId, plain } = finding;
    if (plain === null) return [];
    const picture = await this.#picture({ kind: "evidence", cameraId, sha256: plain });
    if (picture === undefined) return [];
    const made: StoredExample[] = [];
    for (const region of regions(picture.image)) {
      const count = thing.examples.length + made.length;
      const cut = await this.#cut(count, picture, region, { source: "verdict", findingId, answer, by, cameraId });
      if (cut.kind === "refused") continue;
      made.push(cut.example);
    }
    return made;
  }

  /**
   * A crop from another gateway.
   * @param count examples that the thing has already
   */
  async fromFile(
    count: number,
    given: { readonly jpeg: Buffer; readonly region: Region; readonly answer: "yes" | "no" } & {
      readonly frameMs: number;
      readonly group: string;
    },
    by: string,
  ): Promise<Made> {
    const full = this.#room(count, given.jpeg.length);
    if (full !== undefined) return full;
    try {
      if (sideOf(await decodePicture(given.jpeg), given.region) < 1) return refused("invalid", "a crop without area");
    } catch (error) {
      return refused("invalid", `a crop is no picture: ${describeError(error)}`);
    }
    const { jpeg, ...own } = given;
    const crop = await this.#parts.store.put("crops", jpeg);
    const markedMs = this.#parts.clock.nowMs();
    const origin = { source: "imported", findingId: null, cameraId: "" } as const;
    return { kind: "made", example: { ...own, ...origin, crop, bytes: jpeg.length, markedMs, by } };
  }

  /** What the network sees of a new crop is looked up at once: then the fit itself takes milliseconds. */
  async lookAhead(thing: StoredThing, example: StoredExample): Promise<void> {
    const { bench, logger } = this.#parts;
    try {
      for (const detector of await bench.detectorsOf(thing)) await bench.descriptors.of(detector, example);
    } catch (error) {
      logger.debug("crop-not-described", { error: describeError(error) });
    }
  }

  async #picture(source: PictureSource): Promise<Picture | undefined> {
    const { frames, findings, evidence, clock } = this.#parts;
    const { cameraId } = source;
    if (source.kind === "frame") {
      const frame = frames.get(cameraId)?.get(source.frameId);
      if (frame === undefined) return undefined;
      const group = `${cameraId}/${Math.floor(frame.timeMs / occasionMs)}`;
      return { image: await decodePicture(frame.jpeg), timeMs: frame.timeMs, group };
    }
    const found = await evidence.read(source.sha256);
    if (found?.mediaType !== "image/jpeg") return undefined;
    const finding = findings.all().find(({ picture, plain }) => picture === source.sha256 || plain === source.sha256);
    const timeMs = finding?.lastSeenMs;
    const group = timeMs === undefined ? source.sha256 : `${cameraId}/${Math.floor(timeMs / occasionMs)}`;
    return { image: await decodePicture(found.data), timeMs: timeMs ?? clock.nowMs(), group };
  }

  async #cut(
    count: number,
    { image, timeMs, group }: Picture,
    marked: Region,
    origin: Pick<StoredExample, "answer" | "cameraId" | "by" | "source" | "findingId">,
  ): Promise<Made> {
    const region = within(marked);
    if (sideOf(image, region) < minRegionPixels) {
      return refused("region-too-small", `less than ${minRegionPixels} pixels: too small to be judged later, too`);
    }
    const cut = await cutCrop(image, region);
    const full = this.#room(count, cut.jpeg.length);
    if (full !== undefined) return full;
    const crop = await this.#parts.store.put("crops", cut.jpeg);
    const markedMs = this.#parts.clock.nowMs();
    const example = { ...origin, crop, bytes: cut.jpeg.length, region: cut.region, frameMs: timeMs, markedMs, group };
    return { kind: "made", example };
  }

  #room(count: number, bytes: number) {
    if (count >= maxExamplesPerThing) {
      return refused("too-many-examples", `${maxExamplesPerThing} examples are kept already; remove some first`);
    }
    if (this.#parts.store.usedBytes() + bytes > maxTotalBytes) {
      return refused("no-room", `all crops together take ${maxTotalBytes / 1_048_576} MiB already; remove some first`);
    }
    return undefined;
  }
}
