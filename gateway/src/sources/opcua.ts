import {
  type CancelTimer,
  describeError,
  FrostlightError,
  type Part,
  peerRetry,
  retryDelayMs,
} from "@frostlight/kernel";
import type { DataValue } from "node-opcua-client";

import type { Reading } from "../core/reading.ts";
import { defineSource, type PointBinding, type SourceContext } from "../core/source.ts";
import { discoverVariables } from "./opcua-browse.ts";
import { checkOpcUa, discoverOpcUa } from "./opcua-check.ts";
import { type KnownValue, listAddresses, OpcUaConnection, type TrackedPoint } from "./opcua-connection.ts";
import { addressText, opcUaAddress, type OpcUaAddress, type OpcUaOptions, opcUaOptions } from "./opcua-options.ts";
import { loadOpcUaLibrary, type OpcUaLibrary, openPki, type OpcUaPki } from "./opcua-pki.ts";
import { explainFailure, explainReason } from "./opcua-status.ts";
import { type OpcUaMeasured, readDataValue } from "./opcua-value.ts";
import { Outbox } from "./outbox.ts";

type Measured = Extract<OpcUaMeasured, { readonly kind: "measured" }>;

const tickMs = 1_000;
const unknownCertificateRetryMs = 30_000;
const refusedRetryMs = 60_000;
const discoveryEveryMs = 3_600_000;
/** More is not shown anyway. */
const maxDiscoveries = 500;
/** A session that answers no read three times is of no use, even when keep-alives come. */
const maxReadFailures = 3;
const minOutbox = 10_000;
const outboxPerPoint = 4;

/**
 * Subscribes to nodes of an OPC UA server. A subscription reports changes only: what did not change for an expected
 * interval is read, so that "unchanged" and "silent" stay different things.
 */
export class OpcUaSource implements Part {
  readonly name: string;
  readonly #options: OpcUaOptions;
  readonly #points: readonly TrackedPoint[];
  readonly #context: SourceContext;
  readonly #outbox: Outbox;
  readonly #stopping = new AbortController();
  #connection: OpcUaConnection | undefined;
  #running: Promise<void> | undefined;
  #isReading = false;
  #readFailures = 0;
  #retriedMs = 0;
  #discoveredMs = Number.NEGATIVE_INFINITY;

  constructor(options: OpcUaOptions, points: readonly PointBinding<OpcUaAddress>[], context: SourceContext) {
    this.name = `source ${context.sourceId}`;
    this.#options = options;
    this.#points = points.map((binding) => ({
      binding,
      nodeId: undefined,
      unit: null,
      isUnitForeign: false,
      known: undefined,
    }));
    this.#context = context;
    this.#outbox = new Outbox(
      context,
      this.#stopping.signal,
      (error) => {
        this.#reportJournal(error);
      },
      Math.max(minOutbox, outboxPerPoint * points.length),
    );
  }

  start(): Promise<void> {
    this.#context.setState({
      state: "starting",
      code: "connecting",
      message: `connecting to ${this.#options.endpoint}`,
    });
    this.#running = this.#run();
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    this.#stopping.abort();
    await this.#connection?.close();
    await this.#running;
    await this.#outbox.close();
    this.#context.setState({ state: "offline", code: "stopped", message: "stopped" });
  }

  async #run(): Promise<void> {
    const { logger, stateFolder } = this.#context;
    let library: OpcUaLibrary;
    let pki: OpcUaPki;
    try {
      library = await loadOpcUaLibrary(logger);
      pki = await openPki(stateFolder, library);
    } catch (error) {
      this.#offline("not-ready", `cannot open the certificate folder in ${stateFolder}: ${describeError(error)}`);
      return;
    }
    for (let failures = 0; !this.#stopping.signal.aborted; failures += 1) {
      const waitMs = await this.#connectOnce(library, pki, failures, () => {
        failures = 0;
      });
      await this.#pause(waitMs);
    }
    await pki.certificates.dispose();
  }

  /** Ends early when somebody approves a certificate of this source. */
  async #pause(waitMs: number): Promise<void> {
    const early = new AbortController();
    const forget = this.#context.trust.onApproval(() => {
      early.abort();
    });
    const signal = AbortSignal.any([early.signal, this.#stopping.signal]);
    await this.#context.clock.sleep(waitMs, signal).catch(() => undefined);
    forget();
  }

  /** One connection from beginning to end; says how long to wait before the next. */
  async #connectOnce(library: OpcUaLibrary, pki: OpcUaPki, failures: number, onOpen: () => void): Promise<number> {
    const { clock, random } = this.#context;
    let batch: Reading[] = [];
    const connection = new OpcUaConnection(library, pki, this.#options, this.#context, {
      value: (point, dataValue) => {
        this.#accept(point, dataValue, batch);
      },
      settled: () => {
        this.#outbox.putAll(batch);
        batch = [];
      },
      refused: (point, code, detail) => {
        this.#refuseNode(point.binding, code, detail);
      },
      missed: (notifications) => {
        const message = `${notifications} notifications of the server never arrived; values may be missing`;
        this.#context.refuse({ address: this.#options.endpoint, code: "notifications-missed", message });
      },
    });
    this.#connection = connection;
    let waitMs = retryDelayMs(peerRetry, failures, random);
    let cancelWatch: CancelTimer = () => undefined;
    const over = new AbortController();
    try {
      const opening = connection.open(this.#points);
      opening.catch(() => undefined); // when it breaks while opening, the reason why it broke is the one that counts
      await Promise.race([opening, connection.broken.then((reason) => Promise.reject(new Error(reason)))]);
      onOpen();
      this.#readFailures = 0;
      this.#retriedMs = clock.monotonicMs();
      this.#reportConnected(connection);
      cancelWatch = clock.every(Math.min(tickMs, this.#options.watchdogMs / 4), () => {
        this.#watch(connection);
      });
      void this.#discover(connection, over.signal);
      const reason = await connection.broken;
      if (!this.#stopping.signal.aborted) {
        const code = connection.isFrozen ? "session-frozen" : "connection-lost";
        this.#offline(code, `${this.#options.endpoint}: ${reason}`);
      }
    } catch (error) {
      waitMs = this.#reportFailure(error, waitMs);
    }
    over.abort();
    cancelWatch();
    await connection.close();
    return waitMs;
  }

  #reportFailure(error: unknown, waitMs: number): number {
    if (this.#stopping.signal.aborted) return 0;
    if (error instanceof FrostlightError && error.code === "opcua/certificate-unknown") {
      this.#context.setState({ state: "degraded", code: "certificate-unknown", message: error.message });
      return unknownCertificateRetryMs; // a person has to decide
    }
    const code = error instanceof FrostlightError ? error.code.replace(/^.*\//, "") : "connect-failed";
    this.#offline(code, `${this.#options.endpoint}: ${explainFailure(describeError(error))}`);
    return waitMs;
  }

  /** A frozen server raises no event: its silence has to be noticed. */
  #watch(connection: OpcUaConnection): void {
    if (connection.isFrozen) {
      this.#context.logger.warn("opcua-session-frozen", { silentMs: Math.round(connection.silentMs) });
      void connection.close();
      return;
    }
    if (this.#isReading) return;
    const nowMs = this.#context.clock.monotonicMs();
    if (connection.refused.length > 0 && nowMs - this.#retriedMs >= refusedRetryMs) {
      this.#retriedMs = nowMs;
      void this.#ask(connection, () => this.#retryRefused(connection));
    } else if (nowMs - this.#discoveredMs >= discoveryEveryMs) {
      void this.#discover(connection, this.#stopping.signal);
    } else {
      const due = this.#unchanged(nowMs);
      if (due.length > 0) void this.#ask(connection, () => connection.read(due));
    }
  }

  #unchanged(nowMs: number): readonly TrackedPoint[] {
    return this.#points.filter(
      ({ known, nodeId, binding }) =>
        known !== undefined && nodeId !== undefined && nowMs - known.submittedMs >= binding.expectedIntervalMs,
    );
  }

  /** One question at a time. */
  async #ask(connection: OpcUaConnection, question: () => Promise<void>): Promise<void> {
    this.#isReading = true;
    try {
      await question();
      this.#readFailures = 0;
    } catch (error) {
      this.#readFailures += 1;
      this.#context.logger.debug("opcua-read-failed", { error: describeError(error) });
      if (this.#readFailures >= maxReadFailures) connection.breakOff(`reads fail: ${describeError(error)}`);
    }
    this.#isReading = false;
  }

  async #retryRefused(connection: OpcUaConnection): Promise<void> {
    if ((await connection.retryRefused()) > 0) this.#reportConnected(connection);
  }

  /** Looks for variables that are not configured. A server that does not like to be browsed loses nothing by it. */
  async #discover(connection: OpcUaConnection, signal: AbortSignal): Promise<void> {
    const { space } = connection;
    const { clock, logger } = this.#context;
    if (!this.#options.discovery.enabled || space === undefined) return;
    if (clock.monotonicMs() - this.#discoveredMs < discoveryEveryMs) return;
    this.#discoveredMs = clock.monotonicMs();
    const configured = connection.monitoredNodeIds();
    let count = 0;
    try {
      await discoverVariables(space, { ...this.#options.discovery, clock }, signal, (found, nodeId) => {
        if (configured.has(nodeId) || count >= maxDiscoveries) return;
        count += 1;
        this.#context.discover(found);
      });
      logger.info("opcua-discovered", { endpoint: this.#options.endpoint, variables: count });
    } catch (error) {
      logger.debug("opcua-discovery-failed", { error: describeError(error) });
    }
  }

  #accept(point: TrackedPoint, dataValue: DataValue, batch: Reading[]): void {
    const { binding, known } = point;
    const measured = readDataValue(dataValue);
    if (measured.kind === "measured" && point.isUnitForeign && measured.quality === "good" && binding.unit !== "1") {
      measured.quality = "uncertain";
      measured.reason = "opcua-unit-unknown";
    }
    if (measured.kind === "unusable") {
      const message = `point ${binding.pointId}: expected a number, found ${measured.found}`;
      this.#context.refuse({ address: addressText(binding.address), code: "not-a-number", message });
      return;
    }
    if (measured.isOverflowed) {
      const message = `point ${binding.pointId}: the server's queue overflowed, values before this one are lost`;
      this.#context.refuse({ address: addressText(binding.address), code: "queue-overflow", message });
    }
    const submittedMs = this.#context.clock.monotonicMs();
    const { value, sourceTimeMs, reason, quality } = measured;
    const isRepeated = known !== undefined && isSame(known, measured);
    if (known === undefined) point.known = { value, sourceTimeMs, reason, submittedMs };
    else {
      if (isRepeated && submittedMs - known.submittedMs < binding.expectedIntervalMs) return;
      known.value = value;
      known.sourceTimeMs = sourceTimeMs;
      known.reason = reason;
      known.submittedMs = submittedMs;
    }
    batch.push({
      pointId: binding.pointId,
      value,
      unit: point.unit ?? binding.unit,
      // The server confirms an old value: it holds now, the time of its last change is known already.
      sourceTimeMs: isRepeated ? null : sourceTimeMs,
      receivedMs: this.#context.clock.nowMs(),
      quality,
      reason,
      backfill: false,
    });
  }

  #refuseNode(binding: PointBinding<OpcUaAddress>, reason: string, detail: string): void {
    this.#context.refuse({
      address: addressText(binding.address),
      code: reason,
      message: `point ${binding.pointId}: ${detail}${explainReason(reason)}`,
    });
    this.#outbox.put({
      pointId: binding.pointId,
      value: null,
      unit: binding.unit,
      sourceTimeMs: null,
      receivedMs: this.#context.clock.nowMs(),
      quality: "bad",
      reason,
      backfill: false,
    });
  }

  #reportConnected(connection: OpcUaConnection): void {
    const { endpoint, securityMode } = this.#options;
    const { refused, peer } = connection;
    const setState = this.#context.setState.bind(this.#context);
    if (refused.length > 0) {
      const message = `connected to ${endpoint}, without ${listAddresses(refused)}`;
      setState({ state: "degraded", code: "nodes-refused", message });
    } else if (peer !== undefined && peer.validToMs < this.#context.clock.nowMs()) {
      const message = `connected to ${endpoint}; its certificate, approved, ended ${new Date(peer.validToMs).toISOString()}`;
      setState({ state: "degraded", code: "certificate-expired", message });
    } else {
      setState({ state: "ok", code: "connected", message: `connected to ${endpoint}, ${securityMode}` });
    }
  }

  #reportJournal(error: unknown): void {
    if (error === undefined) {
      if (this.#connection !== undefined) this.#reportConnected(this.#connection);
      return;
    }
    const message = `values wait: ${describeError(error)}`;
    this.#context.setState({ state: "degraded", code: "journal-not-writable", message });
  }

  #offline(code: string, message: string): void {
    this.#context.setState({ state: "offline", code, message });
  }
}

function isSame(known: KnownValue, measured: Measured): boolean {
  return (
    known.value === measured.value && known.reason === measured.reason && known.sourceTimeMs === measured.sourceTimeMs
  );
}

export const opcua = defineSource({
  kind: "opcua",
  unacknowledged: true,
  options: opcUaOptions,
  address: opcUaAddress,
  example: {
    options: { endpoint: "opc.tcp://127.0.0.1:4840", securityMode: "None" },
    address: { nodeId: "ns=1;s=temperature" },
  },
  open: (options, points, context): OpcUaSource => new OpcUaSource(options, points, context),
  check: checkOpcUa,
  discover: discoverOpcUa,
});
