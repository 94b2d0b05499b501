import { join } from "node:path";

import { fleet } from "../sims/torture-fleet.ts";
import { readDeviceLog } from "../sims/torture-log.ts";
import { judgeAlarms } from "./alarms-book.ts";
import { alarmRuleId } from "./configuration.ts";
import type { Disturbed } from "./disturbed.ts";
import { epochsOf, quarantinedPieces, recordsOf, segmentsOf } from "./journal-files.ts";
import type { Plant } from "./plant.ts";
import { comparePlc } from "./plc-book.ts";
import { compareReadings, type LostReading } from "./readings-book.ts";
import type { Service } from "./service.ts";
import { ServerStores } from "./stored.ts";

interface Percentiles {
  readonly p50: number;
  readonly p99: number;
}

interface Figures {
  readonly acknowledged: number;
  readonly stored: number;
  readonly lost: number;
  readonly unexplainedDuplicates: number;
  readonly quarantined: number;
  readonly recoverySeconds: Percentiles;
  readonly [more: string]: unknown;
}

export interface Verdict {
  readonly isGood: boolean;
  readonly figures: Figures;
  /** Sentences about what is not as it must be. */
  readonly story: readonly string[];
}

const shown = 20;

/** Everything has ended: what the devices know against what the server and the gateway have on their disks. */
export function judge(plant: Plant, disturbed: Disturbed): Verdict {
  const stores = new ServerStores(join(plant.folder, "server"));
  const samples = stores.samples();
  const devices = fleet.map((device) => ({
    device,
    log: readDeviceLog(join(plant.folder, "devices", `${device.id}.log`)),
  }));
  const readings = compareReadings(devices, samples, disturbed);
  const breaks = plant.events.filter(({ text }) => text.startsWith("OPC UA server")).map(({ timeMs }) => timeMs);
  const plc = comparePlc(plant.plcSteps, samples, plant.gateway.lives, breaks, disturbed);
  const alarms = judgeAlarms(stores.alarmEvents(), disturbed.alarmsSeen, alarmRuleId);
  const unexplained = readings.duplicates.filter(({ explanation }) => explanation === null);
  const explained = readings.duplicates.filter(({ explanation }) => explanation !== null);
  const wrong = [...readings.wrong, ...plc.wrong, ...alarms.wrong];

  const story = [
    ...readings.lost.slice(0, shown).flatMap((reading) => tellLoss(reading, plant, stores)),
    ...plc.lost.slice(0, shown).map((text) => `LOST over OPC UA: ${text}`),
    ...unexplained.slice(0, shown).map(({ pointId, value, copies }) => {
      const where = copies.map(({ sequence, epoch }) => `${epoch.slice(0, 4)}/${sequence}`).join(", ");
      const log = devices.find(({ device }) => device.points.includes(pointId))?.log;
      const reading = log?.find((entry) => entry.value === value);
      return `DOUBLE ${pointId}: ${value} in batches ${where}; sent ${iso(reading?.sentMs)}, repeated ${reading?.repeats}, acknowledged ${iso(reading?.acknowledgedMs)}`;
    }),
    ...plc.duplicates.slice(0, shown).map((text) => `DOUBLE over OPC UA: ${text}`),
    ...wrong.slice(0, shown).map((text) => `WRONG ${text}`),
  ];
  const lost = readings.lost.length + plc.lost.length;
  const unexplainedDuplicates = unexplained.length + plc.duplicates.length;
  const recoveries = [plant.gateway, plant.server].map(recoveriesOf);
  return {
    isGood: lost === 0 && unexplainedDuplicates === 0 && wrong.length === 0,
    story,
    figures: {
      acknowledged: readings.acknowledged + plc.confirmed,
      stored: readings.stored + plc.stored,
      lost,
      unexplainedDuplicates,
      quarantined: quarantinedPieces(join(plant.folder, "gateway.log")),
      recoverySeconds: percentiles(recoveries.flat()),
      recoverySecondsGateway: percentiles(recoveries[0] ?? []),
      recoverySecondsServer: percentiles(recoveries[1] ?? []),
      explainedDuplicates: explained.length + plc.moved,
      explainedBy: Object.fromEntries(
        [...Map.groupBy(explained, ({ explanation }) => explanation ?? "")].map(([why, all]) => [why, all.length]),
      ),
      wrong: wrong.length,
      unacknowledged: readings.open,
      unacknowledgedStored: readings.openStored,
      repeatedByDevices: readings.repeated,
      opcuaConfirmed: plc.confirmed,
      alarmsRaised: alarms.raised,
      alarmsCleared: alarms.cleared,
      damages: disturbed.damages.length,
      dropRecords: stores.drops().length,
      restartsForNewEpoch: plant.selfRestarts,
      gatewayStarts: plant.gateway.lives.length,
      serverStarts: plant.server.lives.length,
      diskFull: plant.gatewayDisk.method,
      clock: "injected by a module loaded before the entry point",
    },
  };
}

/** What was lost, where it should be, and what happened around. */
function tellLoss(reading: LostReading, plant: Plant, stores: ServerStores): readonly string[] {
  const { pointId, value, sentMs, acknowledgedMs, repeats } = reading;
  const folder = plant.journalFolder;
  const records = epochsOf(folder).flatMap((epoch) => recordsOf(epoch, segmentsOf(folder, epoch)));
  const inJournal = records.find(({ batch }) =>
    batch.samples.some((sample) => sample.pointId === pointId && sample.value === value),
  );
  const where =
    inJournal === undefined
      ? "it is not in the gateway's journal either"
      : `it is in batch ${inJournal.epoch}/${inJournal.sequence} of the gateway, which the server ${stores.delivered(inJournal.epoch).has(inJournal.sequence) ? "says it has" : "does not have"}`;
  const around = plant.events
    .filter(({ timeMs }) => timeMs > sentMs - 3000 && timeMs < acknowledgedMs + 4000)
    .map(({ timeMs, text }) => `    ${iso(timeMs)} ${text}`);
  return [
    `LOST ${pointId}: ${value}, sent ${iso(sentMs)}, acknowledged ${iso(acknowledgedMs)}, repeated ${repeats}; ${where}`,
    ...around.slice(0, 14),
  ];
}

function recoveriesOf(service: Service): readonly number[] {
  return service.lives.flatMap(({ isMeasurable, recoveredMs, spawnMs }) =>
    isMeasurable && recoveredMs !== null ? [(recoveredMs - spawnMs) / 1000] : [],
  );
}

function percentiles(seconds: readonly number[]): Percentiles {
  const sorted = seconds.toSorted((a, b) => a - b);
  const at = (fraction: number): number => {
    const value = sorted[Math.min(sorted.length - 1, Math.ceil(fraction * sorted.length) - 1)] ?? 0;
    return Math.round(value * 100) / 100;
  };
  return { p50: at(0.5), p99: at(0.99) };
}

function iso(timeMs: number | null | undefined): string {
  return timeMs == null ? "never" : new Date(timeMs).toISOString();
}
