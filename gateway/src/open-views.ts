import { mkdir } from "node:fs/promises";
import { join } from "node:path";

import type { Clock, Logger, Random } from "@frostlight/kernel";

import type { GatewayConfig } from "./config/index.ts";
import type { ActiveAlarm } from "./core/alarm-engine.ts";
import type { JournalReader } from "./core/journal.ts";
import type { Point, Zone } from "./core/site.ts";
import type { AlarmCounts, View, ViewContext } from "./core/view.ts";

/** The configured views, each with a folder of its own; started and stopped by whoever asked. */
export async function openViews(parts: {
  readonly configured: GatewayConfig["views"];
  readonly stateFolder: string;
  readonly gatewayId: string;
  readonly softwareVersion: string;
  readonly zones: readonly Zone[];
  readonly points: readonly Point[];
  readonly journal: JournalReader;
  readonly latest: ViewContext["latest"];
  readonly alarms: () => readonly ActiveAlarm[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}): Promise<readonly View[]> {
  const views: View[] = [];
  for (const { definition, options, own } of parts.configured) {
    const stateFolder = join(parts.stateFolder, own.id);
    await mkdir(stateFolder, { recursive: true });
    const context: ViewContext = {
      ...parts,
      viewId: own.id,
      stateFolder,
      logger: parts.logger.child({ stage: "view", view: own.id }),
      alarms: () => countAlarms(parts.alarms()),
    };
    views.push(definition.open(options, context));
  }
  return views;
}

function countAlarms(alarms: readonly ActiveAlarm[]): AlarmCounts {
  const counts = { critical: 0, high: 0, warning: 0 };
  for (const { priority } of alarms) counts[priority] += 1;
  return counts;
}
