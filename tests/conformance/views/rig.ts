import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { Sample } from "@frostlight/contract";
import { silentLogger, systemClock, systemRandom } from "@frostlight/kernel";
import { connectAsync, type MqttClient } from "mqtt";

import type { Point, Zone } from "../../../gateway/src/core/site.ts";
import { interpretSparkplug, type SparkplugValue } from "../../../gateway/src/core/sparkplug/data-type.ts";
import type { SparkplugMetric, SparkplugPayload } from "../../../gateway/src/core/sparkplug/payload.ts";
import { decodeSparkplug } from "../../../gateway/src/core/sparkplug/read-payload.ts";
import { parseSparkplugTopic, type SparkplugTopic } from "../../../gateway/src/core/sparkplug/topic.ts";
import { encodeSparkplug } from "../../../gateway/src/core/sparkplug/write-payload.ts";
import type { AlarmCounts, View, ViewContext } from "../../../gateway/src/core/view.ts";
import { SparkplugConsumer, type SparkplugOutcome } from "../../../gateway/src/decoders/sparkplug-consumer.ts";
import type { Journal } from "../../../gateway/src/journal/index.ts";
import { openTestJournal } from "../../../gateway/src/journal/testing/journal-fixture.ts";
import { viewRegistry } from "../../../gateway/src/views/index.ts";
import { until } from "../sources/harness.ts";
import { Mosquitto } from "../sources/mosquitto.ts";
import { WireTap } from "./wire-tap.ts";

export const group = "Canteens";
export const edgeNode = "School 1";
export const hostId = "scada";

const name = { zh: "空气", en: "Air" };
const limits = { low: null, high: null, criticalLow: null, criticalHigh: null };
const zones: readonly Zone[] = ["freezer", "fridge", "empty"].map((zoneId) => ({
  zoneId,
  name,
  profileId: "frozen-store",
  limits,
  limitsSource: "test",
}));
const points = [point("freezer.air", "freezer"), point("freezer.door", "freezer"), point("fridge.air", "fridge")];

function point(pointId: string, zoneId: string): Point {
  return {
    pointId,
    zoneId,
    name,
    quantity: pointId.endsWith("door") ? "door" : "temperature",
    unit: pointId.endsWith("door") ? "1" : "Cel",
    expectedIntervalMs: 60_000,
    probeRole: null,
    calibration: { offset: 0, slope: 1, certificate: null, dueMs: null },
    recording: { mode: "every" },
    validRange: { min: -100, max: 100 },
  };
}

/** What a view that only shows samples does not use. */
export const nothingElse = {
  openAlarms: () => [],
  onAlarms: () => () => undefined,
  rooms: () => [],
  act: () => Promise.resolve({ kind: "refused", reason: "unknown-alarm" }),
  trust: { judge: () => Promise.resolve("unknown"), onApproval: () => () => undefined },
} as const satisfies Partial<ViewContext>;

/** A message as a host application got it. */
export interface Heard {
  readonly topic: SparkplugTopic;
  readonly payload: SparkplugPayload;
  readonly qos: number;
}

/** Everything around a view: a real journal, a real Mosquitto, a tap on the wire to it. */
export class ViewRig {
  readonly broker: Mosquitto;
  readonly tap: WireTap;
  readonly latest = new Map<string, { sample: Sample; stale: boolean }>();
  alarms: AlarmCounts = { critical: 0, high: 0, warning: 0 };
  environment: Readonly<Record<string, string>> = {};
  journal: Journal;
  readonly #folder: string;
  #view: View | undefined;

  private constructor(broker: Mosquitto, tap: WireTap, folder: string, journal: Journal) {
    this.broker = broker;
    this.tap = tap;
    this.#folder = folder;
    this.journal = journal;
  }

  static async create(): Promise<ViewRig> {
    const broker = await Mosquitto.create();
    const tap = await WireTap.to(broker.port);
    const folder = await mkdtemp(join(tmpdir(), "frostlight-view-"));
    return new ViewRig(broker, tap, folder, await openTestJournal(join(folder, "journal")));
  }

  get view(): View {
    if (this.#view === undefined) throw new Error("no view is open");
    return this.#view;
  }

  get stateFolder(): string {
    return this.#folder;
  }

  /** Opens the view anew, as a new process would; by way of the tap. */
  async start(options: Readonly<Record<string, unknown>> = {}): Promise<View> {
    const definition = viewRegistry.get("sparkplug-b");
    const servers = [`mqtt://127.0.0.1:${this.tap.port}`];
    const parsed = definition.options.parse({ servers, group, edgeNode, ...options });
    this.#view = definition.open(parsed, this.context());
    await this.#view.start();
    return this.#view;
  }

  context(): ViewContext {
    return {
      viewId: "scada",
      gatewayId: "gw-test",
      softwareVersion: "0.0.1",
      clock: systemClock,
      random: systemRandom,
      logger: silentLogger,
      stateFolder: this.#folder,
      environment: this.environment,
      journal: this.journal,
      zones,
      points,
      latest: (pointId) => this.latest.get(pointId),
      alarms: () => this.alarms,
      ...nothingElse,
    };
  }

  /** A sample as the recorder makes it: known at once, durable when resolved. */
  async sample(pointId: string, value: number | null, more: Partial<Sample> = {}): Promise<Sample> {
    const timeMs = Date.now();
    const sample: Sample = {
      pointId,
      timeMs,
      receivedMs: timeMs,
      value,
      raw: value,
      quality: value === null ? "bad" : "good",
      reason: value === null ? "sensor-fault" : null,
      hasSourceTime: false,
      backfill: false,
      timeCorrected: false,
      ...more,
    };
    if (sample.quality === "stale") {
      const known = this.latest.get(pointId)?.sample ?? sample;
      this.latest.set(pointId, { sample: known, stale: true });
    } else if (!sample.backfill) this.latest.set(pointId, { sample, stale: false });
    await this.journal.append([{ kind: "sample", sample }]);
    return sample;
  }

  async remove(): Promise<void> {
    await this.#view?.stop();
    await this.tap.close();
    await this.journal.close();
    await this.broker.remove();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** A host application: hears everything, says whether it is there, asks for births. */
export class Host {
  readonly heard: Heard[] = [];
  /** The same messages as our own consumer understood them. */
  readonly outcomes: SparkplugOutcome[] = [];
  readonly #client: MqttClient;
  readonly #connectMs: number;

  private constructor(client: MqttClient, connectMs: number) {
    this.#client = client;
    this.#connectMs = connectMs;
    const consumer = new SparkplugConsumer([{ group, edgeNode }]);
    client.on("message", (topicText, bytes, { qos }) => {
      const topic = parseSparkplugTopic(topicText);
      const decoded = decodeSparkplug(bytes);
      if (topic === undefined || topic.type.endsWith("CMD") || decoded.kind === "invalid") return;
      this.heard.push({ topic, payload: decoded.value, qos });
      const outcome = consumer.onMessage({ topic: topicText, payload: bytes, receivedMs: Date.now(), retained: false });
      if (outcome !== undefined) this.outcomes.push(outcome);
    });
  }

  /** Section 5.3: the will says offline, with the time of the CONNECT. */
  static async connect(port: number, connectMs = Date.now()): Promise<Host> {
    const payload = Buffer.from(JSON.stringify({ online: false, timestamp: connectMs }));
    const client = await connectAsync(`mqtt://127.0.0.1:${port}`, {
      will: { topic: `spBv1.0/STATE/${hostId}`, payload, qos: 1, retain: true },
      reconnectPeriod: 0,
    });
    const host = new Host(client, connectMs);
    await client.subscribeAsync("spBv1.0/#", { qos: 1 });
    return host;
  }

  async online(timestamp = this.#connectMs): Promise<void> {
    await this.state(hostId, { online: true, timestamp });
  }

  async offline(timestamp = Date.now()): Promise<void> {
    await this.state(hostId, { online: false, timestamp });
  }

  async state(host: string, payload: unknown): Promise<void> {
    await this.#client.publishAsync(`spBv1.0/STATE/${host}`, JSON.stringify(payload), { qos: 1, retain: true });
  }

  /** An NCMD, as section 6.4.20 wants it: QoS 0, not retained, without a sequence number. */
  async command(metric: Partial<SparkplugMetric> = {}): Promise<void> {
    const rebirth: SparkplugMetric = {
      name: "Node Control/Rebirth",
      alias: null,
      timestampMs: Date.now(),
      dataType: "Boolean",
      isHistorical: false,
      isTransient: false,
      raw: { field: "boolean", value: true },
      properties: new Map(),
      ...metric,
    };
    const payload = encodeSparkplug({ timestampMs: Date.now(), seq: null, metrics: [rebirth] });
    await this.#client.publishAsync(`spBv1.0/${group}/NCMD/${edgeNode}`, Buffer.from(payload), { qos: 0 });
  }

  of(type: SparkplugTopic["type"], device?: string): readonly Heard[] {
    return this.heard.filter(({ topic }) => topic.type === type && (device === undefined || topic.device === device));
  }

  async waitFor(type: SparkplugTopic["type"], count = 1, device?: string): Promise<readonly Heard[]> {
    await until(`${count} ${type} ${device ?? ""} are heard`, () => this.of(type, device).length >= count);
    return this.of(type, device);
  }

  /** Vanishes without a word: the server publishes the will. */
  die(): void {
    this.#client.stream.destroy();
  }

  async end(): Promise<void> {
    await this.#client.endAsync(true);
  }
}

export function metricOf(heard: Heard | undefined, metricName: string): SparkplugMetric | undefined {
  return heard?.payload.metrics.find((metric) => metric.name === metricName);
}

export function valueOf(
  metric: Pick<SparkplugMetric, "raw" | "dataType"> | undefined,
): SparkplugValue | null | undefined {
  if (metric?.raw === undefined || metric.raw === null) return metric?.raw;
  return interpretSparkplug(metric.raw, metric.dataType ?? "Double");
}

export function qualityOf(metric: SparkplugMetric | undefined): SparkplugValue | undefined {
  const raw = metric?.properties.get("Quality")?.raw;
  return raw === undefined || raw === null ? undefined : interpretSparkplug(raw, "Int32");
}

export function bdSeqOf(payload: SparkplugPayload | undefined): SparkplugValue | null | undefined {
  const metric = payload?.metrics.find((candidate) => candidate.name === "bdSeq");
  return valueOf(metric);
}

export function decoded(bytes: Uint8Array): SparkplugPayload {
  const payload = decodeSparkplug(bytes);
  if (payload.kind === "invalid") throw new Error(payload.reason);
  return payload.value;
}
