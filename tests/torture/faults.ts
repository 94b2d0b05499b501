import { cpSync, existsSync, rmSync } from "node:fs";
import { join } from "node:path";

import type { Random } from "@frostlight/kernel";

import { damageJournal } from "./damage.ts";
import type { Disturbed } from "./disturbed.ts";
import type { Plant } from "./plant.ts";
import { pause, type Service } from "./service.ts";

/** What a fault lays its hands on: two faults at once never share one. */
type Target = "gateway" | "server" | "link" | "broker" | "devices" | "plc" | "clock";

export interface Fault {
  readonly name: string;
  readonly targets: readonly Target[];
  /** Breaks something and mends it again; processes may still be starting when it resolves. */
  run(plant: Plant, dice: Dice, disturbed: Disturbed): Promise<void>;
}

/** Chance with the words that faults need. */
export class Dice {
  readonly random: Random;

  constructor(random: Random) {
    this.random = random;
  }

  between(from: number, to: number): number {
    return from + this.random.next() * (to - from);
  }

  wholeBetween(from: number, to: number): number {
    return Math.floor(this.between(from, to + 1));
  }

  chance(probability: number): boolean {
    return this.random.next() < probability;
  }

  pick<T>(all: readonly [T, ...(readonly T[])]): T {
    return all[Math.floor(this.random.next() * all.length)] ?? all[0];
  }

  /** A time of waiting. */
  wait(fromMs: number, toMs: number): Promise<void> {
    return pause(this.between(fromMs, toMs));
  }
}

async function killAndStart(plant: Plant, what: "gateway" | "server", dice: Dice): Promise<void> {
  const service: Service = plant[what];
  await dice.wait(0, 1200);
  await service.kill();
  await dice.wait(0, 500);
  service.spawn();
}

/** Killed again and again before it has come up: during recovery, migrations, the first connections. */
async function killWhileStarting(plant: Plant, what: "gateway" | "server", dice: Dice): Promise<void> {
  const service: Service = plant[what];
  await dice.wait(0, 400);
  await service.kill();
  for (let n = dice.wholeBetween(1, 3); n > 0; n -= 1) {
    service.spawn();
    await dice.wait(100, 1500);
    await service.kill();
  }
  service.spawn();
}

async function fillDisk(plant: Plant, what: "gateway" | "server", dice: Dice): Promise<void> {
  const service: Service = plant[what];
  const disk = what === "gateway" ? plant.gatewayDisk : plant.serverDisk;
  await dice.wait(0, 500);
  plant.break("disk");
  const leaveBytes = dice.pick([0, dice.wholeBetween(1, 4000), dice.wholeBetween(4000, 65_000)]);
  disk.fill(leaveBytes, service.child.pid);
  plant.note(`${what}'s disk is full (${disk.method}, ${leaveBytes} bytes left)`);
  await dice.wait(400, 2200);
  if (dice.chance(0.5)) {
    await service.kill();
    service.spawn();
    await dice.wait(300, 2000);
  }
  disk.free(service.child.pid);
  plant.note(`${what}'s disk has room again`);
  plant.mend("disk");
  service.spawn();
}

/** What the gateway wrote down meanwhile is sent again: its marks must be known, also to the next life of the gateway. */
async function loseAcknowledgements(plant: Plant, whose: "devices" | "foreign", dice: Dice): Promise<void> {
  await dice.wait(0, 600);
  plant.holdAcknowledgements(whose);
  plant.note(`acknowledgements to the ${whose} get stuck`);
  await dice.wait(100, 1500);
  if (dice.chance(0.5)) await plant.gateway.kill();
  await plant.loseAcknowledgements(whose);
  plant.note(`acknowledgements to the ${whose} are lost`);
  plant.gateway.spawn();
}

/** Everything the journal holds is with the server, nothing new comes, the gateway is dead. false: could not be had. */
async function killDrained(plant: Plant, disturbed: Disturbed): Promise<boolean> {
  plant.freezeSensors(true);
  const deadlineMs = Date.now() + 6000;
  while (((await plant.localStatus())?.journal.unreleasedBatches ?? 1) > 0 && Date.now() < deadlineMs) await pause(50);
  await plant.gateway.kill();
  const isDrained = disturbed.undelivered().length === 0;
  if (!isDrained) plant.note("not everything was with the server: the journal is left as it is");
  return isDrained;
}

export const faults: readonly Fault[] = [
  { name: "kill-gateway", targets: ["gateway"], run: (plant, dice) => killAndStart(plant, "gateway", dice) },
  { name: "kill-server", targets: ["server"], run: (plant, dice) => killAndStart(plant, "server", dice) },
  {
    name: "kill-gateway-starting",
    targets: ["gateway"],
    run: (plant, dice) => killWhileStarting(plant, "gateway", dice),
  },
  { name: "kill-server-starting", targets: ["server"], run: (plant, dice) => killWhileStarting(plant, "server", dice) },
  {
    name: "kill-both",
    targets: ["gateway", "server"],
    async run(plant, dice) {
      await Promise.all([killAndStart(plant, "gateway", dice), killAndStart(plant, "server", dice)]);
    },
  },
  {
    name: "stop-gateway",
    targets: ["gateway"],
    async run(plant, dice) {
      await dice.wait(0, 800);
      await plant.gateway.stop();
      plant.gateway.spawn();
    },
  },
  {
    name: "cut-link",
    targets: ["link"],
    async run(plant, dice) {
      await dice.wait(0, 500);
      await plant.cutLink();
      plant.note("link cut");
      await dice.wait(200, 2500);
      await plant.restoreLink();
      plant.note("link restored");
    },
  },
  {
    name: "starve-link",
    targets: ["link"],
    async run(plant, dice) {
      await dice.wait(0, 500);
      const how = dice.pick(["silent", "slow", "no-answers", "half-open"] as const);
      plant.starveLink(how);
      plant.note(`link starved: ${how}`);
      await dice.wait(300, 4000);
      if (dice.chance(0.5)) plant.resetLink();
      await plant.restoreLink();
      plant.note("link flows again");
    },
  },
  {
    name: "reset-link",
    targets: ["link"],
    async run(plant, dice) {
      for (let n = dice.wholeBetween(1, 5); n > 0; n -= 1) {
        await dice.wait(50, 500);
        plant.resetLink();
        plant.note("link's connections reset");
      }
    },
  },
  {
    name: "lose-pubacks",
    targets: ["gateway", "devices"],
    run: (plant, dice) => loseAcknowledgements(plant, "devices", dice),
  },
  {
    name: "lose-foreign-pubacks",
    targets: ["gateway", "broker"],
    run: (plant, dice) => loseAcknowledgements(plant, "foreign", dice),
  },
  { name: "fill-gateway-disk", targets: ["gateway"], run: (plant, dice) => fillDisk(plant, "gateway", dice) },
  { name: "fill-server-disk", targets: ["server"], run: (plant, dice) => fillDisk(plant, "server", dice) },
  // Twice as often as others: there are many ways to do it.
  ...["damage-journal", "damage-journal-again"].map((name): Fault => ({
    name,
    targets: ["gateway", "server", "link"],
    async run(plant, dice, disturbed) {
      await dice.wait(0, 1000);
      await plant.gateway.kill();
      // What was on its way to the server and to the devices arrives.
      await pause(400);
      const damage = damageJournal(plant.journalFolder, disturbed.damageLimits(), dice.random);
      if (damage !== undefined) disturbed.damaged(damage);
      plant.note(`journal damaged: ${damage?.what ?? "nothing that may be hurt"}`);
      plant.gateway.spawn();
    },
  })),
  {
    name: "old-copy-of-the-journal",
    targets: ["gateway", "server", "link", "devices", "plc", "broker"],
    async run(plant, dice, disturbed) {
      const copy = join(plant.folder, "journal-copy");
      await plant.gateway.kill();
      rmSync(copy, { recursive: true, force: true });
      if (existsSync(plant.journalFolder)) cpSync(plant.journalFolder, copy, { recursive: true });
      await plant.gateway.up(30_000);
      await dice.wait(300, 2500);
      if (await killDrained(plant, disturbed)) {
        disturbed.replaced("an old copy of the journal came back", () => {
          rmSync(plant.journalFolder, { recursive: true });
          cpSync(copy, plant.journalFolder, { recursive: true });
        });
      }
      plant.gateway.spawn();
      plant.freezeSensors(false);
    },
  },
  {
    name: "journal-gone",
    targets: ["gateway", "server", "link", "devices", "plc", "broker"],
    async run(plant, dice, disturbed) {
      await dice.wait(0, 500);
      if (await killDrained(plant, disturbed)) {
        disturbed.replaced("the journal is gone", () => rmSync(plant.journalFolder, { recursive: true }));
      }
      plant.gateway.spawn();
      plant.freezeSensors(false);
    },
  },
  {
    name: "jump-clock",
    targets: ["clock"],
    async run(plant, dice) {
      await dice.wait(0, 800);
      const hourMs = 3_600_000;
      const shiftMs = Math.round(
        dice.pick([0, dice.between(-6, 6) * hourMs, dice.between(-6, 6) * hourMs, dice.between(-90, 90) * 1000]),
      );
      await plant.shiftClock(shiftMs);
      plant.note(`the gateway's clock is ${(shiftMs / 60_000).toFixed(1)} minutes off`);
    },
  },
  {
    name: "restart-foreign-broker",
    targets: ["broker"],
    async run(plant, dice) {
      await dice.wait(0, 800);
      await plant.broker.stop();
      plant.note("foreign broker stopped");
      await dice.wait(0, 1500);
      await plant.broker.start();
      plant.note("foreign broker started");
    },
  },
  {
    name: "freeze-foreign-broker",
    targets: ["broker"],
    async run(plant, dice) {
      plant.broker.freeze(true);
      plant.note("foreign broker frozen");
      await dice.wait(300, 3000);
      plant.broker.freeze(false);
      plant.note("foreign broker thawed");
    },
  },
  {
    name: "kill-devices",
    targets: ["devices"],
    async run(plant, dice) {
      await dice.wait(0, 1000);
      await plant.killDevices();
      plant.note("devices killed");
      await dice.wait(0, 600);
      await plant.startDevices();
      plant.note("devices run again");
    },
  },
  {
    name: "freeze-plc",
    targets: ["plc"],
    async run(plant, dice) {
      plant.freezePlc(true);
      plant.note("OPC UA server frozen");
      await dice.wait(300, 2500);
      plant.freezePlc(false);
      plant.note("OPC UA server thawed");
    },
  },
  {
    name: "raise-alarm",
    targets: ["devices"],
    async run(plant, dice, disturbed) {
      plant.tellDevices("warm");
      plant.note("the alarm device is warm");
      await disturbed.untilAlarm(15_000);
      await disturbed.noteAlarms();
      await dice.wait(0, 800);
      plant.tellDevices("cold");
      plant.note("the alarm device is cold");
      await dice.wait(1500, 2500);
    },
  },
];
