import type { RecordedChanges } from "../core/ingest.ts";
import type { LivePublisher } from "../core/live.ts";
import type { AuthenticBatch } from "./screen.ts";

/** Tells whoever watches what has just become durable. */
export function publishChanges(live: LivePublisher, stored: readonly AuthenticBatch[], changes: RecordedChanges): void {
  for (const { organisationId, siteId } of changes.sites) live.publish({ kind: "site", organisationId, siteId });
  for (const { gateway, batch } of stored) {
    if (batch.samples.length === 0) continue;
    const { organisationId, siteId } = gateway;
    live.publish({ kind: "samples", organisationId, siteId, samples: batch.samples });
  }
  for (const { alarm, event } of changes.alarms) {
    live.publish({ kind: "alarm", organisationId: alarm.organisationId, siteId: alarm.siteId, alarm, event });
  }
  for (const finding of changes.findings) {
    live.publish({ kind: "finding", organisationId: finding.organisationId, siteId: finding.siteId, finding });
  }
  for (const { gateway, event } of changes.health) {
    const { organisationId, siteId, gatewayId } = gateway;
    live.publish({ kind: "health", organisationId, siteId, gatewayId, event });
  }
}
