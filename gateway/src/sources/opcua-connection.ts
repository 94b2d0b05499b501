import { describeError } from "@frostlight/kernel";
import type { ClientSession, DataValue, StatusCode } from "node-opcua-client";

import type { PeerCertificate } from "../core/peer-trust.ts";
import type { PointBinding, SourceContext } from "../core/source.ts";
import type { Unit } from "../core/units.ts";
import { addressText, type OpcUaAddress, type OpcUaOptions } from "./opcua-options.ts";
import type { OpcUaLibrary, OpcUaPki } from "./opcua-pki.ts";
import { resolveAddresses } from "./opcua-resolve.ts";
import { OpcUaSession } from "./opcua-session.ts";
import { namespacesOf, openSpace, type SessionSpace } from "./opcua-space.ts";
import { type MonitoredNode, OpcUaSubscription } from "./opcua-subscription.ts";
import { readUnits, type ServerUnit } from "./opcua-units.ts";
import { hasNewSemantics, reasonOf } from "./opcua-value.ts";

/** What a connection tells while it lives. */
export interface ConnectionEvents {
  value(point: TrackedPoint, dataValue: DataValue): void;
  /** The values that came together have all been told. */
  settled(): void;
  /** A node that cannot be monitored: it is not found, or the server does not let us. Told once per connection. */
  refused(point: TrackedPoint, code: string, detail: string): void;
  missed(notifications: number): void;
}

/** A server may choose longer intervals than it was asked for. */
const missedKeepAlives = 2;
/** Units are not read again more often than this. */
const unitsRefreshMs = 1_000;

/** A point with what is known of it. It travels with its values: nothing is looked up for each of them. */
export interface TrackedPoint {
  readonly binding: PointBinding<OpcUaAddress>;
  /** On the present connection; undefined: not monitored. */
  nodeId: string | undefined;
  /** As the server says; null: it says none that we know. */
  unit: Unit | null;
  /** The server says a unit that is none of ours. */
  isUnitForeign: boolean;
  /** What was handed over last; undefined before the first value. */
  known: KnownValue | undefined;
}

export interface KnownValue {
  value: number | null;
  sourceTimeMs: number | null;
  reason: string | null;
  /** Monotonic. */
  submittedMs: number;
}

/** A session with its subscription, from connecting until it breaks, freezes or is closed. */
export class OpcUaConnection {
  readonly #library: OpcUaLibrary;
  readonly #options: OpcUaOptions;
  readonly #context: SourceContext;
  readonly #events: ConnectionEvents;
  readonly #session: OpcUaSession;
  readonly #refused = new Set<TrackedPoint>();
  #points: readonly TrackedPoint[] = [];
  #isClosed = false;
  #space: SessionSpace | undefined;
  #subscription: OpcUaSubscription<TrackedPoint | null> | undefined;
  #heardMs: number;
  #unitsReadMs = Number.NEGATIVE_INFINITY;

  constructor(
    library: OpcUaLibrary,
    pki: OpcUaPki,
    options: OpcUaOptions,
    context: SourceContext,
    events: ConnectionEvents,
  ) {
    this.#library = library;
    this.#options = options;
    this.#context = context;
    this.#events = events;
    this.#session = new OpcUaSession(library, pki, options, context);
    this.#heardMs = context.clock.monotonicMs();
  }

  /** Resolves with the reason once the connection is of no use any more. */
  get broken(): Promise<string> {
    return this.#session.broken;
  }

  /** How long the subscription has said nothing, keep-alives included; monotonic. */
  get silentMs(): number {
    return this.#context.clock.monotonicMs() - this.#heardMs;
  }

  /** It has been silent for longer than a living server ever is. */
  get isFrozen(): boolean {
    const expectedMs = missedKeepAlives * (this.#subscription?.keepAliveMs ?? 0);
    return this.silentMs >= Math.max(this.#options.watchdogMs, expectedMs);
  }

  get peer(): PeerCertificate | undefined {
    return this.#session.peer;
  }

  /** Points that are not monitored. */
  get refused(): readonly TrackedPoint[] {
    return [...this.#refused];
  }

  monitoredNodeIds(): ReadonlySet<string> {
    return new Set(
      this.#points.flatMap(({ nodeId }) =>
        nodeId === undefined ? [] : [this.#library.resolveNodeId(nodeId).toString()],
      ),
    );
  }

  /** Set once the connection is open. */
  get space(): SessionSpace | undefined {
    return this.#space;
  }

  /** Throws `opcua/certificate-unknown` or whatever went wrong; {@link close} must be called then too. */
  async open(points: readonly TrackedPoint[]): Promise<void> {
    this.#points = points;
    for (const point of points) {
      point.nodeId = undefined;
      setUnit(point, undefined);
    }
    const session = await this.#session.open();
    const space = await openSpace(this.#library, session);
    this.#space = space;
    this.#subscription = await this.#subscribe(session, space);
    this.#heard();
    await this.#subscription.monitor([this.#namespaceArray()]);
    await this.#monitor(points);
  }

  /** Tries again what was refused: nodes may appear later. Tells how many are monitored now. */
  async retryRefused(): Promise<number> {
    const before = this.#refused.size;
    if (before > 0) await this.#monitor([...this.#refused]);
    return before - this.#refused.size;
  }

  /** Asks the server for values now, whether they changed or not. */
  async read(points: readonly TrackedPoint[]): Promise<void> {
    const nodeIds = points.map(({ nodeId }) => nodeId);
    if (this.#space === undefined || !nodeIds.every((nodeId) => nodeId !== undefined)) return;
    // No sign of life: a server that lost the subscription answers reads all the same.
    const values = await this.#space.values(nodeIds);
    if (this.#isClosed) return;
    for (const [index, point] of points.entries()) {
      const value = values[index];
      if (value !== undefined) this.#events.value(point, value);
    }
    this.#events.settled();
  }

  breakOff(reason: string): void {
    this.#session.breakOff(reason);
  }

  close(): Promise<void> {
    this.#isClosed = true;
    return this.#session.close();
  }

  #heard(): void {
    this.#heardMs = this.#context.clock.monotonicMs();
  }

  async #subscribe(session: ClientSession, space: SessionSpace): Promise<OpcUaSubscription<TrackedPoint | null>> {
    const { publishingIntervalMs } = this.#options;
    return OpcUaSubscription.create<TrackedPoint | null>(
      this.#library,
      session,
      { publishingIntervalMs, itemsPerCall: space.limits.monitor },
      {
        heard: () => {
          this.#heard();
        },
        value: (point, value) => {
          if (this.#isClosed) return;
          if (point === null) this.#checkNamespaces(value);
          else {
            if (hasNewSemantics(value)) void this.#refreshUnits();
            this.#events.value(point, value);
          }
        },
        settled: () => {
          this.#events.settled();
        },
        missed: (count) => {
          this.#events.missed(count);
        },
        broken: (reason) => {
          this.#session.breakOff(reason);
        },
      },
    );
  }

  /** Indices of namespaces hold for one state of the server: when it renumbers them, nodes are looked up again. */
  #checkNamespaces(value: DataValue): void {
    const now = namespacesOf(value);
    if (now.length > 0 && now.join("\n") !== this.#space?.namespaces.join("\n")) {
      this.#session.breakOff("the server changed its namespaces");
    }
  }

  async #monitor(points: readonly TrackedPoint[]): Promise<void> {
    const subscription = this.#subscription;
    const space = this.#space;
    if (subscription === undefined || space === undefined) return;
    const resolved = await resolveAddresses(
      points.map(({ binding }) => binding.address),
      space,
    );
    const found: { readonly point: TrackedPoint; readonly nodeId: string }[] = [];
    for (const [index, point] of points.entries()) {
      const result = resolved[index];
      if (result?.kind === "node") found.push({ point, nodeId: result.nodeId });
      else if (result !== undefined) this.#refuse(point, result.code, result.message);
    }
    const units = await this.#unitsOf(
      space,
      found.map(({ nodeId }) => nodeId),
    );
    // Before the items exist: the first values may come before the answer.
    for (const [index, { point }] of found.entries()) setUnit(point, units[index]);
    const statuses = await subscription.monitor(found.map(({ point, nodeId }) => this.#howTo(point, nodeId)));
    for (const [index, { point, nodeId }] of found.entries()) this.#note(point, nodeId, statuses[index]);
  }

  /** Somebody switched a controller to another unit. */
  async #refreshUnits(): Promise<void> {
    const nowMs = this.#context.clock.monotonicMs();
    if (this.#space === undefined || nowMs - this.#unitsReadMs < unitsRefreshMs) return;
    this.#unitsReadMs = nowMs;
    const nodes = this.#points.flatMap((point) =>
      point.nodeId === undefined ? [] : [{ point, nodeId: point.nodeId }],
    );
    try {
      const units = await this.#unitsOf(
        this.#space,
        nodes.map(({ nodeId }) => nodeId),
      );
      for (const [index, { point }] of nodes.entries()) setUnit(point, units[index]);
    } catch (error) {
      this.#session.breakOff(`units changed and cannot be read: ${describeError(error)}`);
    }
  }

  #note(point: TrackedPoint, nodeId: string, status: StatusCode | undefined): void {
    if (status?.isGood() === true) {
      point.nodeId = nodeId;
      this.#refused.delete(point);
      return;
    }
    const code = status === undefined ? "opcua-bad-unknown-response" : reasonOf(status.name, status.value >>> 0);
    this.#refuse(point, code, "the server does not let us monitor this node");
  }

  #refuse(point: TrackedPoint, code: string, detail: string): void {
    if (this.#refused.has(point)) return;
    this.#refused.add(point);
    this.#events.refused(point, code, detail);
  }

  /** A server without this service has no units; one that fails to answer is asked again with the next connection. */
  async #unitsOf(space: SessionSpace, nodeIds: readonly string[]): Promise<readonly (ServerUnit | undefined)[]> {
    if (!this.#options.engineeringUnits) return [];
    try {
      return await readUnits(space, nodeIds);
    } catch (error) {
      if (!describeError(error).includes("BadServiceUnsupported")) throw error;
      return [];
    }
  }

  #howTo(point: TrackedPoint, nodeId: string): MonitoredNode<TrackedPoint> {
    const { samplingIntervalMs, queueSize, discardOldest, deadband } = this.#options;
    const own = point.binding.address;
    return {
      key: point,
      nodeId,
      samplingIntervalMs: own.samplingIntervalMs ?? samplingIntervalMs,
      queueSize: own.queueSize ?? queueSize,
      discardOldest,
      deadband: own.deadband ?? deadband,
    };
  }

  #namespaceArray(): MonitoredNode<null> {
    const nodeId = `i=${this.#library.VariableIds.Server_NamespaceArray}`;
    return { key: null, nodeId, samplingIntervalMs: 5_000, queueSize: 1, discardOldest: true, deadband: 0 };
  }
}

function setUnit(point: TrackedPoint, unit: ServerUnit | undefined): void {
  point.unit = unit?.kind === "known" ? unit.unit : null;
  point.isUnitForeign = unit?.kind === "other";
}

/** For messages: the addresses of points, as long as they fit. */
export function listAddresses(points: readonly TrackedPoint[]): string {
  return points
    .map(({ binding }) => addressText(binding.address))
    .join(", ")
    .slice(0, 300);
}
