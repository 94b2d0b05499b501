import type { Sample } from "@frostlight/contract";
import type { AlarmHealth } from "@frostlight/kernel";

import type { ActiveAlarm, RoomKnowledge } from "./alarm-engine.ts";
import type { CameraStatus, FoundCamera, InferenceStatus } from "./camera.ts";
import type { DiscoveredPoint } from "./discovery.ts";
import type { JournalStats } from "./journal.ts";
import type { OutputStatus } from "./output.ts";
import type { ApprovalCard } from "./peer-trust.ts";
import type { Refusal } from "./reading.ts";
import type { Point, Zone } from "./site.ts";
import type { SourceState } from "./source.ts";
import type { ViewStatus } from "./view.ts";

export interface UplinkStatus {
  readonly state: "connected" | "connecting" | "offline" | "not-enrolled";
  readonly server: string;
  /** What carries the link now, "mqtt" or "https"; null: no link. */
  readonly via?: string | null;
  /** Another than the first server of the list serves. */
  readonly standby?: boolean;
  /** Bytes of batches sent, repeats included. */
  readonly sentBytes?: number;
  /** The day's budget of a metered link is used up: only alarms go. */
  readonly budgetExhausted?: boolean;
  readonly lastAckMs: number | null;
  readonly unackedBatches: number;
  readonly refusedBatches: number;
  readonly sentBatches: number;
  readonly reconnects: number;
  readonly pendingEvidence: number;
  readonly lastError: string | null;
}

export interface SourceStatus extends SourceState {
  readonly sourceId: string;
  readonly kind: string;
  readonly readings: number;
  readonly refused: number;
}

/** Everything the local page, the metrics and the watchdog show. */
export interface GatewayStatus {
  readonly gatewayId: string;
  readonly siteName: { readonly zh: string; readonly en: string };
  readonly simulated: boolean;
  readonly softwareVersion: string;
  readonly startedMs: number;
  readonly nowMs: number;
  readonly journal: JournalStats;
  readonly uplink: UplinkStatus;
  readonly sources: readonly SourceStatus[];
  readonly zones: readonly Zone[];
  readonly points: readonly { readonly point: Point; readonly last: Sample | null; readonly stale: boolean }[];
  readonly cameras: readonly CameraStatus[];
  readonly inference?: InferenceStatus;
  readonly views: readonly ViewStatus[];
  readonly alarms: readonly ActiveAlarm[];
  /** What the alarms have learned of the rooms, with the estimated temperature of the goods. */
  readonly rooms?: readonly RoomKnowledge[];
  readonly alarmHealth: AlarmHealth;
  /** Sirens, beacons, relays. */
  readonly outputs: readonly OutputStatus[];
  /** Newest last, bounded. */
  readonly refusals: readonly (Refusal & { readonly timeMs: number; readonly count: number })[];
  /** Seen and not configured. */
  readonly discovered: readonly DiscoveredPoint[];
  /** Cameras that answered on the local network and are not configured. */
  readonly foundCameras?: readonly FoundCamera[];
  readonly approvals: readonly ApprovalCard[];
  readonly clock: {
    /** Whether the wall clock can be believed now. */
    readonly synchronised: boolean;
  };
  readonly residentBytes: number;
}
