import { createHash } from "node:crypto";

import { type Head, type LoadedModel, requireFit } from "@frostlight/edge-models";

import type { HeldHead } from "./eyes.ts";
import type { CameraModels } from "./model-pool.ts";
import { taughtThingId } from "./rules/camera-rule.ts";

/** What was taught at this site; asked at each look, so that switching on, fitting anew and rolling back take effect at once. */
export interface TaughtHeads {
  /**
   * The head in use for a thing as this detector sees it; undefined until it is taught and switched on, and while it is fitted
   * anew for a detector that it was not fitted for.
   */
  get(thingId: string, modelSha256: string): Head | undefined;
}

export const nothingTaught: TaughtHeads = { get: () => undefined };

/** The heads of one camera: shipped ones, fetched once, and taught ones as they are now; each fits the camera's detector. */
export class HeadShelf {
  readonly #detector: Pick<LoadedModel, "id" | "sha256">;
  readonly #taught: TaughtHeads;
  readonly #shipped = new Map<string, HeldHead>();
  /** Hash of what was taught, and whether it fits, made once for each head. */
  readonly #known = new WeakMap<Head, HeldHead | null>();

  constructor(detector: Pick<LoadedModel, "id" | "sha256">, taught: TaughtHeads) {
    this.#detector = detector;
    this.#taught = taught;
  }

  /** @throws when a shipped head is missing, broken or of another detector */
  async fetch(headId: string, models: Pick<CameraModels, "head">): Promise<void> {
    if (taughtThingId(headId) !== undefined) return;
    const held = await models.head(headId);
    requireFit(held.head, this.#detector);
    this.#shipped.set(headId, held);
  }

  get(headId: string): HeldHead | undefined {
    const thingId = taughtThingId(headId);
    if (thingId === undefined) return this.#shipped.get(headId);
    const head = this.#taught.get(thingId, this.#detector.sha256);
    if (head === undefined) return undefined;
    const known = this.#known.get(head);
    if (known !== undefined) return known ?? undefined;
    const held = this.#hold(head);
    this.#known.set(head, held);
    return held ?? undefined;
  }

  #hold(head: Head): HeldHead | null {
    if (head.modelSha256 !== this.#detector.sha256) return null;
    return { head, sha256: createHash("sha256").update(JSON.stringify(head)).digest("hex") };
  }
}
