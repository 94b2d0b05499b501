import { type CancelTimer, type Clock, describeError, type Logger, type Part, type Random } from "@frostlight/kernel";
import { z } from "zod";

import type { FoundCamera } from "../core/camera.ts";
import { probeCameras, type ProbeOptions } from "./frames/onvif/ws-discovery.ts";

type Configured = readonly { readonly frames: { readonly options: unknown } }[];

const everyMs = 15 * 60_000;
const firstMs = 10_000;
const listenMs = 3_000;
const placed = z.object({ url: z.string().optional(), endpoint: z.string().optional() });

/** Looks on the local network for cameras, now and then; those that are configured already are not told. */
export class CameraFinder implements Part {
  readonly name = "camera finder";
  readonly #parts: CameraFinderParts;
  readonly #stop = new AbortController();
  #cancels: readonly CancelTimer[] = [];
  #looking: Promise<void> = Promise.resolve();
  #found: readonly FoundCamera[] = [];

  constructor(parts: CameraFinderParts) {
    this.#parts = parts;
  }

  start(): Promise<void> {
    const look = (): void => {
      this.#looking = this.#look();
    };
    const { clock, enabled } = this.#parts;
    if (enabled) this.#cancels = [clock.after(firstMs, look), clock.every(everyMs, look)];
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    for (const cancel of this.#cancels) cancel();
    this.#stop.abort(new Error("stopping"));
    await this.#looking;
  }

  found(): readonly FoundCamera[] {
    return this.#found;
  }

  async #look(): Promise<void> {
    const { configured, logger } = this.#parts;
    try {
      this.#found = await findCameras(configured, { ...this.#parts, signal: this.#stop.signal, forMs: listenMs });
    } catch (error) {
      if (!this.#stop.signal.aborted) logger.warn("cameras-not-looked-for", { error: describeError(error) });
    }
  }
}

export interface CameraFinderParts {
  readonly enabled: boolean;
  readonly configured: Configured;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly target?: NonNullable<ProbeOptions["target"]>;
}

/** One look at the local network. */
export async function findCameras(configured: Configured, options: ProbeOptions): Promise<readonly FoundCamera[]> {
  const known = new Set(
    configured.flatMap(({ frames }) => {
      const { url, endpoint } = placed.safeParse(frames.options).data ?? {};
      return [endpoint, url !== undefined && URL.canParse(url) ? new URL(url).hostname : undefined];
    }),
  );
  const found = await probeCameras(options);
  return found.filter(({ endpoint, url }) => !known.has(endpoint) && !known.has(new URL(url).hostname));
}
