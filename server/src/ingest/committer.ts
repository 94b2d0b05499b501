import type { DropRecord } from "@frostlight/contract";
import { type Clock, describeError, type Logger } from "@frostlight/kernel";

import type { ChainFault, ChainLink, ClockCorrectionStore, IngestStore, RecordedChanges } from "../core/ingest.ts";
import type { LivePublisher } from "../core/live.ts";
import { type RejectedSample, rejectedSamplesOf, type SampleBatch, type TimeSeriesStore } from "../core/timeseries.ts";
import { type ChainVerdict, judgeChain, neededSequences } from "./chain.ts";
import { ClockCorrector } from "./clock-corrector.ts";
import { publishChanges } from "./live-changes.ts";
import { PointTags } from "./point-tags.ts";
import type { AuthenticBatch } from "./screen.ts";

/** The final word on an authentic batch. */
export type Settled =
  | { readonly result: "stored" | "duplicate"; readonly reason: "" }
  | { readonly result: "refused" | "retry-later"; readonly reason: string; readonly detail: string };

const duplicate: Settled = { result: "duplicate", reason: "" };
/** After so many gateways failed alone and none succeeded, the store itself is taken to be the reason. */
const failuresBeforeGivingUp = 3;

interface Deps {
  readonly stateStore: IngestStore & ClockCorrectionStore;
  readonly timeSeries: Pick<TimeSeriesStore, "write" | "replace">;
  readonly live: LivePublisher;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Makes a group of authentic batches durable: chain, then samples, then everything else in one transaction. */
export class Committer {
  readonly #deps: Deps;
  readonly #tags: PointTags;
  readonly #clocks: ClockCorrector;

  constructor(deps: Deps) {
    this.#deps = deps;
    this.#tags = new PointTags(deps.stateStore, deps.clock);
    this.#clocks = new ClockCorrector(deps, this.#tags);
  }

  /** Never rejects. Groups must come one after the other. */
  async commit(group: readonly AuthenticBatch[], receivedMs: number): Promise<ReadonlyMap<AuthenticBatch, Settled>> {
    const settled = new Map<AuthenticBatch, Settled>();
    const followers: { readonly batch: AuthenticBatch; readonly of: AuthenticBatch }[] = [];
    try {
      const verdicts = await this.#judge(group);
      const fresh: AuthenticBatch[] = [];
      const faults: ChainFault[] = [];
      for (const [batch, verdict] of verdicts) {
        if (verdict.kind === "new") fresh.push(batch);
        else if (verdict.kind === "same-as") followers.push({ batch, of: verdict.batch });
        else {
          settled.set(batch, ofVerdict(verdict));
          faults.push(faultOf(batch, verdict));
        }
      }
      const timed = await this.#correctClocks(fresh, receivedMs, settled);
      const written = await this.#writeSamples(timed, settled);
      await this.#record(written, receivedMs, settled);
      await this.#note(faults, written.length === 0 ? group : [], receivedMs);
    } catch (error) {
      for (const batch of group) if (!settled.has(batch)) settled.set(batch, unrecorded(error));
    }
    for (const { batch, of } of followers) {
      const fate = settled.get(of);
      if (fate !== undefined) settled.set(batch, fate.result === "stored" ? duplicate : fate);
    }
    return settled;
  }

  async #judge(group: readonly AuthenticBatch[]): Promise<ReadonlyMap<AuthenticBatch, ChainVerdict>> {
    const verdicts = new Map<AuthenticBatch, ChainVerdict>();
    const byEpoch = Map.groupBy(group, ({ gateway, batch }) => `${gateway.gatewayId} ${batch.epoch}`);
    for (const batches of byEpoch.values()) {
      const [first] = batches;
      if (first === undefined) continue;
      const links: readonly ChainLink[] = await this.#deps.stateStore.chainLinks(
        first.gateway.gatewayId,
        first.batch.epoch,
        neededSequences(batches),
      );
      for (const [batch, verdict] of judgeChain(batches, links)) verdicts.set(batch, verdict);
    }
    return verdicts;
  }

  /** What the batches tell about the gateway's clock comes first; those whose news could not be used are put off. */
  async #correctClocks(
    fresh: readonly AuthenticBatch[],
    receivedMs: number,
    settled: Map<AuthenticBatch, Settled>,
  ): Promise<readonly Written[]> {
    const telling = fresh.filter(({ batch }) => batch.clockCorrections.length > 0);
    const open = new Set(fresh);
    for (const item of telling) {
      try {
        await this.#clocks.learn([item]);
      } catch (error) {
        settled.set(item, putOff(error));
        open.delete(item);
      }
    }
    const originals = [...open];
    const corrected = await this.#clocks.correct(originals, receivedMs);
    return corrected.map((batch, index) => ({ ...batch, original: originals[index] ?? batch, rejections: [] }));
  }

  /**
   * Samples that nobody can store are left out and recorded with the reason; the rest of their batch is as good as any.
   * @returns the batches whose samples are durable; the fate of the others is settled
   */
  async #writeSamples(fresh: readonly Written[], settled: Map<AuthenticBatch, Settled>): Promise<readonly Written[]> {
    const rows = await this.#sampleBatches(fresh);
    if (rows.size === 0) return fresh;
    try {
      await this.#deps.timeSeries.write([...rows.values()]);
      return fresh;
    } catch (error) {
      const rejected = rejectedSamplesOf(error) ?? [];
      if (rejected.length > 0) return withoutRejected(fresh, rejected);
      // Batches without samples (alarms, mostly) do not wait for the time series.
      for (const batch of rows.keys()) settled.set(batch.original, putOff(error));
      return fresh.filter((batch) => !rows.has(batch));
    }
  }

  async #sampleBatches(fresh: readonly Written[]): Promise<ReadonlyMap<Written, SampleBatch>> {
    const rows = new Map<Written, SampleBatch>();
    for (const [gatewayId, batches] of Map.groupBy(fresh, ({ gateway }) => gateway.gatewayId)) {
      const points = await this.#tags.of(gatewayId, batches);
      for (const item of batches) {
        const { gateway, batch } = item;
        if (batch.samples.length === 0) continue;
        rows.set(item, {
          organisationId: gateway.organisationId,
          siteId: gateway.siteId,
          gatewayId,
          epoch: batch.epoch,
          sequence: batch.sequence,
          samples: batch.samples,
          points,
        });
      }
    }
    return rows;
  }

  async #record(written: readonly Written[], receivedMs: number, settled: Map<AuthenticBatch, Settled>): Promise<void> {
    if (written.length === 0) return;
    try {
      await this.#recordTogether(written, receivedMs, settled);
    } catch (error) {
      const byGateway = [...Map.groupBy(written, ({ gateway }) => gateway.gatewayId).values()];
      if (byGateway.length === 1) throw error;
      await this.#recordByGateway(byGateway, receivedMs, settled);
    }
  }

  /** What one gateway sent may be the reason why a transaction fails: it must not hold up the others. */
  async #recordByGateway(
    byGateway: readonly (readonly Written[])[],
    receivedMs: number,
    settled: Map<AuthenticBatch, Settled>,
  ): Promise<void> {
    let failures = 0;
    let successes = 0;
    for (const batches of byGateway) {
      try {
        await this.#recordTogether(batches, receivedMs, settled);
        successes += 1;
      } catch (error) {
        failures += 1;
        for (const batch of batches) settled.set(batch.original, unrecorded(error));
        if (successes === 0 && failures >= failuresBeforeGivingUp) throw error;
      }
    }
  }

  async #recordTogether(
    written: readonly Written[],
    receivedMs: number,
    settled: Map<AuthenticBatch, Settled>,
  ): Promise<void> {
    const changes: RecordedChanges = await this.#deps.stateStore.recordBatches(
      written.map(({ gateway, batch, hash, signature, rejections }) => {
        return { gateway, batch, hash, signature, receivedMs, rejections };
      }),
    );
    for (const item of written) {
      settled.set(item.original, { result: "stored", reason: "" });
      if (item.batch.siteDescriptions.length > 0) this.#tags.forget(item.gateway.gatewayId);
    }
    publishChanges(this.#deps.live, written, changes);
  }

  /** Counts what came again or was refused; a batch that came again proves that its gateway is alive. */
  async #note(faults: readonly ChainFault[], silent: readonly AuthenticBatch[], atMs: number): Promise<void> {
    if (faults.length === 0) return;
    try {
      await this.#deps.stateStore.countFaults(faults, atMs);
      const heard = faults.filter(({ kind }) => kind === "duplicate").map(({ gatewayId }) => gatewayId);
      const gatewayIds = new Set(silent.map((item) => item.gateway.gatewayId)).intersection(new Set(heard));
      if (gatewayIds.size > 0) await this.#deps.stateStore.touchGateways([...gatewayIds], atMs);
    } catch (error) {
      this.#deps.logger.warn("gateway-touch-failed", { error: describeError(error) });
    }
  }
}

/** A batch with the times and samples that are stored, and what came in. */
interface Written extends AuthenticBatch {
  readonly original: AuthenticBatch;
  readonly rejections: readonly DropRecord[];
}

function withoutRejected(written: readonly Written[], rejected: readonly RejectedSample[]): readonly Written[] {
  const byBatch = Map.groupBy(rejected, ({ gatewayId, epoch, sequence }) => `${gatewayId} ${epoch} ${sequence}`);
  return written.map((item) => {
    const { epoch, sequence, samples, sealedAt } = item.batch;
    const own = byBatch.get(`${item.gateway.gatewayId} ${epoch} ${sequence}`);
    if (own === undefined) return item;
    const indexes = new Set(own.map(({ index }) => index));
    const rejections = [...Map.groupBy(own, ({ reason }) => reason)].map(([reason, some]): DropRecord => {
      const times = some
        .map(({ index }) => samples[index]?.timeMs ?? 0)
        .filter((timeMs) => Number.isSafeInteger(timeMs));
      const ends = times.length === 0 ? [sealedAt.wallMs] : times;
      return {
        what: "sample-rejected",
        count: some.length,
        fromMs: Math.min(...ends),
        toMs: Math.max(...ends),
        reason,
      };
    });
    return {
      ...item,
      rejections,
      batch: { ...item.batch, samples: samples.filter((_, index) => !indexes.has(index)) },
    };
  });
}

function faultOf({ gateway, batch }: AuthenticBatch, verdict: ChainVerdict): ChainFault {
  const kind = verdict.kind === "refused" ? verdict.reason : "duplicate";
  return { gatewayId: gateway.gatewayId, epoch: batch.epoch, kind, sequence: batch.sequence };
}

function ofVerdict(verdict: Extract<ChainVerdict, { kind: "duplicate" | "refused" }>): Settled {
  if (verdict.kind === "duplicate") return duplicate;
  return { result: "refused", reason: verdict.reason, detail: verdict.detail };
}

function putOff(error: unknown): Settled {
  return { result: "retry-later", reason: "timeseries-unavailable", detail: describeError(error) };
}

function unrecorded(error: unknown): Settled {
  return { result: "retry-later", reason: "state-unavailable", detail: describeError(error) };
}
