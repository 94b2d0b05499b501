import type { Box } from "@frostlight/contract";

import { Tracker } from "../../tracks.ts";
import type { CameraRuleDefinition, RuleEyes, RuleHit, RuleView } from "../camera-rule.ts";

/** Sunday 2026-11-22, 23:00 in Shanghai. */
export const night = Date.UTC(2026, 10, 22, 15);
export const context = { timeZone: "Asia/Shanghai", longestGapMs: 30_000 };
export const picture = { width: 640, height: 360 };

export const blindEyes: RuleEyes = {
  detail: 1,
  judge: () => Promise.reject(new Error("not expected here")),
  faces: () => Promise.resolve([]),
};

/** Somebody of 64 × 180 pixels. */
export function person(left: number, score = 0.8, label = "person"): Box {
  return { left, right: left + 0.1, top: 0.3, bottom: 0.8, label, score };
}

/** Feeds boxes to one rule at two looks a second, through a real tracker. */
export class RuleWatch {
  readonly #rule;
  readonly #eyes: RuleEyes;
  readonly #tracker = new Tracker(0.3);
  readonly #startMs: number;
  #elapsedMs = 0;

  constructor(definition: CameraRuleDefinition, options: unknown, eyes = blindEyes, startMs = night) {
    this.#rule = definition.create(definition.options.parse(options), context);
    this.#eyes = eyes;
    this.#startMs = startMs;
  }

  get isAttentive(): boolean {
    return this.#rule.isAttentive([]);
  }

  isAttentiveTo(blobs: RuleView["blobs"]): boolean {
    return this.#rule.isAttentive(blobs);
  }

  async look(
    boxes: readonly Box[],
    other: Partial<Pick<RuleView, "blobs" | "scene">> & { readonly seconds?: number } = {},
  ): Promise<RuleHit | null> {
    this.#elapsedMs += (other.seconds ?? 0.5) * 1_000;
    const at = { timeMs: this.#startMs + this.#elapsedMs, monotonicMs: this.#elapsedMs, ...picture };
    const tracks = this.#tracker.update(boxes, at);
    const image = { ...picture, rgb: new Uint8Array(0) };
    return this.#rule.look({ ...at, image, tracks, people: tracks, blobs: [], scene: null, ...other }, this.#eyes);
  }

  /** @returns the hits of so many looks */
  async hits(looks: number, boxesOf: (look: number) => readonly Box[]): Promise<readonly RuleHit[]> {
    const hits: RuleHit[] = [];
    for (let n = 0; n < looks; n += 1) {
      const hit = await this.look(boxesOf(n));
      if (hit !== null) hits.push(hit);
    }
    return hits;
  }
}
