import type { Command, CommandAction, HealthEvent, JournalItem } from "@frostlight/contract";
import { afterEach, beforeEach, expect, test } from "vitest";

import { alarmItem } from "./testing/fake-gateway.ts";
import { createRig, type Rig } from "./testing/rig.ts";

let rig: Rig;

beforeEach(async () => {
  rig = await createRig();
  await accept(alarmItem("e1", { incidentId: "i1", condition: true }));
});

afterEach(async () => {
  await rig.remove();
});

async function accept(...items: readonly JournalItem[]): Promise<void> {
  await rig.ingest.accept(rig.gateway.gatewayId, rig.gateway.seal([...items]).bytes);
}

async function ask(commandId: string, action: CommandAction, actor = "ada"): Promise<string> {
  const command: Command = { commandId, actor, issuedAtMs: rig.clock.nowMs(), action };
  const { organisationId } = rig.scope;
  const { gatewayId } = rig.gateway;
  const expiresMs = rig.clock.nowMs() + 1_000;
  return rig.store.addCommand({ organisationId, siteId: "site-1", gatewayId, command, expiresMs });
}

const shelve = (commandId: string) =>
  ask(commandId, { kind: "shelve-alarm", alarmId: "alarm-1", untilMs: 5, oneShot: false, reason: "repair" });

const told = (state: string, commandId: string, reason = ""): JournalItem => {
  const event: HealthEvent = {
    subject: "commands",
    state,
    timeMs: rig.clock.nowMs(),
    explanation: { code: "command-refused", parameters: { commandId, reason } },
  };
  return { kind: "health", event };
};

const cameOf = async (commandId: string) =>
  (await rig.store.alarmRequests(rig.scope, "alarm-1")).find(({ command }) => command.commandId === commandId);

test("a shelving waits for its own event: that the alarm is acknowledged meanwhile does not finish it", async () => {
  expect(await shelve("c1")).toBe("pending");
  await accept(alarmItem("e2", { transition: "acknowledged", state: "acknowledged", actor: "bo" }));
  expect(await cameOf("c1")).toMatchObject({ status: "pending" });
  expect(await shelve("c2")).toBe("pending");
  await accept(alarmItem("e3", { transition: "shelved", state: "shelved", actor: "ada", commandId: "c1", untilMs: 5 }));
  expect(await cameOf("c1")).toMatchObject({ status: "done", outcome: null });
});

test("what the gateway refused has failed with its reason and is asked no more", async () => {
  await shelve("c1");
  await accept(told("refused", "c1", "put-aside"));
  expect(await cameOf("c1")).toMatchObject({ status: "failed", outcome: { parameters: { reason: "put-aside" } } });
  expect(await rig.store.pendingCommands()).toEqual([]);
});

test("an effect counts more than a refusal of the repeat that came before it, in whatever order they arrive", async () => {
  await shelve("c1");
  await accept(told("refused", "c1", "put-aside"));
  await accept(alarmItem("e2", { transition: "shelved", state: "shelved", actor: "ada", commandId: "c1", untilMs: 5 }));
  expect(await cameOf("c1")).toMatchObject({ status: "done", outcome: null });
  await accept(told("refused", "c1", "put-aside"));
  expect(await cameOf("c1")).toMatchObject({ status: "done", outcome: null });
});

test("a refused acknowledgement of an alarm that is over has failed too", async () => {
  await ask("c1", { kind: "acknowledge-alarm", alarmId: "alarm-1", comment: "" });
  await accept(told("refused", "c1", "unknown-alarm"));
  expect(await cameOf("c1")).toMatchObject({ status: "failed" });
});

test("taking a room out of service is done by what the gateway says of it; a newer request replaces one on its way", async () => {
  const stop = (commandId: string) =>
    ask(commandId, { kind: "set-service", target: { zoneId: "z" }, inService: false, untilMs: 9, reason: "repair" });
  await stop("c1");
  await stop("c2");
  expect((await rig.store.pendingCommands()).map(({ command }) => command.commandId)).toEqual(["c2"]);
  await accept(told("out-of-service", "c2"));
  expect(await rig.store.pendingCommands()).toEqual([]);
});

test("another organisation sees neither requests nor steps, and finds no alarm of the incident", async () => {
  await shelve("c1");
  const other = { organisationId: "o2" };
  const all = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER, limit: 10 };
  expect(await rig.store.alarmRequests(other, "alarm-1")).toEqual([]);
  expect(await rig.store.alarmSteps(other, all)).toEqual([]);
  expect(await rig.store.alarms(other, { incidentId: "i1", limit: 10 })).toEqual([]);
  expect(await rig.store.alarmSteps(rig.scope, all)).toMatchObject([{ alarmId: "alarm-1", transition: "raised" }]);
  expect(await rig.store.alarms(rig.scope, { incidentId: "i1", limit: 10 })).toMatchObject([
    { alarmId: "alarm-1", condition: true },
  ]);
});

test("the steps of a time include the beginning of what was still open then, and nothing of what had ended", async () => {
  const at = (timeMs: number) => ({ timeMs, onsetTimeMs: timeMs });
  await accept(
    alarmItem("f1", { alarmId: "ended", ...at(1_000) }),
    alarmItem("f2", { alarmId: "ended", transition: "cleared", state: "normal", ...at(2_000) }),
    alarmItem("g1", { alarmId: "open", ...at(1_500) }),
  );
  const steps = await rig.store.alarmSteps(rig.scope, { fromMs: 3_000, toMs: 10_000, limit: 10 });
  expect(steps.map(({ alarmId }) => alarmId)).toEqual(["open"]);
  const newest = await rig.store.alarmSteps(rig.scope, { fromMs: 0, toMs: 10_000, limit: 1 });
  expect(newest).toMatchObject([{ alarmId: "ended", transition: "cleared" }]);
});
