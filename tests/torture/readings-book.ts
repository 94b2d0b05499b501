import type { FleetDevice } from "../sims/torture-fleet.ts";
import type { LoggedReading } from "../sims/torture-log.ts";
import type { StoredSample } from "./stored.ts";

/** A reading that an acknowledgement came for and the server does not have. */
export interface LostReading {
  readonly pointId: string;
  readonly value: number;
  readonly sentMs: number;
  readonly acknowledgedMs: number;
  readonly repeats: number;
}

/** A reading that is stored more than once. */
interface Duplicate {
  readonly pointId: string;
  readonly value: number;
  readonly copies: readonly StoredSample[];
  /** Why that may be; null: no reason is known. */
  readonly explanation: string | null;
}

export interface ReadingsOutcome {
  readonly acknowledged: number;
  /** Of these, found. */
  readonly stored: number;
  readonly lost: readonly LostReading[];
  readonly duplicates: readonly Duplicate[];
  /** Stored values that nobody sent, or with a time that is not the reading's. */
  readonly wrong: readonly string[];
  /** Sent and never acknowledged: may be stored once, or not at all. */
  readonly open: number;
  readonly openStored: number;
  /** Sent again by their devices. */
  readonly repeated: number;
}

/** What was done to the journal on purpose. */
export interface Doings {
  /** Our copy of a batch was destroyed. */
  isLost(epoch: string, sequence: number): boolean;
  /** The journal of an epoch went back in time. */
  wasSetBack(epoch: string): boolean;
}

/** Holds what the devices know against what the server stored, reading by reading. */
export function compareReadings(
  devices: readonly { readonly device: FleetDevice; readonly log: readonly LoggedReading[] }[],
  stored: readonly StoredSample[],
  doings: Doings,
): ReadingsOutcome {
  const byPoint = Map.groupBy(stored, (sample) => sample.pointId);
  const lost: LostReading[] = [];
  const duplicates: Duplicate[] = [];
  const wrong: string[] = [];
  const counts = { acknowledged: 0, stored: 0, open: 0, openStored: 0, repeated: 0 };
  for (const { device, log } of devices) {
    counts.repeated += log.filter((reading) => reading.repeats > 0).length;
    for (const pointId of device.points) {
      const copiesOf = Map.groupBy(byPoint.get(pointId) ?? [], (sample) => sample.value);
      // A sample without a value is a state of the point (silent), not a reading.
      copiesOf.delete(null);
      for (const reading of log) {
        const { value, sentMs, acknowledgedMs, repeats } = reading;
        const copies = copiesOf.get(value) ?? [];
        copiesOf.delete(value);
        if (acknowledgedMs === null) {
          counts.open += 1;
          if (copies.length > 0) counts.openStored += 1;
        } else {
          counts.acknowledged += 1;
          if (copies.length > 0) counts.stored += 1;
          else lost.push({ pointId, value, sentMs, acknowledgedMs, repeats });
        }
        for (const copy of copies) {
          const problem = timeProblem(device, reading, copy);
          if (problem !== undefined) wrong.push(`${pointId}: ${value}: ${problem}`);
        }
        if (copies.length > 1) {
          const explanation = explain(device, reading, copies, doings);
          duplicates.push({ pointId, value, copies, explanation });
        }
      }
      for (const value of copiesOf.keys()) wrong.push(`${pointId}: ${value} was never sent`);
    }
  }
  return { ...counts, lost, duplicates, wrong };
}

/** The only reasons for which a reading may be stored twice; see README.md. */
function explain(
  device: FleetDevice,
  reading: LoggedReading,
  copies: readonly StoredSample[],
  doings: Doings,
): string | null {
  const earlier = copies.slice(0, -1);
  if (earlier.every(({ epoch, sequence }) => doings.isLost(epoch, sequence))) return "mark-destroyed-with-its-batch";
  if (isMoved(copies, doings)) return "moved-from-a-journal-that-was-set-back";
  if (device.via === "foreign" && copies.length <= reading.repeats + 1) {
    return "repeated-to-the-foreign-broker";
  }
  if (device.by === "mosquitto_pub" && reading.acknowledgedMs === null) {
    return "mosquitto-pub-ended-badly";
  }
  return null;
}

/** Each copy but the last is in an epoch whose journal went back in time, and the next copy in a later epoch. */
export function isMoved(copies: readonly StoredSample[], doings: Pick<Doings, "wasSetBack">): boolean {
  return copies.every(({ epoch }, index) => {
    const next = copies[index + 1];
    return next === undefined || (doings.wasSetBack(epoch) && next.epoch !== epoch);
  });
}

/** A device's own time must come through, unless the sample says why not. */
function timeProblem(device: FleetDevice, reading: LoggedReading, copy: StoredSample): string | undefined {
  if (device.payload === "plain" || copy.reason !== null) return undefined;
  const time = /"ts":(\d+)/.exec(reading.payload)?.[1];
  return Number(time) === copy.timeMs ? undefined : `time ${copy.timeMs}, sent with ${time}`;
}
