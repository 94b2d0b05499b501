import type { Command } from "@frostlight/contract";
import { silentLogger } from "@frostlight/kernel";
import { seededRandom } from "@frostlight/kernel/testing";
import { afterEach, beforeEach, expect, test } from "vitest";

import { commandOptions, createCommandOutbox, type DurableCommandOutbox } from "./command-outbox.ts";
import { alarmItem } from "./testing/fake-gateway.ts";
import { createRig, type Rig } from "./testing/rig.ts";

let rig: Rig;
let outbox: DurableCommandOutbox;
let sent: { readonly gatewayId: string; readonly commandId: string }[];
let connected: boolean;

function open(): DurableCommandOutbox {
  const made = createCommandOutbox({
    options: commandOptions.parse({ expiryHours: 1 }),
    stateStore: rig.store,
    clock: rig.clock,
    random: seededRandom(1),
    logger: silentLogger,
  });
  made.attach({
    isConnected: () => connected,
    sendCommand: async (gatewayId, command) => {
      sent.push({ gatewayId, commandId: command.commandId });
    },
  });
  return made;
}

beforeEach(async () => {
  rig = await createRig();
  sent = [];
  connected = true;
  outbox = open();
  await outbox.start();
  await rig.ingest.accept(rig.gateway.gatewayId, rig.gateway.seal([alarmItem("e1")]).bytes);
});

afterEach(async () => {
  await outbox.stop();
  await rig.remove();
});

function acknowledge(commandId: string, actor = "ada"): Command {
  const action = { kind: "acknowledge-alarm", alarmId: "alarm-1", comment: "seen" } as const;
  return { commandId, actor, issuedAtMs: rig.clock.nowMs(), action };
}

function target(): { readonly siteId: string; readonly gatewayId: string } {
  return { siteId: "site-1", gatewayId: rig.gateway.gatewayId };
}

async function seconds(count: number): Promise<void> {
  for (let n = 0; n < count; n += 1) {
    await rig.clock.advance(1_000);
    // The store answers through real promises that a fake clock does not wait for.
    await rig.store.stillPending(["none"]);
    await rig.store.stillPending(["none"]);
  }
}

async function effect(commandId: string, actor: string): Promise<void> {
  const item = alarmItem(`event-of-${commandId}`, {
    transition: "acknowledged",
    state: "acknowledged",
    actor,
    commandId,
    timeMs: rig.clock.nowMs() + 1,
  });
  await rig.ingest.accept(rig.gateway.gatewayId, rig.gateway.seal([item]).bytes);
}

test("a command is sent at once to a connected gateway and repeated, ever more rarely, until its effect is seen", async () => {
  await outbox.enqueue(rig.scope, target(), acknowledge("c1"));
  await seconds(1);
  expect(sent).toEqual([{ gatewayId: rig.gateway.gatewayId, commandId: "c1" }]);
  await seconds(60);
  expect(sent.length).toBeGreaterThanOrEqual(3);
  expect(sent.length).toBeLessThanOrEqual(6);
  await effect("c1", "ada");
  const before = sent.length;
  await seconds(120);
  expect(sent.length).toBe(before);
  expect(await rig.store.alarm(rig.scope, "alarm-1")).toMatchObject({
    alarm: { state: "acknowledged", acknowledgedBy: "ada" },
  });
});

test("a command waits for an absent gateway, through a restart, and goes out when it is ready", async () => {
  connected = false;
  await outbox.enqueue(rig.scope, target(), acknowledge("c1"));
  await seconds(20);
  expect(sent).toEqual([]);
  await outbox.stop();
  outbox = open();
  await outbox.start();
  connected = true;
  outbox.gatewayReady(rig.gateway.gatewayId);
  await seconds(1);
  expect(sent.map((item) => item.commandId)).toEqual(["c1"]);
});

test("two operators acknowledging one alarm end in one state, and neither command is repeated", async () => {
  await outbox.enqueue(rig.scope, target(), acknowledge("c1", "ada"));
  await outbox.enqueue(rig.scope, target(), acknowledge("c2", "bo"));
  await seconds(1);
  await effect("c1", "ada");
  sent.length = 0;
  await seconds(60);
  expect(sent).toEqual([]);
  await outbox.enqueue(rig.scope, target(), acknowledge("c3", "cy"));
  await seconds(10);
  expect(sent).toEqual([]);
  expect(await rig.store.alarm(rig.scope, "alarm-1")).toMatchObject({ alarm: { acknowledgedBy: "ada" } });
});

test("a command without effect is given up after its time", async () => {
  connected = false;
  await outbox.enqueue(rig.scope, target(), acknowledge("c1"));
  await rig.clock.advance(3_600_000 + 60_000);
  await seconds(2);
  expect(await rig.store.pendingCommands()).toEqual([]);
});

test("a gateway of another organisation or site is unknown", async () => {
  const refusal = { code: "command/unknown-gateway" };
  await expect(outbox.enqueue({ organisationId: "o2" }, target(), acknowledge("c1"))).rejects.toMatchObject(refusal);
  const elsewhere = { ...target(), siteId: "site-2" };
  await expect(outbox.enqueue(rig.scope, elsewhere, acknowledge("c1"))).rejects.toMatchObject(refusal);
});
