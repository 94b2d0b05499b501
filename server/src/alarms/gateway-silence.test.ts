import type { Command } from "@frostlight/contract";
import { silentLogger } from "@frostlight/kernel";
import { seededRandom } from "@frostlight/kernel/testing";
import { afterEach, beforeEach, expect, test } from "vitest";

import type { Alarm } from "../core/records.ts";
import { createCommandOutbox } from "../ingest/command-outbox.ts";
import { createRig, type Rig } from "../ingest/testing/rig.ts";
import { createGatewaySilence, gatewaySilenceOptions, type GatewaySilence } from "./gateway-silence.ts";

let rig: Rig;
let silence: GatewaySilence;

beforeEach(async () => {
  rig = await createRig();
  silence = createGatewaySilence({
    options: gatewaySilenceOptions.parse({ afterMinutes: 10 }),
    stateStore: rig.store,
    live: { publish: (event) => rig.events.push(event) },
    clock: rig.clock,
    logger: silentLogger,
  });
  await silence.start();
});

afterEach(async () => {
  await silence.stop();
  await rig.remove();
});

async function speak(): Promise<void> {
  await rig.ingest.accept(rig.gateway.gatewayId, rig.gateway.seal([]).bytes);
  await silence.check();
}

async function minutes(count: number): Promise<void> {
  await rig.clock.advance(count * 60_000);
  await silence.check();
}

async function alarms(): Promise<readonly Alarm[]> {
  return rig.store.alarms(rig.scope, { limit: 10 });
}

async function acknowledge(organisationId = "o1"): Promise<void> {
  const [alarm] = await alarms();
  const outbox = createCommandOutbox({
    stateStore: rig.store,
    clock: rig.clock,
    random: seededRandom(1),
    logger: silentLogger,
    central: silence,
  });
  const action = { kind: "acknowledge-alarm", alarmId: alarm?.alarmId ?? "", comment: "" } as const;
  const command: Command = { commandId: "c1", actor: "ada", issuedAtMs: rig.clock.nowMs(), action };
  await outbox.enqueue({ organisationId }, { siteId: "site-1", gatewayId: rig.gateway.gatewayId }, command);
}

test("a gateway that is not heard for the time allowed raises one alarm that names when it was last heard", async () => {
  await speak();
  const lastSeenMs = rig.clock.nowMs();
  await minutes(10);
  expect(await alarms()).toEqual([]);
  await minutes(1);
  await minutes(5);
  expect(await alarms()).toMatchObject([
    {
      ruleKind: "gateway-silent",
      state: "unacknowledged",
      gatewayId: rig.gateway.gatewayId,
      siteId: "site-1",
      onsetTimeMs: lastSeenMs,
      explanation: { code: "gateway-silent", parameters: { lastSeen: { timeMs: lastSeenMs }, limitMinutes: 10 } },
    },
  ]);
  expect(rig.events.filter((event) => event.kind === "alarm")).toHaveLength(1);
});

test("a connected gateway that has nothing to say is not silent", async () => {
  await rig.store.setConnected(rig.gateway.gatewayId, true, rig.clock.nowMs());
  await minutes(60);
  expect(await alarms()).toEqual([]);
});

test("the time when the server itself was down does not count", async () => {
  await speak();
  await silence.stop();
  await rig.clock.advance(3_600_000);
  await silence.start();
  await minutes(5);
  expect(await alarms()).toEqual([]);
  await minutes(6);
  expect(await alarms()).toHaveLength(1);
});

test("an unacknowledged alarm returns when the gateway is heard, and ends when somebody acknowledges it", async () => {
  await speak();
  await minutes(11);
  await speak();
  expect(await alarms()).toMatchObject([{ state: "returned-unacknowledged" }]);
  await acknowledge();
  expect(await alarms()).toMatchObject([{ state: "normal", acknowledgedBy: "ada" }]);
  expect((await alarms())[0]?.clearedMs).not.toBeNull();
});

test("an acknowledged alarm ends when the gateway is heard; the next silence is a new alarm", async () => {
  await speak();
  await minutes(11);
  await acknowledge();
  expect(await alarms()).toMatchObject([{ state: "acknowledged", acknowledgedBy: "ada" }]);
  expect(await rig.store.pendingCommands()).toEqual([]);
  await speak();
  expect(await alarms()).toMatchObject([{ state: "normal" }]);
  await minutes(11);
  expect(await alarms()).toMatchObject([{ state: "unacknowledged" }, { state: "normal" }]);
});

test("silent again before anyone looked is the same occurrence", async () => {
  await speak();
  await minutes(11);
  await speak();
  await minutes(11);
  expect(await alarms()).toMatchObject([{ state: "unacknowledged", returnedMs: null }]);
});

test("another organisation cannot acknowledge it", async () => {
  await speak();
  await minutes(11);
  await expect(acknowledge("o2")).rejects.toMatchObject({ code: "command/unknown-gateway" });
  expect(await alarms()).toMatchObject([{ state: "unacknowledged" }]);
});

test("a revoked gateway is waited for by nobody", async () => {
  await speak();
  await minutes(11);
  await acknowledge();
  await rig.store.revokeGateway(rig.scope, rig.gateway.gatewayId, rig.clock.nowMs());
  await silence.check();
  expect(await alarms()).toMatchObject([{ state: "normal" }]);
});
