import { type Clock, describeError, isFrostlightError, type Logger } from "@frostlight/kernel";

import type { ChainLink, IngestStore, RecordedChanges } from "../core/ingest.ts";
import type { LivePublisher } from "../core/live.ts";
import type { SampleBatch, TimeSeriesStore } from "../core/timeseries.ts";
import { type ChainVerdict, judgeChain, neededSequences } from "./chain.ts";
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
  readonly stateStore: IngestStore;
  readonly timeSeries: Pick<TimeSeriesStore, "write">;
  readonly live: LivePublisher;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Makes a group of authentic batches durable: chain, then samples, then everything else in one transaction. */
export class Committer {
  readonly #deps: Deps;
  readonly #tags: PointTags;

  constructor(deps: Deps) {
    this.#deps = deps;
    this.#tags = new PointTags(deps.stateStore, deps.clock);
  }

  /** Never rejects. Groups must come one after the other. */
  async commit(group: readonly AuthenticBatch[], receivedMs: number): Promise<ReadonlyMap<AuthenticBatch, Settled>> {
    const settled = new Map<AuthenticBatch, Settled>();
    const followers: { readonly batch: AuthenticBatch; readonly of: AuthenticBatch }[] = [];
    try {
      const verdicts = await this.#judge(group);
      const fresh: AuthenticBatch[] = [];
      for (const [batch, verdict] of verdicts) {
        if (verdict.kind === "new") fresh.push(batch);
        else if (verdict.kind === "same-as") followers.push({ batch, of: verdict.batch });
        else settled.set(batch, ofVerdict(verdict));
      }
      const written = await this.#writeSamples(fresh, settled);
      await this.#record(written, receivedMs, settled);
      if (written.length === 0 && settled.values().some((fate) => fate.result === "duplicate")) {
        await this.#touch(group, receivedMs);
      }
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

  /** @returns the batches whose samples are durable; the fate of the others is settled */
  async #writeSamples(
    fresh: readonly AuthenticBatch[],
    settled: Map<AuthenticBatch, Settled>,
  ): Promise<readonly AuthenticBatch[]> {
    const rows = await this.#sampleBatches(fresh);
    if (rows.size === 0) return fresh;
    try {
      await this.#deps.timeSeries.write([...rows.values()]);
      return fresh;
    } catch (error) {
      if (!isFrostlightError(error, "timeseries/rejected")) {
        // Batches without samples (alarms, mostly) do not wait for the time series.
        for (const batch of rows.keys()) settled.set(batch, putOff(error));
        return fresh.filter((batch) => !rows.has(batch));
      }
      return this.#writeOneByOne(fresh, rows, settled);
    }
  }

  /** One batch of the group can never be written: find it, so that the others are not held up. */
  async #writeOneByOne(
    fresh: readonly AuthenticBatch[],
    rows: ReadonlyMap<AuthenticBatch, SampleBatch>,
    settled: Map<AuthenticBatch, Settled>,
  ): Promise<readonly AuthenticBatch[]> {
    const written: AuthenticBatch[] = [];
    for (const batch of fresh) {
      const row = rows.get(batch);
      try {
        if (row !== undefined) await this.#deps.timeSeries.write([row]);
        written.push(batch);
      } catch (error) {
        const isRejected = isFrostlightError(error, "timeseries/rejected");
        const detail = describeError(error);
        settled.set(batch, isRejected ? { result: "refused", reason: "samples-rejected", detail } : putOff(error));
      }
    }
    return written;
  }

  async #sampleBatches(fresh: readonly AuthenticBatch[]): Promise<ReadonlyMap<AuthenticBatch, SampleBatch>> {
    const rows = new Map<AuthenticBatch, SampleBatch>();
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

  async #record(
    written: readonly AuthenticBatch[],
    receivedMs: number,
    settled: Map<AuthenticBatch, Settled>,
  ): Promise<void> {
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
    byGateway: readonly (readonly AuthenticBatch[])[],
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
        for (const batch of batches) settled.set(batch, unrecorded(error));
        if (successes === 0 && failures >= failuresBeforeGivingUp) throw error;
      }
    }
  }

  async #recordTogether(
    written: readonly AuthenticBatch[],
    receivedMs: number,
    settled: Map<AuthenticBatch, Settled>,
  ): Promise<void> {
    const changes: RecordedChanges = await this.#deps.stateStore.recordBatches(
      written.map(({ gateway, batch, hash, signature }) => ({ gateway, batch, hash, signature, receivedMs })),
    );
    for (const item of written) {
      settled.set(item, { result: "stored", reason: "" });
      if (item.batch.siteDescriptions.length > 0) this.#tags.forget(item.gateway.gatewayId);
    }
    publishChanges(this.#deps.live, written, changes);
  }

  async #touch(group: readonly AuthenticBatch[], atMs: number): Promise<void> {
    try {
      await this.#deps.stateStore.touchGateways([...new Set(group.map((item) => item.gateway.gatewayId))], atMs);
    } catch (error) {
      this.#deps.logger.warn("gateway-touch-failed", { error: describeError(error) });
    }
  }
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
