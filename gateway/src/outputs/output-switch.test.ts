import { silentLogger } from "@frostlight/kernel";
import { FakeClock, seededRandom } from "@frostlight/kernel/testing";
import { beforeEach, describe, expect, it } from "vitest";

import type { ActiveAlarm } from "../core/alarm-engine.ts";
import { isWanted, OutputSwitch } from "./output-switch.ts";

const settings = { from: "high" as const, role: "siren" as const, zones: [] };

function alarm(own: Partial<ActiveAlarm> = {}): ActiveAlarm {
  return {
    alarmId: "a",
    ruleId: "r",
    ruleKind: "limit",
    zoneId: "cold-1",
    pointId: "p",
    cameraId: null,
    state: "unacknowledged",
    priority: "high",
    raisedMs: 0,
    onsetTimeMs: 0,
    changedMs: 0,
    actionDone: false,
    comment: "",
    aside: null,
    explanation: { code: "limit-high", parameters: {} },
    ...own,
  };
}

describe("the alarms ask for", () => {
  it.each([
    ["a siren while nobody has acknowledged", settings, alarm(), true],
    ["no siren once somebody has", settings, alarm({ state: "acknowledged" }), false],
    ["a beacon until it is over", { ...settings, role: "beacon" as const }, alarm({ state: "acknowledged" }), true],
    ["nothing for a lower priority", settings, alarm({ priority: "warning" }), false],
    ["nothing for what is shelved", { ...settings, role: "beacon" as const }, alarm({ state: "shelved" }), false],
    ["nothing for what has recovered", settings, alarm({ state: "latched-unacknowledged" }), false],
    ["nothing for another zone", { ...settings, zones: ["cold-2"] }, alarm(), false],
    ["a siren for the zone that was named", { ...settings, zones: ["cold-1"] }, alarm(), true],
  ])("%s", (_name, given, one, expected) => {
    expect(isWanted(given, [one])).toBe(expected);
  });
});

let clock: FakeClock;
let alarms: ActiveAlarm[];
let calls: boolean[];
let fails: boolean;
let changes: string[];
let part: OutputSwitch;

beforeEach(async () => {
  clock = new FakeClock();
  alarms = [];
  calls = [];
  changes = [];
  fails = false;
  part = new OutputSwitch({
    outputId: "siren",
    kind: "command",
    settings,
    output: {
      set: (isOn) => {
        calls.push(isOn);
        return fails ? Promise.reject(new Error("no relay")) : Promise.resolve();
      },
      close: () => Promise.resolve(),
    },
    alarms: () => alarms,
    onChange: (isWorking, message) => changes.push(`${isWorking} ${message}`.trim()),
    clock,
    random: seededRandom(1),
    logger: silentLogger,
  });
  await part.start();
  await clock.advance(1_000);
});

it("makes sure that the siren is off when nothing is wrong, and on within a second when something is", async () => {
  expect(calls).toEqual([false]);
  alarms = [alarm()];
  await clock.advance(1_000);
  expect(calls).toEqual([false, true]);
  expect(part.status()).toMatchObject({ wanted: "on", isDone: true, problem: null });
});

it("says it again every minute, to a siren that lost its power", async () => {
  alarms = [alarm()];
  await clock.advance(1_000);
  await clock.advance(61_000);
  expect(calls).toEqual([false, true, true]);
});

it("tries again when the output fails, tells once, and tells when it works again", async () => {
  fails = true;
  alarms = [alarm()];
  await clock.advance(20_000);
  expect(calls.filter(Boolean).length).toBeGreaterThan(2);
  expect(part.status()).toMatchObject({ isDone: false, problem: "no relay" });
  fails = false;
  await clock.advance(70_000);
  expect(changes).toEqual(["true", "false no relay", "true"]);
});

it("leaves a sounding siren as it is when the gateway stops", async () => {
  alarms = [alarm()];
  await clock.advance(1_000);
  await part.stop();
  expect(calls).toEqual([false, true]);
});
