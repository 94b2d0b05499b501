import type { GatewayStatus } from "../core/status.ts";

type Labels = Readonly<Record<string, string>>;
type Value = readonly [labels: Labels, value: number];

interface Metric {
  readonly name: string;
  readonly help: string;
  readonly type: "gauge" | "counter";
  values(status: GatewayStatus): readonly Value[];
}

const one = (value: number): readonly Value[] => [[{}, value]];
const flag = (holds: boolean): number => (holds ? 1 : 0);
const sourceStates = ["starting", "ok", "degraded", "offline"] as const;
const unseen: ReadonlySet<string> = new Set(["unacknowledged", "returned-unacknowledged", "latched-unacknowledged"]);
const seconds = (ms: number | null): readonly Value[] => (ms === null ? [] : one(ms / 1_000));

function gauge(name: string, help: string, values: Metric["values"]): Metric {
  return { name: `frostlight_${name}`, help, type: "gauge", values };
}

function counter(name: string, help: string, values: Metric["values"]): Metric {
  return { name: `frostlight_${name}_total`, help, type: "counter", values };
}

/** Prometheus names: base units, `_total` for what only grows. A value that is unknown has no series: never a stale number. */
const metrics: readonly Metric[] = [
  gauge("info", "What runs here; always 1", (s) => [
    [{ gateway: s.gatewayId, version: s.softwareVersion, simulated: String(s.simulated) }, 1],
  ]),
  gauge("start_time_seconds", "Start of the process, Unix time", (s) => seconds(s.startedMs)),
  gauge("resident_memory_bytes", "Resident memory", (s) => one(s.residentBytes)),
  gauge("journal_unreleased_batches", "Batches on disk that the server has not acknowledged", (s) =>
    one(s.journal.unreleasedBatches),
  ),
  gauge("journal_size_bytes", "Size of the journal on disk", (s) => one(s.journal.sizeBytes)),
  gauge("journal_last_sequence", "Newest durable sequence", (s) => one(s.journal.lastSequence)),
  gauge("journal_used_bytes", "Of it: what cannot be given back until the server takes more", (s) =>
    one(s.journal.usedBytes),
  ),
  gauge("journal_limit_bytes", "Most the journal may take", (s) => one(s.journal.limitBytes)),
  gauge("journal_room_seconds", "How long the room lasts at the present rate if the server takes nothing", (s) =>
    s.journal.daysLeft === null ? [] : one(s.journal.daysLeft * 86_400),
  ),
  gauge("journal_oldest_unreleased_time_seconds", "Oldest batch the server has not taken, Unix time", (s) =>
    seconds(s.journal.oldestUnreleasedMs),
  ),
  gauge("journal_written_bytes_per_reading", "Wear of the card: journal bytes written for each sample", (s) =>
    s.journal.bytesWrittenPerReading === null ? [] : one(s.journal.bytesWrittenPerReading),
  ),
  counter("journal_written_bytes", "Bytes written to the journal", (s) => one(s.journal.bytesWritten)),
  counter("journal_commits", "Group commits", (s) => one(s.journal.commits)),
  counter("journal_items", "Items journaled", (s) => one(s.journal.items)),
  counter("journal_quarantined_records", "Damaged records set aside", (s) => one(s.journal.quarantinedRecords)),
  counter("journal_torn_tails", "Torn ends cut off after a crash", (s) => one(s.journal.tornTailsCut)),
  gauge("uplink_connected", "1 while the server is connected", (s) => one(flag(s.uplink.state === "connected"))),
  gauge("uplink_last_ack_time_seconds", "Last acknowledgement of the server, Unix time", (s) =>
    seconds(s.uplink.lastAckMs),
  ),
  gauge("uplink_unacked_batches", "Batches sent and not yet acknowledged", (s) => one(s.uplink.unackedBatches)),
  gauge("uplink_pending_evidence", "Evidence files waiting for upload", (s) => one(s.uplink.pendingEvidence)),
  gauge("uplink_transport", "What carries the link; 1 for the one in use", (s) =>
    typeof s.uplink.via === "string" ? [[{ transport: s.uplink.via }, 1]] : [],
  ),
  gauge("uplink_standby", "1 while another than the first server serves", (s) => one(flag(s.uplink.standby === true))),
  gauge("uplink_budget_exhausted", "1 while a metered link's budget is used up", (s) =>
    one(flag(s.uplink.budgetExhausted === true)),
  ),
  counter("uplink_sent_bytes", "Bytes of batches sent, repeats included", (s) =>
    s.uplink.sentBytes === undefined ? [] : one(s.uplink.sentBytes),
  ),
  counter("uplink_sent_batches", "Batches sent", (s) => one(s.uplink.sentBatches)),
  counter("uplink_refused_batches", "Batches the server refused", (s) => one(s.uplink.refusedBatches)),
  counter("uplink_reconnects", "Reconnects to the server", (s) => one(s.uplink.reconnects)),
  gauge("source_up", "1 while the source works (ok or degraded)", (s) =>
    s.sources.map((source) => [
      { source: source.sourceId, kind: source.kind },
      flag(source.state === "ok" || source.state === "degraded"),
    ]),
  ),
  gauge("source_state", "1 for the state the source is in", (s) =>
    s.sources.flatMap((source): Value[] =>
      sourceStates.map((state) => [
        { source: source.sourceId, kind: source.kind, state },
        flag(source.state === state),
      ]),
    ),
  ),
  gauge("source_discovered", "Values seen and not configured", (s) =>
    s.sources.map((source) => [
      { source: source.sourceId, kind: source.kind },
      s.discovered.filter(({ sourceId }) => sourceId === source.sourceId).length,
    ]),
  ),
  gauge("certificates_waiting", "Certificates of peers that wait for a person", (s) =>
    one(s.approvals.filter(({ state }) => state === "waiting").length),
  ),
  gauge("certificate_expiry_time_seconds", "End of validity of an approved certificate of a peer, Unix time", (s) =>
    s.approvals
      .filter(({ state }) => state === "approved")
      .map(({ sourceId, certificate }): Value => [
        { source: sourceId, fingerprint: certificate.fingerprintSha256 },
        certificate.validToMs / 1_000,
      ]),
  ),
  gauge("clock_synchronised", "1 while the wall clock can be believed", (s) => one(flag(s.clock.synchronised))),
  counter("source_readings", "Readings taken over", (s) =>
    s.sources.map((source) => [{ source: source.sourceId, kind: source.kind }, source.readings]),
  ),
  counter("source_refused", "Payloads refused", (s) =>
    s.sources.map((source) => [{ source: source.sourceId, kind: source.kind }, source.refused]),
  ),
  gauge("point_value", "Last value, while it is known", (s) =>
    s.points.flatMap(({ point, last, stale }): Value[] =>
      stale || last === null || last.value === null || last.quality === "bad"
        ? []
        : [[{ point: point.pointId, zone: point.zoneId, quantity: point.quantity, unit: point.unit }, last.value]],
    ),
  ),
  gauge("point_known", "1 while the value is known and fresh", (s) =>
    s.points.map(({ point, last, stale }) => [
      { point: point.pointId, zone: point.zoneId },
      flag(!stale && last?.quality === "good"),
    ]),
  ),
  gauge("point_age_seconds", "Time since the last value was taken", (s) =>
    s.points.flatMap(({ point, last }): Value[] =>
      last === null || last.value === null
        ? []
        : [[{ point: point.pointId, zone: point.zoneId }, (s.nowMs - last.timeMs) / 1_000]],
    ),
  ),
  gauge("point_calibration_due_time_seconds", "Day the point's next calibration is due, Unix time", (s) =>
    s.points.flatMap(({ point }): Value[] =>
      point.calibration.dueMs === null
        ? []
        : [[{ point: point.pointId, zone: point.zoneId }, point.calibration.dueMs / 1_000]],
    ),
  ),
  gauge("camera_ok", "1 while the camera is in order", (s) =>
    s.cameras.map((camera) => [{ camera: camera.cameraId }, flag(camera.health === "ok")]),
  ),
  counter("camera_frames", "Frames received", (s) =>
    s.cameras.map((camera) => [{ camera: camera.cameraId }, camera.framesSeen]),
  ),
  counter("camera_looks", "Frames the network looked at", (s) =>
    s.cameras.flatMap(({ cameraId, looks }): Value[] => (looks === undefined ? [] : [[{ camera: cameraId }, looks]])),
  ),
  counter("camera_frames_skipped", "Frames the network did not look at, by reason", (s) =>
    s.cameras.flatMap(({ cameraId, skipped = {} }) =>
      Object.entries(skipped).map(([reason, count]): Value => [{ camera: cameraId, reason }, count]),
    ),
  ),
  gauge("inference_load_ratio", "Share of the last seconds in which networks worked", (s) =>
    s.inference === undefined ? [] : one(s.inference.load),
  ),
  gauge("inference_load_limit_ratio", "What that share may be at most now", (s) =>
    s.inference === undefined ? [] : one(s.inference.loadLimit),
  ),
  gauge("machine_temperature_celsius", "The machine's hottest sensor", (s) =>
    typeof s.inference?.celsius === "number" ? one(s.inference.celsius) : [],
  ),
  counter("camera_findings", "Findings", (s) =>
    s.cameras.map((camera) => [{ camera: camera.cameraId }, camera.findings]),
  ),
  gauge("view_up", "1 while the view hands data over", (s) =>
    s.views.map((view) => [{ view: view.viewId, kind: view.kind }, flag(view.state === "online")]),
  ),
  gauge("view_waiting_batches", "Batches of the journal that wait for the view", (s) =>
    s.views.map((view) => [{ view: view.viewId }, view.waitingBatches]),
  ),
  counter("view_connects", "Sessions of the view", (s) =>
    s.views.map((view) => [{ view: view.viewId }, view.connects]),
  ),
  counter("view_values", "Values handed over", (s) => s.views.map((view) => [{ view: view.viewId }, view.values])),
  counter("view_late_values", "Values handed over late", (s) =>
    s.views.map((view) => [{ view: view.viewId }, view.lateValues]),
  ),
  counter("view_skipped_batches", "Batches never handed over: too old or gone", (s) =>
    s.views.map((view) => [{ view: view.viewId }, view.skippedBatches]),
  ),
  gauge("alarms_open", "Alarms that are not over", (s) =>
    (["warning", "high", "critical"] as const).map((priority) => [
      { priority },
      s.alarms.filter((alarm) => alarm.priority === priority).length,
    ]),
  ),
  gauge("alarms_unacknowledged", "Open alarms nobody has acknowledged", (s) =>
    one(s.alarms.filter(({ state }) => unseen.has(state)).length),
  ),
  gauge("alarms_aside", "Open alarms that are shelved, suppressed or out of service", (s) =>
    (["shelved", "suppressed", "out-of-service"] as const).map((state) => [
      { state },
      s.alarms.filter((alarm) => alarm.state === state).length,
    ]),
  ),
];

/** Makes the exposition text of one status. The library is loaded with the first scrape. */
export async function renderMetrics(
  status: GatewayStatus,
  alive: boolean,
): Promise<{ readonly contentType: string; readonly text: string }> {
  const { Counter, Gauge, Registry } = await import("prom-client");
  const registry = new Registry();
  for (const metric of [...metrics, gauge("main_loop_alive", "1 while the main loop turns", () => one(flag(alive)))]) {
    const values = metric.values(status);
    const labelNames = Object.keys(values[0]?.[0] ?? {});
    const options = { name: metric.name, help: metric.help, labelNames, registers: [registry] };
    if (metric.type === "gauge") {
      const made = new Gauge(options);
      for (const [labels, value] of values) made.set(labels, value);
    } else {
      const made = new Counter(options);
      for (const [labels, value] of values) made.inc(labels, value);
    }
  }
  return { contentType: registry.contentType, text: await registry.metrics() };
}
