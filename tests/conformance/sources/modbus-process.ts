import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Child } from "../../sims/child.ts";
import { freePorts } from "../../sims/free-port.ts";
import type { ModbusBehaviour, ModbusSetting } from "../../sims/modbus-server.ts";

interface Asked {
  readonly unit: number;
  readonly kind: string;
  readonly address: number;
  readonly count: number;
}

/** The Modbus server as a process of its own, to be told, frozen, killed and restarted. */
export class ModbusProcess {
  /** Every block that was asked for, over all its lives. */
  readonly asked: Asked[] = [];
  readonly port: number;
  readonly rtuPort: number;
  readonly #folder: string;
  #child: Child | undefined;

  private constructor(folder: string, port: number, rtuPort: number) {
    this.#folder = folder;
    this.port = port;
    this.rtuPort = rtuPort;
  }

  static async start(): Promise<ModbusProcess> {
    const [port = 0, rtuPort = 0] = await freePorts(2);
    const server = new ModbusProcess(await mkdtemp(join(tmpdir(), "frostlight-modbus-")), port, rtuPort);
    await server.restart();
    return server;
  }

  /** Starts it, again with no registers. */
  async restart(): Promise<void> {
    const child = new Child({
      name: "modbus",
      script: join(import.meta.dirname, "../../sims/modbus-server.ts"),
      args: ["--port", String(this.port), "--rtu-port", String(this.rtuPort)],
      logFile: join(this.#folder, "modbus.log"),
    });
    this.#child = child;
    await child.ready();
    child.onLine((line) => {
      if (line.startsWith('{"asked"')) this.asked.push((JSON.parse(line) as { asked: Asked }).asked); // our own simulator writes it
    });
  }

  set(...settings: readonly ModbusSetting[]): void {
    for (const set of settings) this.#child?.write(JSON.stringify({ set }));
  }

  /** Numbers from `address` on in the holding registers of a unit. */
  holding(unit: number, address: number, ...values: readonly number[]): void {
    this.set(...values.map((value, index) => ({ unit, kind: "holding" as const, address: address + index, value })));
  }

  behave(behave: ModbusBehaviour): void {
    this.#child?.write(JSON.stringify({ behave }));
  }

  async kill(): Promise<void> {
    await this.#child?.kill();
  }

  async remove(): Promise<void> {
    await this.kill();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
