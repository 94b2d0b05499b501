import { describe, expect, it } from "vitest";

import { exceptionFailure, failure } from "./modbus-errors.ts";
import type { RequestOutcome } from "./modbus-link.ts";
import { inlineRegister } from "./modbus-map.ts";
import type { UnitPlan } from "./modbus-plan.ts";
import type { Block } from "./modbus-registers.ts";
import { ModbusUnit } from "./modbus-unit.ts";

function unitWith(addresses: readonly number[], plan: Partial<UnitPlan> = {}): ModbusUnit {
  const wanted = addresses.map((wireAddress) => ({
    ...inlineRegister.parse({ address: wireAddress }),
    wireAddress,
    points: [{ pointId: `p${wireAddress}`, unit: "Cel" as const }],
  }));
  const whole = {
    unit: 1,
    device: "test",
    pollMs: 1_000,
    timeoutMs: 250,
    maxRegisters: 16,
    wanted,
    spare: [],
    ...plan,
  };
  return new ModbusUnit(whole, { maxGap: 0, silentMs: 60_000, nowMs: 0 });
}

const inOrder = async (block: Block): Promise<RequestOutcome> => ({
  kind: "values",
  values: Array.from({ length: block.count }, (_, index) => block.address + index),
});
const silent = async (): Promise<RequestOutcome> => failure("timeout");

describe("a unit that does not answer", () => {
  it("is not asked for the rest of its round, and all its points are bad", async () => {
    let asked = 0;
    const round = await unitWith([0, 10, 20]).round(async () => {
      asked += 1;
      return failure("timeout");
    });
    expect(asked).toBe(1);
    expect(round.values.map(([, { reason }]) => reason)).toEqual([
      "modbus-timeout",
      "modbus-timeout",
      "modbus-timeout",
    ]);
  });

  it("is asked ever more seldom, up to a limit, and at its pace again once it answers", async () => {
    const unit = unitWith([0]);
    const waits: number[] = [];
    for (let count = 0; count < 8; count += 1) {
      unit.schedule(0, await unit.round(silent));
      waits.push(unit.dueMs);
    }
    expect(waits).toEqual([2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000]);
    unit.schedule(60_000, await unit.round(inOrder));
    expect([unit.dueMs, unit.isSilent]).toEqual([61_000, false]);
  });

  it("is left alone for two more time-outs, so that a late answer meets no open question", async () => {
    const unit = unitWith([0], { pollMs: 100, timeoutMs: 3_000 });
    unit.schedule(0, await unit.round(silent));
    expect(unit.dueMs).toBe(6_000);
  });
});

it("counts a Modbus gateway's word that nobody answers as silence, and a refusal of the device not", async () => {
  const unit = unitWith([0]);
  expect((await unit.round(async () => exceptionFailure(11))).silence?.reason).toBe("modbus-gateway-no-answer");
  const refused = await unit.round(async () => exceptionFailure(4));
  expect([refused.silence, refused.refused?.reason]).toEqual([undefined, "modbus-device-failure"]);
});

it("keeps its pace without drift, and does not catch up what was missed", async () => {
  const unit = unitWith([0]);
  unit.schedule(300, await unit.round(inOrder));
  expect(unit.dueMs).toBe(1_000);
  unit.schedule(5_000, await unit.round(inOrder));
  expect(unit.dueMs).toBe(5_000);
});

it("gives nothing of a round in which the line broke", async () => {
  const round = await unitWith([0, 10]).round(async (block) =>
    block.address === 0 ? inOrder(block) : failure("disconnected"),
  );
  expect([round.values, round.isDisconnected]).toEqual([[], true]);
});

it("has words in both languages for every exception, also for one that no specification knows", () => {
  const known = [1, 2, 3, 4, 5, 6, 7, 8, 10, 11].map((code) => exceptionFailure(code));
  expect(new Set(known.map(({ reason }) => reason)).size).toBe(10);
  for (const { message, reason } of [...known, exceptionFailure(99)]) {
    expect(message).toMatch(/^[^·]*[\u4E00-\u9FFF][^·]* · [a-z]/);
    expect(reason).toMatch(/^modbus-[a-z0-9-]+$/);
  }
});
