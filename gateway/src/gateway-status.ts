import type { Clock } from "@frostlight/kernel";

import type { Calibrations } from "./calibrations.ts";
import type { ClockWatch } from "./clock-watch.ts";
import type { GatewayConfig } from "./config/index.ts";
import type { AlarmEngine, RoomLearning } from "./core/alarm-engine.ts";
import type { CameraStatus, FoundCamera, InferenceStatus } from "./core/camera.ts";
import type { JournalStats } from "./core/journal.ts";
import type { OutputStatus } from "./core/output.ts";
import type { Zone } from "./core/site.ts";
import type { GatewayStatus, UplinkStatus } from "./core/status.ts";
import type { View } from "./core/view.ts";
import type { Pipeline } from "./pipeline/index.ts";
import type { StatusBoard } from "./status-board.ts";
import type { TrustStore } from "./trust/trust-store.ts";

interface Has<S> {
  status(): S;
}

interface StatusParts {
  readonly gatewayId: string;
  readonly softwareVersion: string;
  readonly config: GatewayConfig;
  readonly zones: readonly Zone[];
  readonly journal: { stats(): JournalStats };
  /** undefined: none is configured. */
  readonly uplink: Has<UplinkStatus> | undefined;
  readonly board: StatusBoard;
  readonly calibrations: Calibrations;
  readonly pipeline: Pipeline;
  readonly cameras: readonly Has<CameraStatus>[];
  readonly machine: Has<InferenceStatus>;
  readonly finder: { found(): readonly FoundCamera[] };
  readonly views: readonly View[];
  readonly outputs: readonly Has<OutputStatus>[];
  readonly engine: AlarmEngine & RoomLearning;
  readonly trust: TrustStore;
  readonly clockWatch: ClockWatch;
  readonly clock: Clock;
}

/** Collects what the local page, the metrics and the watchdog show, anew at each call. */
export function statusReader(parts: StatusParts): () => GatewayStatus {
  const { config, engine, clock, pipeline } = parts;
  const startedMs = clock.nowMs();
  return () => ({
    gatewayId: parts.gatewayId,
    siteName: config.site.name,
    simulated: config.site.simulated,
    softwareVersion: parts.softwareVersion,
    startedMs,
    nowMs: clock.nowMs(),
    journal: parts.journal.stats(),
    uplink: parts.uplink?.status() ?? noUplink,
    sources: parts.board.sources(),
    zones: parts.zones,
    points: parts.calibrations.points().map((point) => {
      const latest = pipeline.latest(point.pointId);
      return { point, last: latest?.sample ?? null, stale: latest?.stale ?? true };
    }),
    cameras: parts.cameras.map((camera) => camera.status()),
    inference: parts.machine.status(),
    views: parts.views.map((view) => view.status()),
    outputs: parts.outputs.map((output) => output.status()),
    alarms: engine.active(),
    rooms: engine.rooms(),
    alarmHealth: engine.health(),
    refusals: parts.board.refusals(),
    discovered: parts.board.discovered(),
    foundCameras: parts.finder.found(),
    approvals: parts.trust.cards(),
    clock: { synchronised: parts.clockWatch.isSynchronised },
    residentBytes: process.memoryUsage.rss(),
  });
}

const noUplink: UplinkStatus = {
  state: "offline",
  server: "",
  lastAckMs: null,
  unackedBatches: 0,
  refusedBatches: 0,
  sentBatches: 0,
  reconnects: 0,
  pendingEvidence: 0,
  lastError: "no uplink is configured",
};
