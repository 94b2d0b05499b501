import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { ChangeRecord } from "@frostlight/contract";
import { type Clock, silentLogger, systemClock, systemRandom } from "@frostlight/kernel";

import type { Discovery } from "../../../gateway/src/core/discovery.ts";
import type { Reading, Refusal } from "../../../gateway/src/core/reading.ts";
import type { PointBinding, SourceContext, SourceState } from "../../../gateway/src/core/source.ts";
import { type MqttAddress, mqttAddress } from "../../../gateway/src/sources/mqtt-address.ts";
import { openTrustStore } from "../../../gateway/src/trust/index.ts";
import type { TrustStore } from "../../../gateway/src/trust/trust-store.ts";

/** A source's surroundings that remember what the source did with them. */
export interface RecordingContext extends SourceContext {
  readonly readings: Reading[];
  readonly refusals: Omit<Refusal, "sourceId">[];
  readonly states: SourceState[];
  readonly receipts: Set<number>;
  readonly discoveries: Discovery[];
  readonly lastState: SourceState | undefined;
  /** Behind `trust`; certificates are approved here. */
  readonly trustStore: TrustStore;
  /** What the trust store journaled. */
  readonly changes: ChangeRecord[];
  /** Replaces the journal: readings count as taken when this resolves. */
  journal: (readings: readonly Reading[]) => Promise<void>;
  remove(): Promise<void>;
}

export async function recordingContext(
  options: { readonly clock?: Clock; readonly environment?: Readonly<Record<string, string>> } = {},
): Promise<RecordingContext> {
  const stateFolder = await mkdtemp(join(tmpdir(), "frostlight-source-"));
  const changes: ChangeRecord[] = [];
  const trustStore = await openTrustStore({
    file: join(stateFolder, "trust.json"),
    clock: options.clock ?? systemClock,
    logger: silentLogger,
    journal: (change) => {
      changes.push(change);
      return Promise.resolve();
    },
    onCard: () => undefined,
  });
  const context: RecordingContext = {
    sourceId: "under-test",
    clock: options.clock ?? systemClock,
    random: systemRandom,
    logger: silentLogger,
    stateFolder,
    environment: options.environment ?? {},
    readings: [],
    refusals: [],
    states: [],
    receipts: new Set(),
    discoveries: [],
    get lastState() {
      return context.states.at(-1);
    },
    journal: () => Promise.resolve(),
    async submit(readings, receipts) {
      await context.journal(readings);
      context.readings.push(...readings);
      for (const receipt of receipts ?? []) context.receipts.add(receipt);
    },
    wasRecorded: (receipt) => context.receipts.has(receipt),
    discover(found) {
      context.discoveries.push(found);
    },
    trustStore,
    changes,
    trust: trustStore.of("under-test"),
    refuse(refusal) {
      context.refusals.push(refusal);
    },
    setState(state) {
      context.states.push(state);
    },
    remove: () => rm(stateFolder, { recursive: true, force: true }),
  };
  return context;
}

export function mqttPoint(
  pointId: string,
  topic: string,
  decode: Readonly<Record<string, unknown>>,
): PointBinding<MqttAddress> {
  return { pointId, unit: "Cel", expectedIntervalMs: 60_000, address: mqttAddress.parse({ topic, decode }) };
}

/** Waits, in real time, until something is so; says what it was waiting for when it never is. */
export async function until(what: string, isSo: () => boolean | Promise<boolean>, timeoutMs = 15_000): Promise<void> {
  const giveUpMs = performance.now() + timeoutMs;
  while (!(await isSo())) {
    if (performance.now() > giveUpMs) throw new Error(`waited ${timeoutMs} ms in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
