import type { DeviceMessage } from "../core/decoder.ts";
import { interpretSparkplug, type SparkplugDataType } from "../core/sparkplug/data-type.ts";
import { sparkplugLimits, type SparkplugMetric, type SparkplugPayload } from "../core/sparkplug/payload.ts";
import { decodeSparkplug } from "../core/sparkplug/read-payload.ts";
import { formatSparkplugTopic, parseSparkplugTopic, type SparkplugTopic } from "../core/sparkplug/topic.ts";
import { encodeSparkplug } from "../core/sparkplug/write-payload.ts";
import type { NamedMetric } from "./sparkplug-metric.ts";

/** Where a metric lives; `device` null: the edge node itself. */
export interface SparkplugPlace {
  readonly group: string;
  readonly edgeNode: string;
  readonly device: string | null;
}

/** What one message means for whoever follows its edge node. */
export interface SparkplugOutcome {
  readonly place: SparkplugPlace;
  /** Metrics with their names; empty unless `kind` of the message carries values. */
  readonly metrics: readonly NamedMetric[];
  /** Time of metrics without their own. */
  readonly payloadTimeMs: number | null;
  /** The node with all its devices, or one device, has gone: nothing is known of its metrics any more. */
  readonly gone: "node" | "device" | null;
  /** To be published, QoS 0, not retained: a request for a new birth. */
  readonly requests: readonly SparkplugRequest[];
  /** The message could not be used: `<code>: text for people`. */
  readonly refusal: string | null;
}

export interface SparkplugRequest {
  readonly topic: string;
  readonly payload: Uint8Array;
}

interface KnownMetric {
  readonly device: string | null;
  readonly name: string;
  readonly dataType: SparkplugDataType | null;
}

/** What is known of an edge node since its birth. */
interface Session {
  readonly bdSeq: number | null;
  nextSeq: number;
  /** A message was missed: aliases may have been given anew. */
  hasGap: boolean;
  readonly aliases: Map<bigint, KnownMetric>;
  /** Data types by device and name, for messages that name metrics but not their type. */
  readonly types: Map<string, SparkplugDataType | null>;
  readonly devices: Set<string>;
}

/** Births are asked for at most this often from one node. */
const rebirthIntervalMs = 10_000;
const maxDevices = 1_000;
const maxKnownMetrics = 20_000;

/**
 * The consumer's side of Sparkplug B 3.0 sessions (a host application that is not the primary one): births give aliases
 * and data types, the sequence shows what was missed, a death silences, and a birth is asked for when something does not
 * fit. Pure input and output; holds only the edge nodes it was told to follow.
 */
export class SparkplugConsumer {
  /** By `group/edge node`; undefined: not born, as far as is known. */
  readonly #sessions = new Map<string, Session | undefined>();
  readonly #askedMs = new Map<string, number>();

  constructor(nodes: readonly Pick<SparkplugPlace, "group" | "edgeNode">[]) {
    for (const { group, edgeNode } of nodes) this.#sessions.set(`${group}/${edgeNode}`, undefined);
  }

  /**
   * What a message means; undefined when it is none of an edge node that is followed. Never throws.
   * `receivedMs` only spaces the requests for births.
   */
  onMessage(message: DeviceMessage): SparkplugOutcome | undefined {
    const topic = parseSparkplugTopic(message.topic);
    if (topic === undefined || topic.type.endsWith("CMD")) return undefined;
    const key = `${topic.group}/${topic.edgeNode}`;
    if (!this.#sessions.has(key)) return undefined;
    const decoded = decodeSparkplug(message.payload);
    if (decoded.kind === "invalid") return { ...nothing(topic, null), refusal: decoded.reason };
    const payload = decoded.value;
    const session = this.#sessions.get(key);
    if (topic.type === "NBIRTH") return this.#nodeBorn(topic, key, payload);
    if (topic.type === "NDEATH") return this.#nodeGone(topic, key, session, payload);
    if (session === undefined) {
      return {
        ...nothing(topic, payload),
        requests: this.#askForBirth(topic, key, message.receivedMs),
        refusal: `no-birth: ${topic.type} of ${key} before its NBIRTH; a new birth is asked for`,
      };
    }
    const isInOrder = payload.seq === session.nextSeq;
    if (!isInOrder) session.hasGap = true;
    session.nextSeq = payload.seq === null ? session.nextSeq : (payload.seq + 1) % 256;
    const requests = session.hasGap ? this.#askForBirth(topic, key, message.receivedMs) : [];
    if (topic.type === "DBIRTH") return { ...this.#deviceBorn(topic, session, payload), requests };
    if (topic.type === "DDEATH") {
      forgetDevice(session, topic.device);
      return { ...nothing(topic, payload), gone: "device", requests };
    }
    return this.#data(topic, key, session, payload, requests, message.receivedMs);
  }

  /** Call when a connection to the broker came up: what happened meanwhile is unknown, so births are asked for. */
  connected(nowMs: number): readonly SparkplugRequest[] {
    this.#askedMs.clear();
    return [...this.#sessions.keys()].flatMap((key) => {
      this.#sessions.set(key, undefined);
      const [group = "", edgeNode = ""] = key.split("/");
      return this.#askForBirth({ group, edgeNode }, key, nowMs);
    });
  }

  #nodeBorn(topic: SparkplugTopic, key: string, payload: SparkplugPayload): SparkplugOutcome {
    const session: Session = {
      bdSeq: bdSeqOf(payload),
      nextSeq: ((payload.seq ?? 0) + 1) % 256,
      hasGap: false,
      aliases: new Map(),
      types: new Map(),
      devices: new Set(),
    };
    this.#sessions.set(key, session);
    return this.#born(topic, session, payload);
  }

  #deviceBorn(topic: SparkplugTopic, session: Session, payload: SparkplugPayload): SparkplugOutcome {
    forgetDevice(session, topic.device);
    if (topic.device === null || session.devices.size >= maxDevices) {
      return { ...nothing(topic, payload), refusal: `too-many-devices: more than ${maxDevices} of one edge node` };
    }
    session.devices.add(topic.device);
    return this.#born(topic, session, payload);
  }

  #born(topic: SparkplugTopic, session: Session, payload: SparkplugPayload): SparkplugOutcome {
    const metrics: NamedMetric[] = [];
    for (const metric of payload.metrics) {
      if (metric.name === null) continue;
      if (session.types.size >= maxKnownMetrics || session.aliases.size >= maxKnownMetrics) break;
      const known = { device: topic.device, name: metric.name, dataType: metric.dataType };
      session.types.set(typeKey(topic.device, metric.name), metric.dataType);
      if (metric.alias !== null) session.aliases.set(metric.alias, known);
      // A birth says what holds now: with report by exception, a metric's own time is when it last changed.
      const current = metric.isHistorical ? metric : { ...metric, timestampMs: null };
      metrics.push(named(current, known, null));
    }
    return { ...nothing(topic, payload), metrics };
  }

  /** [tck-id-payloads-ndeath-bdseq]: a death of an earlier connection says nothing about this one. */
  #nodeGone(
    topic: SparkplugTopic,
    key: string,
    session: Session | undefined,
    payload: SparkplugPayload,
  ): SparkplugOutcome {
    const bdSeq = bdSeqOf(payload);
    if (session !== undefined && session.bdSeq !== null && bdSeq !== null && bdSeq !== session.bdSeq) {
      return nothing(topic, payload);
    }
    this.#sessions.set(key, undefined);
    this.#askedMs.delete(key);
    return { ...nothing(topic, payload), gone: "node" };
  }

  #data(
    topic: SparkplugTopic,
    key: string,
    session: Session,
    payload: SparkplugPayload,
    asked: readonly SparkplugRequest[],
    receivedMs: number,
  ): SparkplugOutcome {
    const { device } = topic;
    if (device !== null && !session.devices.has(device)) {
      return {
        ...nothing(topic, payload),
        requests: [...asked, ...this.#askForBirth(topic, key, receivedMs)],
        refusal: `no-birth: DDATA of ${key}/${device} before its DBIRTH; a new birth is asked for`,
      };
    }
    const metrics: NamedMetric[] = [];
    let unknown = 0;
    for (const metric of payload.metrics.slice(0, sparkplugLimits.metrics)) {
      const known = knownMetric(session, device, metric);
      if (known === undefined) unknown += 1;
      else metrics.push(named(metric, known, metric.name === null && session.hasGap ? "sequence-gap" : null));
    }
    if (unknown === 0) return { ...nothing(topic, payload), metrics, requests: asked };
    return {
      ...nothing(topic, payload),
      metrics,
      requests: [...asked, ...this.#askForBirth(topic, key, receivedMs)],
      refusal: `unknown-metric: ${unknown} of ${payload.metrics.length} metrics of ${key} are in no birth`,
    };
  }

  /** Any host application may ask, not only the primary one: NCMD with "Node Control/Rebirth" = true. */
  #askForBirth(
    node: Pick<SparkplugPlace, "group" | "edgeNode">,
    key: string,
    nowMs: number,
  ): readonly SparkplugRequest[] {
    const askedMs = this.#askedMs.get(key);
    if (askedMs !== undefined && Math.abs(nowMs - askedMs) < rebirthIntervalMs) return [];
    this.#askedMs.set(key, nowMs);
    const { group, edgeNode } = node;
    return [
      {
        topic: formatSparkplugTopic({ group, type: "NCMD", edgeNode, device: null }),
        payload: encodeSparkplug({ timestampMs: nowMs < 0 ? 0 : Math.round(nowMs), seq: null, metrics: [rebirth] }),
      },
    ];
  }
}

const rebirth: SparkplugMetric = {
  name: "Node Control/Rebirth",
  alias: null,
  timestampMs: null,
  dataType: "Boolean",
  isHistorical: false,
  isTransient: false,
  raw: { field: "boolean", value: true },
  properties: new Map(),
};

function nothing(topic: SparkplugTopic, payload: SparkplugPayload | null): SparkplugOutcome {
  const { group, edgeNode, device } = topic;
  return {
    place: { group, edgeNode, device },
    metrics: [],
    payloadTimeMs: payload?.timestampMs ?? null,
    gone: null,
    requests: [],
    refusal: null,
  };
}

function named(metric: SparkplugMetric, known: KnownMetric, doubt: string | null): NamedMetric {
  const { timestampMs, isHistorical, isTransient, raw, properties } = metric;
  const dataType = metric.dataType ?? known.dataType;
  return { name: known.name, dataType, timestampMs, isHistorical, isTransient, raw, properties, doubt };
}

function knownMetric(session: Session, device: string | null, metric: SparkplugMetric): KnownMetric | undefined {
  if (metric.name !== null) {
    const dataType = session.types.get(typeKey(device, metric.name));
    return dataType === undefined ? undefined : { device, name: metric.name, dataType };
  }
  const known = metric.alias === null ? undefined : session.aliases.get(metric.alias);
  // Aliases are unique over the node and its devices: one of another device is a mistake.
  return known?.device === device ? known : undefined;
}

function forgetDevice(session: Session, device: string | null): void {
  if (device === null) return;
  session.devices.delete(device);
  for (const [alias, known] of session.aliases) if (known.device === device) session.aliases.delete(alias);
  const prefix = typeKey(device, "");
  for (const key of session.types.keys()) if (key.startsWith(prefix)) session.types.delete(key);
}

/** A device's name has no slash, so this is unique. */
function typeKey(device: string | null, name: string): string {
  return `${device ?? ""}/${name}`;
}

function bdSeqOf(payload: SparkplugPayload): number | null {
  const metric = payload.metrics.find((candidate) => candidate.name === "bdSeq");
  if (metric === undefined || metric.raw === null) return null;
  const value = interpretSparkplug(metric.raw, metric.dataType ?? "Int64");
  return typeof value === "number" ? value : null;
}
