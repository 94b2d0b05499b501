/** A reading as a device sent it. Values are unique within a point, so a stored value names its reading. */
export interface SentReading {
  readonly value: number;
  /** The device's own time when its dialect carries one. */
  readonly sourceTimeMs: number | null;
  /** When it left the device, and when its acknowledgement came. */
  readonly sentMs: number;
  readonly acknowledgedMs: number;
}

/** A reading as the store has it. */
export interface StoredReading {
  readonly value: number | null;
  readonly timeMs: number;
  readonly receivedMs: number;
}

export interface Comparison {
  /** Confirmed readings. */
  readonly sent: number;
  /** Of these, found in the store. */
  readonly stored: number;
  readonly lost: number;
  /** Copies of a reading beyond its first. */
  readonly duplicates: number;
  /** Stored values nobody sent, or with a time that is not the reading's. */
  readonly wrong: readonly string[];
  /** Readings whose fate the device never learned, and how many of them are in the store. */
  readonly unconfirmed: number;
  readonly unconfirmedStored: number;
}

/**
 * What devices sent, point by point. *Confirmed* readings are promised to be in the store exactly once: acknowledged by
 * PUBACK, or set at the OPC UA server while the gateway's subscription was alive and long enough before it died. The fate
 * of *unconfirmed* ones is open: they may be stored once, or not at all.
 */
export class SentLedger {
  readonly #confirmed = new Map<string, Map<number, SentReading>>();
  readonly #unconfirmed = new Map<string, Set<number>>();

  get points(): readonly string[] {
    return [...new Set([...this.#confirmed.keys(), ...this.#unconfirmed.keys()])];
  }

  get confirmedCount(): number {
    return [...this.#confirmed.values()].reduce((sum, readings) => sum + readings.size, 0);
  }

  confirm(pointId: string, reading: SentReading): void {
    const readings = this.#confirmed.get(pointId) ?? new Map<number, SentReading>();
    if (readings.has(reading.value)) throw new Error(`${pointId}: ${reading.value} was sent before`);
    this.#confirmed.set(pointId, readings.set(reading.value, reading));
    this.#unconfirmed.get(pointId)?.delete(reading.value);
  }

  leaveOpen(pointId: string, value: number): void {
    this.#unconfirmed.set(pointId, (this.#unconfirmed.get(pointId) ?? new Set()).add(value));
  }

  /** Holds the store's readings of all points against what was sent. Readings without a value are states, not readings. */
  compare(stored: ReadonlyMap<string, readonly StoredReading[]>): Comparison {
    const wrong: string[] = [];
    let found = 0;
    let duplicates = 0;
    let unconfirmedStored = 0;
    for (const [pointId, readings] of stored) {
      const seen = new Set<number>();
      for (const reading of readings) {
        if (reading.value === null) continue;
        const sent = this.#confirmed.get(pointId)?.get(reading.value);
        const isOpen = this.#unconfirmed.get(pointId)?.has(reading.value) === true;
        if (seen.has(reading.value)) {
          duplicates += 1;
          continue;
        }
        seen.add(reading.value);
        if (sent === undefined && !isOpen) wrong.push(`${pointId}: ${reading.value} was never sent`);
        if (isOpen) unconfirmedStored += 1;
        if (sent === undefined) continue;
        found += 1;
        const problem = timeProblem(sent, reading);
        if (problem !== undefined) wrong.push(`${pointId}: ${reading.value}: ${problem}`);
      }
    }
    const unconfirmed = [...this.#unconfirmed.values()].reduce((sum, values) => sum + values.size, 0);
    const sent = this.confirmedCount;
    return { sent, stored: found, lost: sent - found, duplicates, wrong, unconfirmed, unconfirmedStored };
  }

  /** Confirmed readings that the store does not have, for the message. */
  missing(stored: ReadonlyMap<string, readonly StoredReading[]>): readonly string[] {
    return [...this.#confirmed].flatMap(([pointId, readings]) => {
      const values = new Set(stored.get(pointId)?.map((reading) => reading.value));
      return [...readings.values()]
        .filter((reading) => !values.has(reading.value))
        .map((reading) => `${pointId}: ${reading.value} sent ${new Date(reading.sentMs).toISOString()}`);
    });
  }
}

/** Wall-clock readings of two processes may be rounded differently. */
const roundingMs = 2;

function timeProblem(sent: SentReading, stored: StoredReading): string | undefined {
  if (sent.sourceTimeMs !== null) {
    return stored.timeMs === sent.sourceTimeMs ? undefined : `time ${stored.timeMs}, sent with ${sent.sourceTimeMs}`;
  }
  const isBetween = stored.timeMs >= sent.sentMs - roundingMs && stored.timeMs <= sent.acknowledgedMs + roundingMs;
  return isBetween ? undefined : `time ${stored.timeMs}, sent ${sent.sentMs}, acknowledged ${sent.acknowledgedMs}`;
}
