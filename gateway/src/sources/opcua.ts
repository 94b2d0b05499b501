import {
  type CancelTimer,
  describeError,
  FrostlightError,
  type Part,
  peerRetry,
  retryDelayMs,
} from "@frostlight/kernel";
import type { DataValue, StatusCode } from "node-opcua-client";

import type { Reading } from "../core/reading.ts";
import { defineSource, type PointBinding, type SourceContext } from "../core/source.ts";
import { OpcUaConnection } from "./opcua-connection.ts";
import { type OpcUaAddress, opcUaAddress, type OpcUaOptions, opcUaOptions } from "./opcua-options.ts";
import { loadOpcUaLibrary, type OpcUaLibrary, openPki, type OpcUaPki } from "./opcua-pki.ts";
import { type OpcUaMeasured, readDataValue, reasonOf } from "./opcua-value.ts";
import { Outbox } from "./outbox.ts";

type Binding = PointBinding<OpcUaAddress>;
type Measured = Extract<OpcUaMeasured, { readonly kind: "measured" }>;

const tickMs = 1_000;
const unknownCertificateRetryMs = 30_000;

interface Known {
  readonly value: number | null;
  readonly sourceTimeMs: number | null;
  readonly reason: string | null;
  /** Monotonic. */
  submittedMs: number;
}

/**
 * Subscribes to nodes of an OPC UA server. A subscription reports changes only: what did not change for an expected
 * interval is read, so that "unchanged" and "silent" stay different things.
 */
export class OpcUaSource implements Part {
  readonly name: string;
  readonly #options: OpcUaOptions;
  readonly #points: readonly Binding[];
  readonly #context: SourceContext;
  readonly #outbox: Outbox;
  readonly #stopping = new AbortController();
  readonly #known = new Map<Binding, Known>();
  readonly #refused = new Set<Binding>();
  #connection: OpcUaConnection | undefined;
  #running: Promise<void> | undefined;
  #isReading = false;

  constructor(options: OpcUaOptions, points: readonly Binding[], context: SourceContext) {
    this.name = `source ${context.sourceId}`;
    this.#options = options;
    this.#points = points;
    this.#context = context;
    this.#outbox = new Outbox(context, this.#stopping.signal, (error) => {
      this.#reportJournal(error);
    });
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
      await this.#context.clock.sleep(waitMs, this.#stopping.signal).catch(() => undefined);
    }
    await pki.certificates.dispose();
  }

  /** One connection from beginning to end; says how long to wait before the next. */
  async #connectOnce(library: OpcUaLibrary, pki: OpcUaPki, failures: number, onOpen: () => void): Promise<number> {
    const { clock, random } = this.#context;
    const connection = new OpcUaConnection(library, pki, this.#options, this.#context, {
      value: (binding, dataValue) => {
        this.#accept(binding, dataValue);
      },
      refused: (binding, status) => {
        this.#refuseNode(binding, status);
      },
    });
    this.#connection = connection;
    this.#refused.clear();
    let waitMs = retryDelayMs(peerRetry, failures, random);
    let cancelWatch: CancelTimer = () => undefined;
    try {
      const opening = connection.open(this.#points);
      opening.catch(() => undefined); // when it breaks while opening, the reason why it broke is the one that counts
      await Promise.race([opening, connection.broken.then((reason) => Promise.reject(new Error(reason)))]);
      onOpen();
      this.#reportConnected();
      cancelWatch = clock.every(Math.min(tickMs, this.#options.watchdogMs / 4), () => {
        this.#watch(connection);
      });
      const reason = await connection.broken;
      if (!this.#stopping.signal.aborted) {
        const code = connection.silentMs >= this.#options.watchdogMs ? "session-frozen" : "connection-lost";
        this.#offline(code, `${this.#options.endpoint}: ${reason}`);
      }
    } catch (error) {
      waitMs = this.#reportFailure(error, waitMs);
    }
    cancelWatch();
    await connection.close();
    return waitMs;
  }

  #reportFailure(error: unknown, waitMs: number): number {
    if (this.#stopping.signal.aborted) return 0;
    if (error instanceof FrostlightError && error.code === "opcua/certificate-unknown") {
      this.#offline("certificate-unknown", error.message);
      return unknownCertificateRetryMs; // a person has to decide
    }
    const code = error instanceof FrostlightError ? error.code.replace(/^.*\//, "") : "connect-failed";
    this.#offline(code, `${this.#options.endpoint}: ${describeError(error)}`);
    return waitMs;
  }

  /** A frozen server raises no event: its silence has to be noticed. */
  #watch(connection: OpcUaConnection): void {
    if (connection.silentMs >= this.#options.watchdogMs) {
      this.#context.logger.warn("opcua-session-frozen", { silentMs: Math.round(connection.silentMs) });
      void connection.close();
      return;
    }
    if (!this.#isReading) void this.#readUnchanged(connection);
  }

  async #readUnchanged(connection: OpcUaConnection): Promise<void> {
    const nowMs = this.#context.clock.monotonicMs();
    const due = this.#points.filter((binding) => {
      const known = this.#known.get(binding);
      return known !== undefined && nowMs - known.submittedMs >= binding.expectedIntervalMs;
    });
    if (due.length === 0) return;
    this.#isReading = true;
    try {
      await connection.read(due);
    } catch (error) {
      this.#context.logger.debug("opcua-read-failed", { error: describeError(error) });
    }
    this.#isReading = false;
  }

  #accept(binding: Binding, dataValue: DataValue): void {
    const measured = readDataValue(dataValue);
    const { nodeId } = binding.address;
    if (measured.kind === "unusable") {
      const message = `point ${binding.pointId}: expected a number, found ${measured.found}`;
      this.#context.refuse({ address: nodeId, code: "not-a-number", message });
      return;
    }
    if (measured.isOverflowed) {
      const message = `point ${binding.pointId}: the server's queue overflowed, values before this one are lost`;
      this.#context.refuse({ address: nodeId, code: "queue-overflow", message });
    }
    const nowMs = this.#context.clock.monotonicMs();
    const known = this.#known.get(binding);
    const isRepeated = known !== undefined && isSame(known, measured);
    if (isRepeated && nowMs - known.submittedMs < binding.expectedIntervalMs) return;
    const { value, sourceTimeMs, reason, quality } = measured;
    this.#known.set(binding, { value, sourceTimeMs, reason, submittedMs: nowMs });
    this.#outbox.put({
      pointId: binding.pointId,
      value,
      unit: binding.unit,
      // The server confirms an old value: it holds now, the time of its last change is known already.
      sourceTimeMs: isRepeated ? null : sourceTimeMs,
      receivedMs: this.#context.clock.nowMs(),
      quality,
      reason,
      backfill: false,
    });
  }

  #refuseNode(binding: Binding, status: StatusCode | undefined): void {
    const reason = status === undefined ? "opcua-namespace-unknown" : reasonOf(status.name, status.value >>> 0);
    this.#refused.add(binding);
    this.#context.refuse({
      address: binding.address.nodeId,
      code: reason,
      message: `point ${binding.pointId}: the server does not let us monitor this node`,
    });
    const reading: Reading = {
      pointId: binding.pointId,
      value: null,
      unit: binding.unit,
      sourceTimeMs: null,
      receivedMs: this.#context.clock.nowMs(),
      quality: "bad",
      reason,
      backfill: false,
    };
    this.#outbox.put(reading);
  }

  #reportConnected(): void {
    const { endpoint, securityMode } = this.#options;
    const refused = [...this.#refused].map((binding) => binding.address.nodeId);
    this.#context.setState(
      refused.length === 0
        ? { state: "ok", code: "connected", message: `connected to ${endpoint}, ${securityMode}` }
        : {
            state: "degraded",
            code: "nodes-refused",
            message: `connected to ${endpoint}, without ${refused.join(", ").slice(0, 300)}`,
          },
    );
  }

  #reportJournal(error: unknown): void {
    if (error === undefined) this.#reportConnected();
    else {
      const message = `values wait: ${describeError(error)}`;
      this.#context.setState({ state: "degraded", code: "journal-not-writable", message });
    }
  }

  #offline(code: string, message: string): void {
    this.#context.setState({ state: "offline", code, message });
  }
}

function isSame(known: Known, measured: Measured): boolean {
  return (
    known.value === measured.value && known.reason === measured.reason && known.sourceTimeMs === measured.sourceTimeMs
  );
}

export const opcua = defineSource({
  kind: "opcua",
  options: opcUaOptions,
  address: opcUaAddress,
  example: {
    options: { endpoint: "opc.tcp://127.0.0.1:4840", securityMode: "None" },
    address: { nodeId: "ns=1;s=temperature" },
  },
  open: (options, points, context): OpcUaSource => new OpcUaSource(options, points, context),
});
