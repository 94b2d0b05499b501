import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

import type { CancelTimer, Clock, Logger, Part } from "@frostlight/kernel";
import { z } from "zod";

import type { InferenceStatus } from "../core/camera.ts";
import { LookScheduler } from "./scheduler.ts";

/** How much of the machine the cameras' networks may take, all together. */
export const inferenceOptions = z
  .strictObject({
    /** Share of the time in which networks may work. */
    maxLoad: z.number().min(0.05).max(1).default(0.8),
    /** From here on they work less … */
    hotCelsius: z.number().min(30).max(120).default(75),
    /** … down to a quarter here. A Raspberry Pi slows its clock down at 80 to 85 °C. */
    criticalCelsius: z.number().min(30).max(120).default(85),
  })
  .refine(({ hotCelsius, criticalCelsius }) => hotCelsius < criticalCelsius, {
    message: "hotCelsius must be below criticalCelsius",
  });
export type InferenceOptions = z.output<typeof inferenceOptions>;

export interface MachineState {
  /** The hottest sensor; null where there is none. */
  readonly celsius: number | null;
  /** Processors this process may use, by its control group; null: all. */
  readonly processors: number | null;
}

const everyMs = 10_000;
const leastShare = 0.25;

/** Eases the scheduler when the machine is hot, or has less than one processor to give. */
export class MachineWatch implements Part {
  readonly name = "machine watch";
  readonly scheduler: LookScheduler;
  readonly #options: InferenceOptions;
  readonly #read: () => Promise<MachineState>;
  readonly #clock: Clock;
  readonly #logger: Logger;
  #easedBy: InferenceStatus["easedBy"] = null;
  #celsius: number | null = null;
  #cancel: CancelTimer = () => undefined;

  constructor(parts: {
    readonly options: InferenceOptions;
    readonly read: () => Promise<MachineState>;
    readonly clock: Clock;
    readonly logger: Logger;
  }) {
    this.#options = parts.options;
    this.#read = parts.read;
    this.#clock = parts.clock;
    this.#logger = parts.logger;
    this.scheduler = new LookScheduler(parts.clock, parts.options);
  }

  async start(): Promise<void> {
    await this.#look();
    this.#cancel = this.#clock.every(everyMs, () => void this.#look());
  }

  stop(): Promise<void> {
    this.#cancel();
    return Promise.resolve();
  }

  status(): InferenceStatus {
    return { ...this.scheduler.status(), celsius: this.#celsius };
  }

  async #look(): Promise<void> {
    const { celsius, processors } = await this.#read();
    const { hotCelsius, criticalCelsius } = this.#options;
    const heat = ((celsius ?? 0) - hotCelsius) / (criticalCelsius - hotCelsius);
    const cool = 1 - (1 - leastShare) * Math.min(1, Math.max(0, heat));
    const share = Math.min(cool, processors ?? 1);
    const easedBy = share >= 1 ? null : cool <= (processors ?? 1) ? "heat" : "processor";
    if (easedBy !== this.#easedBy) this.#logger.info("inference-eased", { easedBy, share, celsius, processors });
    this.#easedBy = easedBy;
    this.#celsius = celsius;
    this.scheduler.ease(share, easedBy);
  }
}

/** What Linux says in /sys. @param root for tests */
export async function readMachine(root = "/sys"): Promise<MachineState> {
  const zones = await readdir(join(root, "class/thermal")).catch(() => []);
  const readings = await Promise.all(
    zones
      .filter((name) => name.startsWith("thermal_zone"))
      .map((name) => readNumber(join(root, "class/thermal", name, "temp"))),
  );
  // thousandths of a degree; sensors that are not there read as absurd values
  const celsius = readings.flatMap((reading) => (reading === null ? [] : [reading / 1_000]));
  const credible = celsius.filter((value) => value > -40 && value < 150);
  const [quota, period] = (await readFile(join(root, "fs/cgroup/cpu.max"), "utf8").catch(() => "max 1")).split(" ");
  const processors = Number(quota) / Number(period);
  return {
    celsius: credible.length === 0 ? null : Math.max(...credible),
    processors: Number.isFinite(processors) && processors > 0 ? processors : null,
  };
}

async function readNumber(file: string): Promise<number | null> {
  const text = await readFile(file, "utf8").catch(() => "");
  const value = Number(text);
  return text.trim() === "" || Number.isNaN(value) ? null : value;
}
