import { type Clock, describeError, type Logger } from "@frostlight/kernel";
import type { Registry } from "prom-client";

import type {
  BatchAcceptor,
  ChainAudit,
  ClockCorrectionStore,
  EpochState,
  IngestResult,
  IngestStore,
  KnownGateway,
} from "../core/ingest.ts";
import type { LivePublisher } from "../core/live.ts";
import type { TimeSeriesStore } from "../core/timeseries.ts";
import { Committer, type Settled } from "./committer.ts";
import { GroupQueue, type Waiting } from "./group-queue.ts";
import { registerIngestMetrics } from "./ingest-metrics.ts";
import { ingestOptions, type IngestOptions } from "./options.ts";
import { type IngestTotals, OutcomeLog } from "./outcome-log.ts";
import { type AuthenticBatch, type RefusedBytes, Screen } from "./screen.ts";

export interface IngestDeps {
  readonly options?: IngestOptions;
  readonly stateStore: IngestStore & ClockCorrectionStore & ChainAudit;
  readonly timeSeries: Pick<TimeSeriesStore, "write" | "replace">;
  readonly live: LivePublisher;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Adds its counters there. */
  readonly metrics?: Registry;
}

/** The server's one door for batches. */
export interface Ingest extends BatchAcceptor {
  totals(): IngestTotals;
  /** Holes older than `olderThanMs` (default one minute) in what a gateway sent. */
  chainState(gatewayId: string, olderThanMs?: number): Promise<readonly EpochState[]>;
  /** Resolves when everything accepted so far is settled; what comes later is put off. */
  close(): Promise<void>;
}

/**
 * Batches that arrive together are verified together, written to the time series in one call, then recorded in one state
 * transaction; only then their outcomes resolve. While a group is being written the next one is verified.
 * A crash between the two writes is harmless: nothing was acknowledged, and writing the samples again changes nothing.
 */
export function createIngest(deps: IngestDeps): Ingest {
  return new GroupingIngest(deps, deps.options ?? ingestOptions.parse({}));
}

type Screened = readonly [Waiting, AuthenticBatch | RefusedBytes];

class GroupingIngest implements Ingest {
  readonly #deps: IngestDeps;
  readonly #queue: GroupQueue;
  readonly #screen = new Screen();
  readonly #committer: Committer;
  readonly #log: OutcomeLog;
  #running: Promise<void> | undefined;
  #closed = false;

  constructor(deps: IngestDeps, options: IngestOptions) {
    this.#deps = deps;
    this.#queue = new GroupQueue(options);
    this.#committer = new Committer(deps);
    this.#log = new OutcomeLog(deps.logger);
    if (deps.metrics !== undefined) registerIngestMetrics(deps.metrics, () => this.#log.totals(), this.#queue);
  }

  accept(gatewayId: string, sealed: Uint8Array): Promise<IngestResult> {
    return new Promise((resolve) => {
      const waiting = { gatewayId, bytes: sealed, receivedMs: this.#deps.clock.nowMs(), resolve };
      if (this.#closed || !this.#queue.push(waiting)) {
        const reason = this.#closed ? "stopping" : "busy";
        this.#log.bad(gatewayId, "retry-later", reason, {});
        resolve({ epoch: "", outcome: { sequence: 0, result: "retry-later", reason }, authentic: false });
        return;
      }
      this.#running ??= this.#run();
    });
  }

  totals(): IngestTotals {
    return this.#log.totals();
  }

  chainState(gatewayId: string, olderThanMs = 60_000): Promise<readonly EpochState[]> {
    return this.#deps.stateStore.chainState(gatewayId, this.#deps.clock.nowMs() - olderThanMs);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    let committing = Promise.resolve();
    // Everything that arrives in one turn of the event loop comes into one group; the first turn has only begun.
    await nextTurn();
    while (this.#queue.length > 0) {
      const screened = await this.#screenGroup(this.#queue.takeGroup());
      await committing;
      committing = this.#commitGroup(screened);
      if (this.#queue.length === 0) await committing;
      await nextTurn();
    }
    this.#running = undefined;
  }

  async #screenGroup(group: readonly Waiting[]): Promise<readonly Screened[]> {
    let gateways: ReadonlyMap<string, KnownGateway>;
    try {
      gateways = await this.#deps.stateStore.knownGateways([...new Set(group.map((item) => item.gatewayId))]);
    } catch (error) {
      for (const waiting of group) this.#putOffUnseen(waiting, "state-unavailable", error);
      return [];
    }
    const screened = await Promise.all(
      group.map(async (item): Promise<Screened | undefined> => {
        const gateway = gateways.get(item.gatewayId);
        try {
          return [item, await this.#screen.check(item.gatewayId, item.bytes, gateway)];
        } catch (error) {
          this.#putOffUnseen(item, "internal", error);
          return undefined;
        }
      }),
    );
    return screened.filter((item) => item !== undefined);
  }

  /** Never rejects: every batch gets its outcome. */
  async #commitGroup(screened: readonly Screened[]): Promise<void> {
    const authentic: AuthenticBatch[] = [];
    const waitingOf = new Map<AuthenticBatch, Waiting>();
    for (const [waiting, checked] of screened) {
      if (checked.kind === "refused") {
        this.#settleRefused(waiting, checked);
      } else {
        authentic.push(checked);
        waitingOf.set(checked, waiting);
      }
    }
    if (authentic.length === 0) return;
    const receivedMs = Math.max(...[...waitingOf.values()].map((waiting) => waiting.receivedMs));
    const settled = await this.#committer.commit(authentic, receivedMs);
    for (const [batch, waiting] of waitingOf) {
      const fate = settled.get(batch) ?? { result: "retry-later", reason: "internal", detail: "no outcome" };
      this.#settle(waiting, batch, fate);
    }
  }

  #settle(waiting: Waiting, { batch }: AuthenticBatch, fate: Settled): void {
    const { sequence, epoch } = batch;
    if (fate.result === "refused" || fate.result === "retry-later") {
      this.#log.bad(waiting.gatewayId, fate.result, fate.reason, { epoch, sequence, detail: fate.detail });
    } else {
      this.#log.good(waiting.gatewayId, fate.result, batch.samples.length);
    }
    waiting.resolve({ epoch, outcome: { sequence, result: fate.result, reason: fate.reason }, authentic: true });
  }

  #settleRefused(waiting: Waiting, refused: RefusedBytes): void {
    const { epoch, sequence, reason, detail, authentic } = refused;
    this.#log.bad(waiting.gatewayId, "refused", reason, { epoch, sequence, detail });
    waiting.resolve({ epoch, outcome: { sequence, result: "refused", reason }, authentic });
  }

  #putOffUnseen(waiting: Waiting, reason: "state-unavailable" | "internal", error: unknown): void {
    this.#log.bad(waiting.gatewayId, "retry-later", reason, { detail: describeError(error) });
    waiting.resolve({ epoch: "", outcome: { sequence: 0, result: "retry-later", reason }, authentic: false });
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
