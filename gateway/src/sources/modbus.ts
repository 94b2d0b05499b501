import { describeError, type Part, peerRetry, retryDelayMs } from "@frostlight/kernel";

import { defineSource, type PointBinding, type SourceContext, type SourceState } from "../core/source.ts";
import { checkModbus, discoverModbus, discoveryOf } from "./modbus-check.ts";
import { describeConnection, type ModbusLink, openLink, type RequestOutcome } from "./modbus-link.ts";
import { type ModbusAddress, modbusAddress, type ModbusOptions, modbusOptions } from "./modbus-options.ts";
import { type ModbusPlan, planUnits } from "./modbus-plan.ts";
import type { Block, RegisterValue } from "./modbus-registers.ts";
import { ModbusUnit, readSpare } from "./modbus-unit.ts";
import { Outbox } from "./outbox.ts";

type Binding = PointBinding<ModbusAddress>;

/** Registers that no point uses are looked at this often. */
const discoveryMs = 600_000;
/** A connection on which every unit was silent so often in a row is opened anew. */
const patience = 3;
const busy: ReadonlySet<string> = new Set(["modbus-device-busy", "modbus-acknowledge"]);

/** Polls the units of one Modbus line, one request at a time. It reads; it has no way to write. */
export class ModbusSource implements Part {
  readonly name: string;
  readonly #options: ModbusOptions;
  readonly #context: SourceContext;
  readonly #plan: ModbusPlan;
  readonly #where: string;
  readonly #outbox: Outbox;
  readonly #stopping = new AbortController();
  readonly #discoveredMs = new Map<number, number>();
  readonly #refusedReasons = new Map<number, string>();
  #link: ModbusLink | undefined;
  #running: Promise<void> | undefined;
  #reported: SourceState | undefined;
  #journalError: unknown;

  constructor(options: ModbusOptions, points: readonly Binding[], context: SourceContext) {
    this.name = `source ${context.sourceId}`;
    this.#options = options;
    this.#context = context;
    this.#plan = planUnits(options, points);
    this.#where = describeConnection(options.connection);
    this.#outbox = new Outbox(context, this.#stopping.signal, (error) => {
      this.#journalError = error;
    });
  }

  start(): Promise<void> {
    this.#report({ state: "starting", code: "connecting", message: `connecting to ${this.#where}` });
    this.#running = this.#run();
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    this.#stopping.abort();
    this.#link?.close();
    await this.#running;
    await this.#outbox.close();
    this.#report({ state: "offline", code: "stopped", message: "stopped" });
  }

  async #run(): Promise<void> {
    const { clock, random } = this.#context;
    const silentMs = this.#options.silentUnitSeconds * 1_000;
    const nowMs = clock.monotonicMs();
    const units = this.#plan.units.map(
      (plan) => new ModbusUnit(plan, { maxGap: this.#options.maxGap, silentMs, nowMs }),
    );
    for (let failures = 0; !this.#stopping.signal.aborted; failures += 1) {
      try {
        this.#link = await openLink(this.#options.connection, clock, this.#stopping.signal);
        const reason = await this.#poll(this.#link, units, () => {
          failures = 0;
        });
        if (!this.#stopping.signal.aborted) this.#offline("connection-lost", `${this.#where}: ${reason}`);
      } catch (error) {
        if (!this.#stopping.signal.aborted) this.#offline("connect-failed", describeError(error));
      }
      this.#link?.close();
      await clock.sleep(retryDelayMs(peerRetry, failures, random), this.#stopping.signal).catch(() => undefined);
    }
  }

  /** Asks whoever is due until the line is gone; returns why. */
  async #poll(link: ModbusLink, units: readonly ModbusUnit[], onAnswer: () => void): Promise<string> {
    const { clock } = this.#context;
    const gone = new AbortController();
    const whyGone = link.closed.then((reason) => {
      gone.abort();
      return reason;
    });
    if (this.#stopping.signal.aborted) link.close();
    for (const unit of units) unit.restart(clock.monotonicMs());
    if (units.length === 0) this.#reportUnits(units);
    const isSerial = this.#options.connection.kind === "serial";
    let unheard = 0;
    while (!gone.signal.aborted) {
      const next = units.toSorted((a, b) => a.dueMs - b.dueMs)[0];
      if (next === undefined) break;
      const waitMs = next.dueMs - clock.monotonicMs();
      if (waitMs > 0) {
        await clock.sleep(waitMs, gone.signal).catch(() => undefined);
        continue;
      }
      const isHeard = await this.#askUnit(link, next);
      unheard = isHeard ? 0 : unheard + 1;
      if (isHeard) onAnswer();
      if (!gone.signal.aborted) this.#reportUnits(units);
      // A connection that a switch or a serial server has forgotten looks like a bus of silent units.
      if (!isSerial && unheard >= patience * units.length) link.close("nobody answered, connecting anew");
    }
    return whyGone;
  }

  /** Returns whether the unit answered. */
  async #askUnit(link: ModbusLink, unit: ModbusUnit): Promise<boolean> {
    const { clock } = this.#context;
    const round = await unit.round((block, timeoutMs) => this.#ask(link, unit.plan.unit, block, timeoutMs));
    if (round.isDisconnected) return false;
    unit.schedule(clock.monotonicMs(), round);
    for (const [register, value] of round.values) {
      for (const point of register.points) this.#put(point.pointId, point.unit, value);
    }
    this.#noteRefusal(unit);
    if (round.silence === undefined) await this.#discover(link, unit);
    return round.silence === undefined;
  }

  async #ask(link: ModbusLink, unit: number, block: Block, timeoutMs: number): Promise<RequestOutcome> {
    const { kind, address, count } = block;
    for (let tried = 1; ; tried += 1) {
      const outcome = await link.request({ unit, kind, address, count }, timeoutMs);
      const isFinal = outcome.kind === "values" || outcome.kind === "disconnected";
      const isRefused = outcome.kind === "exception" && !busy.has(outcome.reason);
      if (isFinal || isRefused || tried >= this.#options.tries) return outcome;
    }
  }

  #put(pointId: string, unit: Binding["unit"], { value, reason }: RegisterValue): void {
    this.#outbox.put({
      pointId,
      value,
      unit,
      sourceTimeMs: null,
      receivedMs: this.#context.clock.nowMs(),
      quality: value === null ? "bad" : "good",
      reason,
      backfill: false,
    });
  }

  /** Shows once what a unit refuses, not at every round. */
  #noteRefusal({ plan, failure }: ModbusUnit): void {
    const reason = failure?.kind === "exception" ? failure.reason : "";
    if (this.#refusedReasons.get(plan.unit) === reason) return;
    this.#refusedReasons.set(plan.unit, reason);
    if (failure === undefined || reason === "") return;
    this.#context.refuse({
      address: `unit ${plan.unit}`,
      code: reason,
      message: `unit ${plan.unit}: ${failure.message}`,
    });
  }

  async #discover(link: ModbusLink, { plan }: ModbusUnit): Promise<void> {
    const { clock } = this.#context;
    const lastMs = this.#discoveredMs.get(plan.unit);
    if (plan.spare.length === 0 || (lastMs !== undefined && clock.monotonicMs() - lastMs < discoveryMs)) return;
    this.#discoveredMs.set(plan.unit, clock.monotonicMs());
    const found = await readSpare(plan.spare, plan.maxRegisters, ({ kind, address, count }) =>
      link.request({ unit: plan.unit, kind, address, count }, plan.timeoutMs),
    );
    for (const [spare, { value }] of found) this.#context.discover(discoveryOf(plan, spare, value));
  }

  #reportUnits(units: readonly ModbusUnit[]): void {
    if (this.#journalError !== undefined) {
      const message = `values wait: ${describeError(this.#journalError)}`;
      this.#report({ state: "degraded", code: "journal-not-writable", message });
      return;
    }
    const failing = units.filter(({ failure }) => failure !== undefined);
    const silent = units.filter(({ isSilent }) => isSilent);
    const said = failing.map(({ plan, failure }) => `${plan.unit} 号站 (unit ${plan.unit}): ${failure?.message ?? ""}`);
    const message = said.join("; ").slice(0, 600);
    if (silent.length > 0 && silent.length === units.length) {
      this.#offline("no-unit-answers", message);
    } else if (silent.length > 0) {
      this.#report({ state: "degraded", code: "units-silent", message });
    } else if (failing.length > 0) {
      this.#report({ state: "degraded", code: "registers-refused", message });
    } else if (this.#plan.unknown.length > 0) {
      const unknown = this.#plan.unknown.map(({ pointId, message }) => `${pointId}: ${message}`).join("; ");
      this.#report({ state: "degraded", code: "registers-unknown", message: unknown.slice(0, 600) });
    } else {
      this.#report({ state: "ok", code: "connected", message: `${this.#where}, ${units.length} unit(s)` });
    }
  }

  #offline(code: string, message: string): void {
    this.#report({ state: "offline", code, message });
  }

  #report(state: SourceState): void {
    if (this.#reported?.code === state.code && this.#reported.message === state.message) return;
    this.#reported = state;
    this.#context.setState(state);
  }
}

export const modbus = defineSource({
  kind: "modbus",
  unacknowledged: true,
  options: modbusOptions,
  address: modbusAddress,
  example: {
    options: {
      connection: { kind: "tcp", host: "127.0.0.1" },
      units: [{ unit: 1, map: "penn-tc3223" }],
    },
    address: { unit: 1, register: "defrost" },
  },
  open: (options, points, context): ModbusSource => new ModbusSource(options, points, context),
  check: checkModbus,
  discover: discoverModbus,
});
