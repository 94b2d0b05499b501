import { existsSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

import { z } from "zod";

/** A row of the server's time series, with the batch it came in. */
export interface StoredSample {
  readonly pointId: string;
  /** As measured: the raw value where one was kept apart. */
  readonly value: number | null;
  readonly timeMs: number;
  readonly reason: string | null;
  readonly epoch: string;
  readonly sequence: number;
  readonly item: number;
}

export interface StoredAlarmEvent {
  readonly eventId: string;
  readonly alarmId: string;
  readonly ruleId: string;
  readonly transition: string;
  readonly epoch: string;
  readonly sequence: number;
  readonly position: number;
}

const sampleRow = z.object({
  pointId: z.string(),
  value: z.number().nullable(),
  timeMs: z.number(),
  reason: z.string().nullable(),
  epoch: z.string(),
  sequence: z.number(),
  item: z.number(),
});
const alarmRow = z.object({
  eventId: z.string(),
  alarmId: z.string(),
  body: z.string(),
  epoch: z.string(),
  sequence: z.number(),
  position: z.number(),
});
const alarmBody = z.object({ ruleId: z.string(), transition: z.string() });
const dropRow = z.object({ what: z.string(), count: z.number(), reason: z.string() });

/** The server's stores, read as files: what is in them is what the server has. */
export class ServerStores {
  readonly #folder: string;

  /** @param folder the server's data folder */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Every sample of every point, in the order of the journal. */
  samples(): readonly StoredSample[] {
    const query = `select p.point as pointId, coalesce(s.value, s.raw) as value, s.time as timeMs, r.code as reason,
      o.epoch as epoch, s.sequence as sequence, s.item as item
      from samples s join points p on p.id = s.point join origins o on o.id = s.origin
      left join reasons r on r.id = s.reason order by s.origin, s.sequence, s.item`;
    return this.#rows("timeseries.sqlite", query, sampleRow);
  }

  /** Alarm events of gateways in the order of their journals. */
  alarmEvents(): readonly StoredAlarmEvent[] {
    const query = `select event_id as eventId, alarm_id as alarmId, body, epoch, sequence, position
      from alarm_events order by (select min(chain_id) from chains c where c.epoch = alarm_events.epoch), sequence, position`;
    const rows = this.#rows("state.db", query, alarmRow);
    return rows.map(({ body, ...row }) => ({ ...row, ...alarmBody.parse(JSON.parse(body)) }));
  }

  drops(): readonly z.output<typeof dropRow>[] {
    return this.#rows("state.db", "select what, count, reason from drops", dropRow);
  }

  /** Sequences of an epoch that the server has. */
  delivered(epoch: string): ReadonlySet<number> {
    const query = `select b.sequence as sequence from batches b join chains c on c.chain_id = b.chain_id
      where c.epoch = '${/^[0-9a-f]{16}$/.exec(epoch)?.[0] ?? ""}'`;
    const rows = this.#rows("state.db", query, z.object({ sequence: z.number() }));
    return new Set(rows.map(({ sequence }) => sequence));
  }

  #rows<T>(file: string, query: string, shape: z.ZodType<T>): readonly T[] {
    const path = join(this.#folder, file);
    if (!existsSync(path)) return [];
    const database = new DatabaseSync(path, { readOnly: true });
    try {
      return z.array(shape).parse(database.prepare(query).all());
    } finally {
      database.close();
    }
  }
}
