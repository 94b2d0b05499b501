import { join } from "node:path";

import { fleet } from "../sims/torture-fleet.ts";
import { readDeviceLog } from "../sims/torture-log.ts";
import { alarmRuleId } from "./configuration.ts";
import type { Damage, DamageLimits } from "./damage.ts";
import { epochsOf, journalEpoch, type JournalRecord, recordsOf, segmentsOf } from "./journal-files.ts";
import type { Plant } from "./plant.ts";
import { pause } from "./service.ts";
import { ServerStores } from "./stored.ts";

/** Remembers what was done to the journal, so that its consequences can be told from faults of ours. */
export class Disturbed {
  /** Damage done, one entry each. */
  readonly damages: Damage[] = [];
  /** Alarms that stood, durably, at a time when nothing was wrong with the gateway: they must be at the server. */
  readonly alarmsSeen = new Set<string>();
  readonly #plant: Plant;
  readonly #stores: ServerStores;
  readonly #lostBatches = new Set<string>();

  constructor(plant: Plant) {
    this.#plant = plant;
    this.#stores = new ServerStores(join(plant.folder, "server"));
    plant.mayBeginNewEpoch = () => this.wasSetBack(journalEpoch(plant.journalFolder));
  }

  /** Whether the gateway's own copy of a batch was destroyed by us, and with it the marks of the deliveries in it. */
  isLost(epoch: string, sequence: number): boolean {
    return this.#lostBatches.has(`${epoch} ${sequence}`);
  }

  /** Whether the journal of an epoch went back in time: it cannot know which of its batches the server has. */
  wasSetBack(epoch: string): boolean {
    return this.damages.some((damage) => damage.setsBack === true && damage.epoch === epoch);
  }

  damaged(damage: Damage): void {
    this.damages.push(damage);
    for (const sequence of damage.sequences) this.#lostBatches.add(`${damage.epoch} ${sequence}`);
  }

  /** Replaces or removes a journal whose batches are all delivered. */
  replaced(what: string, replace: () => void): void {
    const before = this.#keysOfAll();
    const epoch = journalEpoch(this.#plant.journalFolder);
    replace();
    const after = new Set(this.#keysOfAll());
    const gone = before.filter((key) => !after.has(key));
    for (const key of gone) this.#lostBatches.add(key);
    this.damages.push({ what, epoch, sequences: [], setsBack: true });
    this.#plant.note(`${what} (${gone.length} delivered batches are gone from it)`);
  }

  /** Batches on the disk that the server does not have. */
  undelivered(): readonly number[] {
    const folder = this.#plant.journalFolder;
    const epoch = journalEpoch(folder);
    const delivered = this.#stores.delivered(epoch);
    const records = recordsOf(epoch, segmentsOf(folder, epoch));
    return records.map(({ sequence }) => sequence).filter((sequence) => !delivered.has(sequence));
  }

  damageLimits(): DamageLimits {
    const delivered = new Map<string, ReadonlySet<number>>();
    const isDelivered = (epoch: string, sequence: number): boolean => {
      const known = delivered.get(epoch) ?? this.#stores.delivered(epoch);
      delivered.set(epoch, known);
      return known.has(sequence);
    };
    let open: ReadonlySet<string> | undefined;
    const isUnacknowledged = (record: JournalRecord): boolean => {
      open ??= this.#openReadings();
      const { batch, epoch, sequence } = record;
      const { alarmEvents, findings, healthEvents, siteDescriptions, drops, changes, clockCorrections } = batch;
      const others = [alarmEvents, findings, healthEvents, siteDescriptions, drops, changes, clockCorrections];
      const known = open;
      return (
        !isDelivered(epoch, sequence) &&
        others.every((items) => items.length === 0) &&
        batch.samples.length > 0 &&
        batch.samples.every(({ pointId, value }) => known.has(`${pointId} ${value}`))
      );
    };
    return { isDelivered, isUnacknowledged };
  }

  /** A device is too warm: waits for its alarm, and finds fault when it does not come although the gateway lives all along. */
  async untilAlarm(timeoutMs: number): Promise<void> {
    const deadlineMs = Date.now() + timeoutMs;
    for (let life = this.#plant.gateway.life; ; life = this.#plant.gateway.life) {
      const status = await this.#plant.localStatus();
      if (status?.alarms.some(({ ruleId, state }) => ruleId === alarmRuleId && state !== "returned-unacknowledged"))
        return;
      if (Date.now() > deadlineMs) {
        const isSameLife = life !== undefined && life.spawnMs < deadlineMs - timeoutMs;
        if (isSameLife) this.#plant.problem(`no alarm within ${timeoutMs} ms although a device is too warm`);
        return;
      }
      await pause(100);
    }
  }

  /** Remembers the alarms that stand now and still do a moment later, in the same life of the gateway. */
  async noteAlarms(): Promise<void> {
    const life = this.#plant.gateway.life;
    const first = await this.#plant.localStatus();
    await pause(700);
    const second = await this.#plant.localStatus();
    if (life === undefined || this.#plant.gateway.life !== life || this.#plant.isDiskFull) return;
    const before = new Set(first?.alarms.map((alarm) => alarm.alarmId));
    for (const { alarmId } of second?.alarms ?? []) if (before.has(alarmId)) this.alarmsSeen.add(alarmId);
  }

  /** Readings sent straight to the gateway whose acknowledgement has not come. */
  #openReadings(): ReadonlySet<string> {
    const open = new Set<string>();
    for (const device of fleet.filter(({ via, by }) => via === "gateway" && by === "mqtt.js")) {
      for (const { acknowledgedMs, value } of readDeviceLog(join(this.#plant.folder, "devices", `${device.id}.log`))) {
        if (acknowledgedMs === null) for (const pointId of device.points) open.add(`${pointId} ${value}`);
      }
    }
    return open;
  }

  #keysOfAll(): readonly string[] {
    const folder = this.#plant.journalFolder;
    return epochsOf(folder).flatMap((epoch) =>
      recordsOf(epoch, segmentsOf(folder, epoch)).map(({ sequence }) => `${epoch} ${sequence}`),
    );
  }
}
