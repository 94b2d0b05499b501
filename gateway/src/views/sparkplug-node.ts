import type { Sample } from "@frostlight/contract";

import type { Point, Zone } from "../core/site.ts";
import type { SparkplugMetric } from "../core/sparkplug/payload.ts";
import { formatSparkplugTopic, type SparkplugTopic } from "../core/sparkplug/topic.ts";
import { encodeSparkplug } from "../core/sparkplug/write-payload.ts";
import type { AlarmCounts, ViewContext } from "../core/view.ts";
import {
  birthMetric,
  dataMetric,
  isSameState,
  type MetricDefinition,
  type MetricState,
  nodeMetric,
  pointMetric,
  stateOfSample,
} from "./sparkplug-metrics.ts";

/** A message to be published at QoS 0, not retained; the sequence number in it makes the order matter. */
export interface SparkplugMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly values: number;
}

interface Metric {
  readonly definition: MetricDefinition;
  /** undefined: not said in this session. */
  said: MetricState | undefined;
}

interface Device {
  readonly deviceId: string;
  readonly metrics: ReadonlyMap<string, Metric>;
  isBorn: boolean;
}

const maxMetrics = 500;
export const rebirthName = "Node Control/Rebirth";
const maxSeq = 256;

/**
 * An edge node of Sparkplug B 3.0 as a source of messages: the gateway is the node, each zone a device, each point of the
 * zone a metric. Knows what it said in this session, numbers its messages, and is born again when told. No I/O: what it
 * returns is to be published in that order, all of it.
 */
export class SparkplugNode {
  readonly #group: string;
  readonly #edgeNode: string;
  readonly #latest: ViewContext["latest"];
  readonly #fixed: readonly { readonly definition: MetricDefinition; readonly value: string }[];
  readonly #alarms: readonly { readonly key: keyof AlarmCounts; readonly metric: Metric }[];
  readonly #devices: readonly Device[];
  readonly #deviceOf = new Map<string, Device>();
  #seq = 0;

  constructor(parts: {
    readonly group: string;
    readonly edgeNode: string;
    readonly gatewayId: string;
    readonly softwareVersion: string;
    readonly zones: readonly Zone[];
    readonly points: readonly Point[];
    readonly latest: ViewContext["latest"];
  }) {
    this.#group = parts.group;
    this.#edgeNode = parts.edgeNode;
    this.#latest = parts.latest;
    let lastAlias = 0n;
    const alias = (): bigint => (lastAlias += 1n);
    this.#fixed = [
      { definition: nodeMetric("Node Info/Gateway", alias(), "String"), value: parts.gatewayId },
      { definition: nodeMetric("Node Info/Software", alias(), "String"), value: parts.softwareVersion },
    ];
    this.#alarms = (["critical", "high", "warning"] as const).map((key) => {
      const name = `Alarms/${key.charAt(0).toUpperCase()}${key.slice(1)}`;
      return { key, metric: { definition: nodeMetric(name, alias(), "Int32"), said: undefined } };
    });
    this.#devices = parts.zones.flatMap(({ zoneId }) => {
      const points = parts.points.filter((point) => point.zoneId === zoneId);
      const metrics = new Map(
        points.map((point): [string, Metric] => {
          return [point.pointId, { definition: pointMetric(point, alias()), said: undefined }];
        }),
      );
      return metrics.size === 0 ? [] : [{ deviceId: zoneId, metrics, isBorn: false }];
    });
    for (const device of this.#devices) for (const id of device.metrics.keys()) this.#deviceOf.set(id, device);
  }

  /** The will, and what is published before a DISCONNECT [tck-id-topics-ndeath-payload]: no sequence number, bdSeq alone. */
  death(bdSeq: number, nowMs: number): SparkplugMessage {
    const metrics = [bdSeqMetric(bdSeq, nowMs)];
    const payload = encodeSparkplug({ timestampMs: Math.round(nowMs), seq: null, metrics });
    return { topic: this.#topic("NDEATH", null), payload, values: 0 };
  }

  /** NBIRTH with sequence 0, then the DBIRTH of each zone of which something is known; of `every` zone when late values follow. */
  birth(bdSeq: number, alarms: AlarmCounts, nowMs: number, every: boolean): readonly SparkplugMessage[] {
    this.#seq = 0;
    for (const device of this.#devices) device.isBorn = false;
    const rebirth = nodeMetric(rebirthName, null, "Boolean");
    const metrics = [
      bdSeqMetric(bdSeq, nowMs),
      birthMetric(rebirth, known(false, nowMs)),
      ...this.#fixed.map(({ definition, value }) => birthMetric(definition, known(value, nowMs))),
      ...this.#alarms.map(({ key, metric }) => {
        metric.said = known(alarms[key], nowMs);
        return birthMetric(metric.definition, metric.said);
      }),
    ];
    const devices = this.#devices.filter((device) => every || this.#isAlive(device));
    return [this.#message("NBIRTH", null, metrics, nowMs), ...devices.map((device) => this.#bear(device, nowMs))];
  }

  /** Values as they come: what did not change is not said again; what is older than what was said is historical. */
  live(samples: readonly Sample[], nowMs: number): readonly SparkplugMessage[] {
    const messages: SparkplugMessage[] = [];
    for (const [device, own] of this.#byDevice(samples)) {
      if (!device.isBorn) {
        if (own.every((sample) => sample.quality === "stale")) continue;
        messages.push(this.#bear(device, nowMs));
      }
      const metrics: SparkplugMetric[] = [];
      for (const sample of own.toSorted((a, b) => a.timeMs - b.timeMs)) {
        const metric = device.metrics.get(sample.pointId);
        if (metric === undefined) continue;
        const state = stateOfSample(sample);
        const isOlder = sample.backfill || (metric.said !== undefined && state.timeMs < metric.said.timeMs);
        if (!isOlder) {
          const isNews = metric.said === undefined || !isSameState(metric.said, state);
          metric.said = state;
          if (!isNews) continue;
        }
        metrics.push(dataMetric(metric.definition, state, isOlder));
      }
      messages.push(...this.#data("DDATA", device.deviceId, metrics, nowMs));
    }
    return messages;
  }

  /** Values that could not be handed over in their time: all of them, marked as historical; they change nothing current. */
  history(samples: readonly Sample[], nowMs: number): readonly SparkplugMessage[] {
    const messages: SparkplugMessage[] = [];
    for (const [device, own] of this.#byDevice(samples)) {
      if (!device.isBorn) messages.push(this.#bear(device, nowMs));
      const metrics = own
        .toSorted((a, b) => a.timeMs - b.timeMs)
        .flatMap((sample) => {
          const metric = device.metrics.get(sample.pointId);
          return metric === undefined ? [] : [dataMetric(metric.definition, stateOfSample(sample), true)];
        });
      messages.push(...this.#data("DDATA", device.deviceId, metrics, nowMs));
    }
    return messages;
  }

  /** The node's own metrics that changed. */
  alarms(counts: AlarmCounts, nowMs: number): readonly SparkplugMessage[] {
    const metrics = this.#alarms.flatMap(({ key, metric }) => {
      if (metric.said?.value === counts[key]) return [];
      metric.said = known(counts[key], nowMs);
      return [dataMetric(metric.definition, metric.said, false)];
    });
    return this.#data("NDATA", null, metrics, nowMs);
  }

  /** DDEATH of each zone of which nothing is known any more [tck-id-operational-behavior-device-ddeath]. */
  deaths(nowMs: number): readonly SparkplugMessage[] {
    const gone = this.#devices.filter((device) => device.isBorn && !this.#isAlive(device));
    return gone.map((device) => {
      device.isBorn = false;
      return this.#message("DDEATH", device.deviceId, [], nowMs);
    });
  }

  #bear(device: Device, nowMs: number): SparkplugMessage {
    device.isBorn = true;
    const states = [...device.metrics].map(([pointId, metric]) => {
      metric.said = this.#current(pointId, nowMs);
      // A null value is one of now, but holds back no sample.
      const shown = metric.said.quality === "stale" ? { ...metric.said, timeMs: nowMs } : metric.said;
      return birthMetric(metric.definition, shown);
    });
    // [tck-id-operational-behavior-data-publish-dbirth-order]
    const ordered = states.toSorted((a, b) => (a.timestampMs ?? 0) - (b.timestampMs ?? 0));
    return this.#message("DBIRTH", device.deviceId, ordered, nowMs);
  }

  #current(pointId: string, nowMs: number): MetricState {
    const latest = this.#latest(pointId);
    if (latest === undefined) return { value: null, quality: "stale", reason: "no-data", timeMs: -Infinity };
    const state = stateOfSample(latest.sample);
    if (!latest.stale) return { ...state, timeMs: Math.min(state.timeMs, nowMs) };
    return { value: null, quality: "stale", reason: "no-data", timeMs: state.timeMs };
  }

  #isAlive(device: Device): boolean {
    return [...device.metrics.keys()].some((pointId) => this.#latest(pointId)?.stale === false);
  }

  #byDevice(samples: readonly Sample[]): Map<Device, Sample[]> {
    const groups = new Map<Device, Sample[]>();
    for (const sample of samples) {
      const device = this.#deviceOf.get(sample.pointId);
      if (device === undefined) continue; // a point that is not configured any more
      const group = groups.get(device);
      if (group === undefined) groups.set(device, [sample]);
      else group.push(sample);
    }
    return groups;
  }

  #data(
    type: "NDATA" | "DDATA",
    device: string | null,
    metrics: readonly SparkplugMetric[],
    nowMs: number,
  ): SparkplugMessage[] {
    const messages: SparkplugMessage[] = [];
    for (let from = 0; from < metrics.length; from += maxMetrics) {
      messages.push(this.#message(type, device, metrics.slice(from, from + maxMetrics), nowMs));
    }
    return messages;
  }

  #message(
    type: SparkplugTopic["type"],
    device: string | null,
    metrics: readonly SparkplugMetric[],
    nowMs: number,
  ): SparkplugMessage {
    const seq = this.#seq;
    this.#seq = (seq + 1) % maxSeq;
    const payload = encodeSparkplug({ timestampMs: Math.round(nowMs), seq, metrics });
    return { topic: this.#topic(type, device), payload, values: metrics.length };
  }

  #topic(type: SparkplugTopic["type"], device: string | null): string {
    return formatSparkplugTopic({ group: this.#group, type, edgeNode: this.#edgeNode, device });
  }
}

function known(value: string | number | boolean, nowMs: number): MetricState {
  return { value, quality: "good", reason: null, timeMs: nowMs };
}

/** INT64 without alias [tck-id-message-flow-edge-node-birth-publish-nbirth-payload-bdSeq]. */
function bdSeqMetric(bdSeq: number, nowMs: number): SparkplugMetric {
  return birthMetric(nodeMetric("bdSeq", null, "Int64"), known(bdSeq, nowMs));
}
