import { cpSync, rmSync, writeFileSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { seededRandom } from "@frostlight/kernel/testing";

import { siteId } from "./configuration.ts";
import type { DiskMethod } from "./disk.ts";
import { Disturbed } from "./disturbed.ts";
import { Dice, type Fault } from "./faults.ts";
import { Plant } from "./plant.ts";
import { Progress } from "./progress.ts";
import { pause } from "./service.ts";
import { judge, type Verdict } from "./verdict.ts";

export interface TortureOptions {
  readonly cycles: number;
  readonly seed: number;
  readonly faults: readonly Fault[];
  readonly disk?: DiskMethod;
  /** Keeps the folder also when all is well. */
  readonly keep: boolean;
  readonly signal: AbortSignal;
}

const recoveryTimeoutMs = 90_000;
const shownProblems = 10;
/** Before each cycle's faults: something must flow to be broken. */
const trafficMs = 600;

/** Runs it all and prints the result. @returns whether the promises held */
export async function torture(options: TortureOptions): Promise<boolean> {
  const { cycles, seed } = options;
  const progress = new Progress(cycles);
  const folder = await mkdtemp(join(tmpdir(), "frostlight-torture-"));
  const problems: string[] = [];
  const plant = await Plant.create({
    folder,
    onProblem: (text) => {
      problems.push(text);
      // A process that cannot start says so every time.
      if (problems.length <= shownProblems) progress.line(text);
    },
    ...(options.disk === undefined ? {} : { diskMethod: options.disk }),
  });
  progress.line(`seed ${seed}; disks are filled through ${plant.gatewayDisk.method}; folder ${folder}`);
  if (!plant.broker.isInstalled) progress.line("mosquitto is not installed: no foreign broker");
  const disturbed = new Disturbed(plant);
  let done = 0;
  let verdict: Verdict | undefined;
  try {
    await plant.start();
    await settle(plant);
    const deck = new Deck(options.faults, new Dice(seededRandom(seed)));
    for (; done < cycles; done += 1) {
      options.signal.throwIfAborted();
      const chosen = deck.draw();
      const names = chosen.map(({ fault }) => fault.name).join(" + ");
      plant.note(`cycle ${done + 1}: ${names}`);
      await pause(trafficMs);
      await Promise.all(chosen.map(({ fault, dice }) => fault.run(plant, dice, disturbed)));
      await settle(plant);
      progress.show(done + 1, plant.acknowledged, names);
    }
    await drain(plant);
    await plant.stop();
    verdict = judge(plant, disturbed);
  } catch (error) {
    problems.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
  } finally {
    await plant.stop();
  }
  if (verdict === undefined) verdict = judge(plant, disturbed);
  const isGood = problems.length === 0 && verdict.isGood;
  for (const line of [...problems.slice(-shownProblems), ...verdict.story]) progress.line(line);
  if (isGood && !options.keep) clean(plant);
  else progress.line(`kept in ${keep(plant)}`);
  const { acknowledged, stored, lost, unexplainedDuplicates, quarantined, recoverySeconds, ...more } = verdict.figures;
  const figures = { acknowledged, stored, lost, unexplainedDuplicates, quarantined, recoverySeconds };
  process.stdout.write(`${JSON.stringify({ cycles: done, seed, ...figures, ...more, problems: problems.length })}\n`);
  return isGood;
}

/** Everything runs, is mended and does its job again. */
async function settle(plant: Plant): Promise<void> {
  await Promise.all([plant.gateway.up(recoveryTimeoutMs), plant.server.up(recoveryTimeoutMs)]);
  const deadlineMs = Date.now() + recoveryTimeoutMs;
  const isWell = (): boolean => plant.gateway.life?.recoveredMs != null && plant.server.life?.recoveredMs != null;
  while (!isWell() || !(await plant.isConnected())) {
    if (Date.now() > deadlineMs) {
      const status = await plant.localStatus();
      throw new Error(`no recovery within ${recoveryTimeoutMs} ms; the gateway says ${JSON.stringify(status)}`);
    }
    await pause(50);
    if (!plant.gateway.isRunning || !plant.server.isRunning) {
      await Promise.all([plant.gateway.up(recoveryTimeoutMs), plant.server.up(recoveryTimeoutMs)]);
    }
  }
  const refused = (await plant.localStatus())?.uplink;
  if (refused !== undefined && refused.refusedBatches > 0) {
    plant.note(`the server refused ${refused.refusedBatches} batches: ${refused.lastError}`);
  }
  await acknowledgeAlarms(plant);
}

/** Nothing new is sent; what was sent arrives; alarms end. */
async function drain(plant: Plant): Promise<void> {
  plant.note("draining");
  plant.tellDevices("cold");
  await pause(2500);
  await acknowledgeAlarms(plant);
  if (!(await plant.quiet(recoveryTimeoutMs))) plant.note("some devices wait for acknowledgements in vain");
  const deadlineMs = Date.now() + recoveryTimeoutMs;
  for (let quietPolls = 0; quietPolls < 5;) {
    const status = await plant.localStatus();
    quietPolls = status?.journal.unreleasedBatches === 0 ? quietPolls + 1 : 0;
    if (Date.now() > deadlineMs) {
      plant.note(
        `not drained in ${recoveryTimeoutMs} ms: ${JSON.stringify(status?.journal)} ${JSON.stringify(status?.uplink)}`,
      );
      return;
    }
    await acknowledgeAlarms(plant);
    await pause(200);
  }
}

/** As a person at the server would; refusals (already done, on its way) are part of the game. */
async function acknowledgeAlarms(plant: Plant): Promise<void> {
  try {
    for (const { alarmId, state } of await plant.client.alarms(siteId)) {
      if (state === "unacknowledged" || state === "returned-unacknowledged") await plant.client.acknowledge(alarmId);
    }
  } catch {
    // asked again in the next cycle
  }
}

/** The folder with everything in it, also what lay on file systems of its own. */
function keep(plant: Plant): string {
  const story = plant.events.map(({ timeMs, text }) => `${new Date(timeMs).toISOString()} ${text}\n`);
  writeFileSync(join(plant.folder, "events.log"), story.join(""));
  for (const [name, disk] of disksOf(plant)) {
    const path = join(plant.folder, name);
    const copy = `${path}.kept`;
    if (disk.method !== "tmpfs") continue;
    cpSync(path, copy, { recursive: true });
    disk.remove();
  }
  return plant.folder;
}

function clean(plant: Plant): void {
  for (const [, disk] of disksOf(plant)) disk.remove();
  rmSync(plant.folder, { recursive: true, force: true });
}

function disksOf(plant: Plant) {
  return [["gateway", plant.gatewayDisk] as const, ["server", plant.serverDisk] as const];
}

interface Drawn {
  readonly fault: Fault;
  readonly dice: Dice;
}

/** Faults in random order, none again before all have been drawn; often a second one at the same time. */
class Deck {
  readonly #faults: readonly Fault[];
  readonly #dice: Dice;
  #left: Fault[] = [];

  constructor(faults: readonly Fault[], dice: Dice) {
    this.#faults = faults;
    this.#dice = dice;
  }

  draw(): readonly Drawn[] {
    const first = this.#take(() => true);
    if (first === undefined) throw new Error("no faults to choose from");
    const second = this.#dice.chance(0.5)
      ? this.#take((fault) => !fault.targets.some((target) => first.targets.includes(target)))
      : undefined;
    // Each has its own chance, so that what one draws does not depend on how long the other waits.
    return [first, second]
      .filter((fault) => fault !== undefined)
      .map((fault) => ({ fault, dice: new Dice(seededRandom(this.#dice.wholeBetween(1, 2 ** 31))) }));
  }

  #take(isFit: (fault: Fault) => boolean): Fault | undefined {
    if (this.#left.length === 0) this.#left = [...this.#faults];
    const fit = this.#left.filter(isFit);
    const taken = fit[this.#dice.wholeBetween(0, fit.length - 1)];
    this.#left = this.#left.filter((fault) => fault !== taken);
    return taken;
  }
}
