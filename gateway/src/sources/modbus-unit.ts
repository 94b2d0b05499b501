import { exceptionFailure, type RequestFailure } from "./modbus-errors.ts";
import type { RequestOutcome } from "./modbus-link.ts";
import type { UnitPlan, WantedRegister } from "./modbus-plan.ts";
import { type Block, planBlocks, readRegister, type RegisterValue, type WireRegister } from "./modbus-registers.ts";

/** Asks for one block, with as many tries as configured. */
export type AskBlock = (block: Block, timeoutMs: number) => Promise<RequestOutcome>;

/** What one round brought. */
export interface UnitRound {
  readonly values: readonly (readonly [WantedRegister, RegisterValue])[];
  /** The unit gives no answers at all. */
  readonly silence: RequestFailure | undefined;
  /** It answers, but refused something. */
  readonly refused: RequestFailure | undefined;
  /** The line broke: the round is of no use. */
  readonly isDisconnected: boolean;
}

const illegalAddress = exceptionFailure(2).reason;
const illegalValue = exceptionFailure(3).reason;
const gatewaySilence: ReadonlySet<string> = new Set([exceptionFailure(10).reason, exceptionFailure(11).reason]);

/** One device on the line: its requests, and how often it is asked. */
export class ModbusUnit {
  readonly plan: UnitPlan;
  readonly #silentMs: number;
  #blocks: readonly Block<WantedRegister>[];
  #silentRounds = 0;
  /** Monotonic. */
  #dueMs: number;
  #failure: RequestFailure | undefined;

  constructor(plan: UnitPlan, options: { readonly maxGap: number; readonly silentMs: number; readonly nowMs: number }) {
    this.plan = plan;
    this.#silentMs = options.silentMs;
    this.#blocks = planBlocks(plan.wanted, { maxRegisters: plan.maxRegisters, maxGap: options.maxGap });
    this.#dueMs = options.nowMs;
  }

  get dueMs(): number {
    return this.#dueMs;
  }

  /** Why the last round was not whole. */
  get failure(): RequestFailure | undefined {
    return this.#failure;
  }

  get isSilent(): boolean {
    return this.#silentRounds > 0;
  }

  /** Reads every block. A unit that does not answer is not asked for the rest. */
  async round(ask: AskBlock): Promise<UnitRound> {
    const values: (readonly [WantedRegister, RegisterValue])[] = [];
    let silence: RequestFailure | undefined;
    let refused: RequestFailure | undefined;
    const waiting = [...this.#blocks];
    for (let block = waiting.shift(); block !== undefined; block = waiting.shift()) {
      const outcome = silence ?? (await ask(block, this.plan.timeoutMs));
      if (outcome.kind === "values") {
        for (const register of block.registers) values.push([register, readRegister(register, block, outcome.values)]);
        continue;
      }
      if (outcome.kind === "disconnected") return { values: [], silence, refused, isDisconnected: true };
      const isRefusedAsAWhole = outcome.reason === illegalAddress || outcome.reason === illegalValue;
      if (isRefusedAsAWhole && block.registers.length > 1) {
        // One register that the device does not have must not cost its neighbours: from now on each on its own.
        const singles = block.registers.flatMap((register) => planBlocks([register], { maxRegisters: 2, maxGap: 0 }));
        this.#blocks = this.#blocks.flatMap((known) => (known === block ? singles : [known]));
        waiting.unshift(...singles);
        continue;
      }
      if (outcome.kind === "exception" && !gatewaySilence.has(outcome.reason)) refused = outcome;
      else silence ??= outcome;
      for (const register of block.registers) values.push([register, { value: null, reason: outcome.reason }]);
    }
    return { values, silence, refused, isDisconnected: false };
  }

  /** Sets when it is asked next: at its pace, or ever more seldom while it is silent. */
  schedule(nowMs: number, round: UnitRound): void {
    this.#failure = round.silence ?? round.refused;
    this.#silentRounds = round.silence === undefined ? 0 : this.#silentRounds + 1;
    const { pollMs, timeoutMs } = this.plan;
    if (this.#silentRounds === 0) {
      this.#dueMs = Math.max(nowMs, this.#dueMs + pollMs);
      return;
    }
    const longest = Math.max(pollMs, this.#silentMs);
    const waitMs = Math.min(longest, pollMs * 2 ** Math.min(this.#silentRounds, 20));
    // A serial frame does not say which question it answers: what is merely late has to arrive while none is open.
    this.#dueMs = nowMs + Math.max(waitMs, 2 * timeoutMs);
  }

  /** Asked at once after a new connection. */
  restart(nowMs: number): void {
    this.#dueMs = nowMs;
  }
}

/** Reads registers that no point uses, once; what does not come is left out. */
export async function readSpare<R extends WireRegister>(
  registers: readonly R[],
  maxRegisters: number,
  ask: (block: Block) => Promise<RequestOutcome>,
): Promise<readonly (readonly [R, RegisterValue])[]> {
  const values: (readonly [R, RegisterValue])[] = [];
  for (const block of planBlocks(registers, { maxRegisters, maxGap: 0 })) {
    const outcome = await ask(block);
    if (outcome.kind === "values") {
      for (const register of block.registers) values.push([register, readRegister(register, block, outcome.values)]);
    } else if (outcome.kind !== "exception") break;
  }
  return values;
}
