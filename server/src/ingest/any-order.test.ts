import type { AlarmEvent, JournalItem } from "@frostlight/contract";
import * as fc from "fast-check";
import { expect, test } from "vitest";

import type { IngestResult } from "../core/ingest.ts";
import {
  alarmItem,
  dropItem,
  FakeGateway,
  findingItem,
  healthItem,
  sampleItem,
  type SealedBatch,
  siteItem,
} from "./testing/fake-gateway.ts";
import { createRig, type Rig } from "./testing/rig.ts";

const t0 = 1_767_225_600_000;

/** The steps of an alarm's life, as its engine would write them: each with the state after it. */
const steps = [
  { transition: "raised", state: "unacknowledged" },
  { transition: "escalated", state: "unacknowledged", priority: "critical" },
  { transition: "acknowledged", state: "acknowledged", actor: "ada" },
  { transition: "returned", state: "returned-unacknowledged" },
  { transition: "cleared", state: "normal" },
] as const satisfies readonly Partial<AlarmEvent>[];

interface Choice {
  readonly kind: "sample" | "alarm" | "finding" | "health" | "site" | "drop";
  readonly subject: number;
  /** Wall clocks jump: later in the journal is not always later in time. */
  readonly atMs: number;
}

const choice: fc.Arbitrary<Choice> = fc.record({
  kind: fc.constantFrom("sample", "sample", "alarm", "alarm", "finding", "health", "site", "drop"),
  subject: fc.nat(2),
  atMs: fc.nat(50).map((n) => t0 + n * 1_000),
});

function toItem({ kind, subject, atMs }: Choice, serial: number, stepOf: Map<number, number>): JournalItem {
  if (kind === "sample") return sampleItem(`point-${subject}`, atMs, serial);
  if (kind === "finding") return findingItem(`finding-${subject}`, { lastSeenMs: atMs, score: serial });
  if (kind === "health") return healthItem(`camera:${subject}`, `state-${serial}`, atMs);
  if (kind === "site") return siteItem(atMs, [`point-${serial}`]);
  if (kind === "drop") return dropItem(serial);
  const step = stepOf.get(subject) ?? 0;
  stepOf.set(subject, step + 1);
  return alarmItem(`event-${serial}`, { alarmId: `alarm-${subject}`, timeMs: atMs, ...steps[step % steps.length] });
}

function sealAll(gateway: FakeGateway, batches: readonly (readonly Choice[])[]): SealedBatch[] {
  const stepOf = new Map<number, number>();
  let serial = 0;
  return batches.map((choices) =>
    gateway.seal(
      choices.map((item) => {
        serial += 1;
        return toItem(item, serial, stepOf);
      }),
    ),
  );
}

/** Everything a person could see, without the times of arrival. */
async function visibleState(rig: Rig, gateways: readonly FakeGateway[]): Promise<unknown> {
  const alarms = await rig.store.alarms(rig.scope, { limit: 1_000 });
  const chains = await Promise.all(gateways.map((gateway) => rig.ingest.chainState(gateway.gatewayId, -1)));
  return {
    alarms,
    histories: await Promise.all(alarms.map((alarm) => rig.store.alarm(rig.scope, alarm.alarmId))),
    findings: await rig.store.findings(rig.scope, { limit: 1_000 }),
    health: await rig.store.health(rig.scope, "site-1"),
    sites: await rig.store.sites(rig.scope),
    chains: chains.flat().map(({ epoch, lastSequence, batches, samples, gaps }) => ({
      epoch,
      lastSequence,
      batches,
      samples,
      gaps,
    })),
    samples: [...rig.timeSeries.written]
      .map(([key, batch]) => ({ key, samples: batch.samples }))
      .toSorted((a, b) => (a.key < b.key ? -1 : 1)),
  };
}

test("valid batches in any order, repeated and interleaved at will, end in the same state with every sample once", async () => {
  const history = fc.array(fc.array(choice, { maxLength: 6 }), { minLength: 1, maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(
      history,
      history,
      // The order of arrival: which batch, and whether it waits for those before it.
      fc.array(fc.record({ pick: fc.nat(1_000), wait: fc.boolean() }), { maxLength: 40 }),
      async (ofFirst, ofSecond, arrivals) => {
        const inOrder = await createRig();
        const disordered = await createRig();
        try {
          const gateways = [new FakeGateway(), new FakeGateway(undefined, "00000000000000bb")];
          for (const rig of [inOrder, disordered]) {
            for (const gateway of gateways) await gateway.enrol(rig.store, "o1", "site-1");
          }
          const all = gateways.flatMap((gateway, index) =>
            sealAll(gateway, index === 0 ? ofFirst : ofSecond).map((batch) => ({ gateway, batch })),
          );
          for (const { gateway, batch } of all) await inOrder.ingest.accept(gateway.gatewayId, batch.bytes);

          const unsent = [...all];
          const underway: Promise<IngestResult>[] = [];
          const send = async ({ gateway, batch }: (typeof all)[number], wait: boolean): Promise<void> => {
            underway.push(disordered.ingest.accept(gateway.gatewayId, batch.bytes));
            if (wait) await Promise.all(underway);
          };
          for (const { pick, wait } of arrivals) {
            const item = all[pick % all.length];
            if (item === undefined) continue;
            const at = unsent.indexOf(item);
            if (at >= 0) unsent.splice(at, 1);
            await send(item, wait);
          }
          for (const item of unsent.toReversed()) await send(item, false);
          const results = await Promise.all(underway);
          expect(results.filter(({ outcome }) => outcome.result === "stored")).toHaveLength(all.length);
          expect(results.filter(({ outcome }) => outcome.reason !== "")).toEqual([]);
          expect(await visibleState(disordered, gateways)).toEqual(await visibleState(inOrder, gateways));
          const sent = all.reduce((sum, { batch }) => sum + batch.batch.samples.length, 0);
          expect(disordered.timeSeries.sampleCount()).toBe(sent);
        } finally {
          await inOrder.remove();
          await disordered.remove();
        }
      },
    ),
    { numRuns: 20 },
  );
}, 120_000);
