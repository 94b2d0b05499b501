import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { silentLogger } from "@frostlight/kernel";
import { FakeClock } from "@frostlight/kernel/testing";

import type { LiveEvent } from "../../core/live.ts";
import { LiveBus } from "../../core/live.ts";
import { openStateStore, type StateStore } from "../../stores/state/state-store.ts";
import { createIngest, type Ingest, type IngestDeps } from "../ingest.ts";
import { FakeGateway } from "./fake-gateway.ts";
import { MemoryTimeSeries } from "./memory-time-series.ts";

/** A real state store with organisations "o1" and "o2", an ingest before it, a gateway enrolled at "site-1" of "o1". */
export interface Rig {
  readonly clock: FakeClock;
  readonly folder: string;
  store: StateStore;
  readonly timeSeries: MemoryTimeSeries;
  readonly events: LiveEvent[];
  ingest: Ingest;
  readonly gateway: FakeGateway;
  readonly secret: string;
  readonly scope: { readonly organisationId: string };
  /** A process that starts anew on the same files. */
  restart(change?: Partial<IngestDeps>): Promise<void>;
  remove(): Promise<void>;
}

export async function createRig(change: Partial<IngestDeps> = {}): Promise<Rig> {
  const folder = await mkdtemp(join(tmpdir(), "frostlight-ingest-"));
  const clock = new FakeClock();
  const timeSeries = new MemoryTimeSeries();
  const events: LiveEvent[] = [];
  const bus = new LiveBus();
  bus.subscribe((event) => events.push(event));
  const open = (): Promise<StateStore> =>
    openStateStore({ file: join(folder, "state.db"), clock, logger: silentLogger });
  const build = (store: StateStore, more: Partial<IngestDeps>): Ingest =>
    createIngest({ stateStore: store, timeSeries, live: bus, clock, logger: silentLogger, ...more });

  const store = await open();
  await store.createOrganisation({ organisationId: "o1", name: "One" });
  await store.createOrganisation({ organisationId: "o2", name: "Two" });
  const gateway = new FakeGateway();
  const secret = await gateway.enrol(store, "o1", "site-1");
  const rig: Rig = {
    clock,
    folder,
    store,
    timeSeries,
    events,
    ingest: build(store, change),
    gateway,
    secret,
    scope: { organisationId: "o1" },
    async restart(more = {}) {
      await rig.ingest.close();
      await rig.store.close();
      rig.store = await open();
      rig.ingest = build(rig.store, { ...change, ...more });
    },
    async remove() {
      await rig.ingest.close();
      await rig.store.close();
      await rm(folder, { recursive: true });
    },
  };
  return rig;
}
