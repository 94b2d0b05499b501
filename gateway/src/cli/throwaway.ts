import { cp, mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { errorCode, silentLogger, systemClock, systemRandom } from "@frostlight/kernel";

import type { GatewayConfig } from "../config/index.ts";
import type { PointBinding, ProbeContext, SourceState } from "../core/source.ts";
import { openTrustStore } from "../trust/index.ts";

/** Larger files are recordings and queues: of no use for a single look. */
const maxFileBytes = 1_048_576;

/**
 * A copy of the gateway's small state files in a temporary folder, so that a look with the gateway's own certificate and
 * approvals can write whatever it wants without a trace. `remove` must be called.
 */
export async function openThrowaway(
  config: GatewayConfig,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<{
  context(sourceId: string, running: SourceState | undefined): ProbeContext;
  remove(): Promise<void>;
}> {
  const folder = await mkdtemp(join(tmpdir(), "frostlight-look-"));
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    for (const name of ["sources", "trust.json"]) await copySmall(join(config.stateFolder, name), join(folder, name));
    const trust = await openTrustStore({
      file: join(folder, "trust.json"),
      clock: systemClock,
      logger: silentLogger,
      journal: () => Promise.resolve(),
      onCard: () => undefined,
    });
    return {
      context: (sourceId, running) => ({
        sourceId,
        clock: systemClock,
        random: systemRandom,
        logger: silentLogger,
        environment,
        stateFolder: join(folder, "sources", sourceId),
        trust: trust.of(sourceId),
        running,
      }),
      remove,
    };
  } catch (error) {
    await remove();
    throw error;
  }
}

async function copySmall(from: string, to: string): Promise<void> {
  try {
    await cp(from, to, {
      recursive: true,
      filter: async (path) => {
        const about = await stat(path);
        return about.isDirectory() || (about.isFile() && about.size <= maxFileBytes);
      },
    });
  } catch (error) {
    if (errorCode(error) !== "ENOENT") throw error;
  }
}

/** The points of a source as it gets them. */
export function bindingsOf(config: GatewayConfig, sourceId: string): PointBinding<unknown>[] {
  return config.points
    .filter((point) => point.source === sourceId)
    .map((point) => ({
      pointId: point.id,
      unit: point.sourceUnit ?? point.unit,
      address: point.address,
      expectedIntervalMs: point.expectedIntervalSeconds * 1_000,
    }));
}
