import { describeError } from "@frostlight/kernel";

import type { Discovery } from "../core/discovery.ts";
import type { CheckFinding, PointBinding, ProbeContext } from "../core/source.ts";
import { describeConnection, type ModbusLink, openLink, type RequestOutcome } from "./modbus-link.ts";
import type { ModbusAddress, ModbusOptions } from "./modbus-options.ts";
import { planUnits, type UnitPlan } from "./modbus-plan.ts";
import { planBlocks, type WireRegister } from "./modbus-registers.ts";
import { readSpare } from "./modbus-unit.ts";

type Points = readonly PointBinding<ModbusAddress>[];

/** Reads each configured register once. A line that a running gateway uses is left alone: two at once garble it. */
export async function checkModbus(
  options: ModbusOptions,
  points: Points,
  { clock, running }: Pick<ProbeContext, "clock" | "running">,
  signal: AbortSignal,
): Promise<readonly CheckFinding[]> {
  const what = describeConnection(options.connection);
  if (running !== undefined) {
    return [{ what, isOk: running.state === "ok", message: `the running gateway: ${running.message}` }];
  }
  const plan = planUnits(options, points);
  const findings: CheckFinding[] = plan.unknown.map(({ pointId, message }) => ({
    what: `point ${pointId}`,
    isOk: false,
    message,
  }));
  let link: ModbusLink;
  try {
    link = await openLink(options.connection, clock, signal);
  } catch (error) {
    const why = signal.aborted ? "no answer in time" : describeError(error);
    return [...findings, { what, isOk: false, message: `${why}; expected a ${options.connection.kind} line` }];
  }
  findings.push({ what, isOk: true, message: "the line is open" });
  try {
    for (const unit of plan.units) {
      if (signal.aborted) break;
      findings.push(await checkUnit(link, unit, options));
    }
  } finally {
    link.close();
  }
  return findings;
}

async function checkUnit(link: ModbusLink, unit: UnitPlan, options: ModbusOptions): Promise<CheckFinding> {
  const what = `unit ${unit.unit}`;
  const limits = { maxRegisters: unit.maxRegisters, maxGap: options.maxGap };
  // A unit without points is asked for one of the registers its map knows.
  const registers: readonly WireRegister[] = unit.wanted.length > 0 ? unit.wanted : unit.spare.slice(0, 1);
  if (registers.length === 0) return { what, isOk: true, message: "has no registers to ask for" };
  let read = 0;
  for (const { kind, address, count } of planBlocks(registers, limits)) {
    const request = { unit: unit.unit, kind, address, count };
    let outcome: RequestOutcome = await link.request(request, unit.timeoutMs);
    for (let tried = 1; tried < options.tries && outcome.kind !== "values"; tried += 1) {
      outcome = await link.request(request, unit.timeoutMs);
    }
    if (outcome.kind !== "values") {
      const message = `${kind} ${address}..${address + count - 1}: ${outcome.message}; expected ${count} value(s)`;
      return { what, isOk: false, message };
    }
    read += count;
  }
  return { what, isOk: true, message: `answers, ${read} register(s) read` };
}

/** Reads the registers of each unit's list that no point uses. */
export async function discoverModbus(
  options: ModbusOptions,
  points: Points,
  { clock, running }: Pick<ProbeContext, "clock" | "running">,
  tell: (found: Discovery) => void,
  signal: AbortSignal,
): Promise<void> {
  if (running !== undefined) return;
  const link = await openLink(options.connection, clock, signal);
  try {
    for (const plan of planUnits(options, points).units) {
      if (signal.aborted) return;
      const found = await readSpare(plan.spare, plan.maxRegisters, ({ kind, address, count }) =>
        link.request({ unit: plan.unit, kind, address, count }, plan.timeoutMs),
      );
      for (const [spare, value] of found) tell(discoveryOf(plan, spare, value.value));
    }
  } finally {
    link.close();
  }
}

/** What a register that no point uses is called, and the address that a point would have. */
export function discoveryOf(
  plan: UnitPlan,
  { named, unit }: UnitPlan["spare"][number],
  value: number | null,
): Discovery {
  return {
    label: `unit ${plan.unit} ${named.name} (${named.note ?? plan.device})`,
    address: { unit: plan.unit, register: named.name },
    dialect: null,
    quantity: named.quantity,
    unit: unit ?? null,
    value,
  };
}
