import { mkdir } from "node:fs/promises";
import { join } from "node:path";

import type { HealthEvent } from "@frostlight/contract";
import { describeError, type Logger, type Part } from "@frostlight/kernel";

import type { ActDesk } from "./act-desk.ts";
import type { GatewayConfig } from "./config/index.ts";
import type { ActiveAlarm } from "./core/alarm-engine.ts";
import type { AlarmCounts, View, ViewContext } from "./core/view.ts";
import type { TrustStore } from "./trust/trust-store.ts";
import { ViewWatch } from "./view-watch.ts";

interface ViewsParts extends Pick<
  ViewContext,
  | "gatewayId"
  | "softwareVersion"
  | "zones"
  | "points"
  | "journal"
  | "latest"
  | "openAlarms"
  | "onAlarms"
  | "rooms"
  | "environment"
  | "clock"
  | "random"
> {
  readonly configured: GatewayConfig["views"];
  readonly stateFolder: string;
  readonly desk: ActDesk;
  readonly trust: TrustStore;
  readonly onHealth: (event: HealthEvent) => Promise<void>;
  readonly logger: Logger;
}

/** The configured views, each with a folder of its own, and who watches over them; started and stopped by whoever asked. */
export async function openViews(parts: ViewsParts): Promise<{ readonly views: readonly View[]; readonly watch: Part }> {
  const { desk, clock, logger } = parts;
  const views: View[] = [];
  for (const { definition, options, own } of parts.configured) {
    const stateFolder = join(parts.stateFolder, own.id);
    await mkdir(stateFolder, { recursive: true });
    const context: ViewContext = {
      ...parts,
      viewId: own.id,
      stateFolder,
      logger: logger.child({ stage: "view", view: own.id }),
      alarms: () => countAlarms(parts.openAlarms()),
      act: ({ action, actor, onceKey }) =>
        desk.act({ action, actor, commandId: null }, onceKey === null ? null : `${own.id}:${onceKey}`),
      trust: parts.trust.of(`view:${own.id}`),
    };
    views.push(definition.open(options, context));
  }
  const watch = new ViewWatch(views, clock, (event) => {
    parts.onHealth(event).catch((error: unknown) => {
      logger.error("health-not-journaled", { error: describeError(error) });
    });
  });
  return { views, watch };
}

function countAlarms(alarms: readonly ActiveAlarm[]): AlarmCounts {
  const counts = { critical: 0, high: 0, warning: 0 };
  for (const { priority } of alarms) counts[priority] += 1;
  return counts;
}
