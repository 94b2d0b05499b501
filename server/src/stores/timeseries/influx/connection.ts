import type { Agent } from "node:https";

import { type Clock, describeError, FrostlightError, type Logger } from "@frostlight/kernel";
import type { InfluxDB, IPoint } from "influx";
import { z } from "zod";

import { quoteName } from "./names.ts";
import { fieldTypes, limitFieldTypes, limitsMeasurement, measurement, tagNames } from "./points.ts";

export interface ConnectionSettings {
  readonly urls: readonly string[];
  readonly database: string;
  readonly retentionPolicy: string | undefined;
  readonly credentials: { readonly username: string; readonly password: string } | undefined;
  readonly createDatabase: boolean;
  readonly timeoutMs: number;
  /** PEM certificates to trust instead of the system's. */
  readonly ca: string | undefined;
}

/** What became of a write request. */
export type WriteOutcome =
  | { readonly kind: "stored" }
  /** Some lines were stored and some never can be; the peer does not say which. `dropped` is its count, if it gave one. */
  | { readonly kind: "partial"; readonly reason: string; readonly dropped: number | undefined }
  | { readonly kind: "too-large" };

const cell = z.union([z.string(), z.number(), z.boolean(), z.null()]);
const answerSchema = z.object({
  error: z.string().optional(),
  results: z
    .array(
      z.object({
        error: z.string().optional(),
        series: z
          .array(
            z.object({
              tags: z.record(z.string(), z.string()).optional(),
              columns: z.array(z.string()),
              values: z.array(z.array(cell)).default([]),
              partial: z.boolean().optional(),
            }),
          )
          .default([]),
      }),
    )
    .default([]),
});
/** One row: column name → value, with the group's tags. `time` is Unix milliseconds. */
export type Row = Readonly<Record<string, string | number | boolean | null>>;

/** The v1 API of one InfluxDB, or of several nodes of one cluster, through the `influx` library. */
export class InfluxConnection {
  readonly #settings: ConnectionSettings;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #client: InfluxDB;

  private constructor(settings: ConnectionSettings, clock: Clock, logger: Logger, client: InfluxDB) {
    this.#settings = settings;
    this.#clock = clock;
    this.#logger = logger;
    this.#client = client;
  }

  /** Loads the library; contacts nobody. */
  static async create(settings: ConnectionSettings, clock: Clock, logger: Logger): Promise<InfluxConnection> {
    const { FieldType, InfluxDB } = await import("influx");
    const agent = await secureAgent(settings.ca);
    const client = new InfluxDB({
      database: settings.database,
      // Undefined would make the library sign in as root with password root; it sends nothing only for null.
      username: (settings.credentials?.username ?? null) as string,
      password: settings.credentials?.password ?? "",
      hosts: settings.urls.map((text) => {
        const url = new URL(text);
        const protocol = url.protocol === "https:" ? "https" : "http";
        return {
          host: url.hostname,
          port: Number(url.port || (protocol === "https" ? 443 : 80)),
          protocol,
          path: url.pathname === "/" ? "" : url.pathname,
          options: agent === undefined || protocol === "http" ? {} : { agent },
        } as const;
      }),
      schema: [
        { measurement, tags: [...tagNames], fields: fieldTypes },
        { measurement: limitsMeasurement, tags: ["org", "site", "zone"], fields: limitFieldTypes },
      ].map(({ fields, ...rest }) => ({
        ...rest,
        database: settings.database,
        fields: Object.fromEntries(Object.entries(fields).map(([name, type]) => [name, FieldType[type]])),
      })),
      pool: {
        requestTimeout: settings.timeoutMs,
        maxRetries: settings.urls.length - 1,
        backoff: new FixedPause(settings.urls.length > 1 ? 5_000 : 0),
      },
    });
    return new InfluxConnection(settings, clock, logger, client);
  }

  /** Creates the database when that is wanted. A peer that does not answer now may later. */
  async prepare(): Promise<void> {
    if (!this.#settings.createDatabase) return;
    try {
      await this.#within(this.#client.createDatabase(this.#settings.database));
    } catch (error) {
      this.#logger.warn("influx-create-database-failed", { error: describeError(error) });
    }
  }

  /** Rejects with `timeseries/unavailable` when it is not known that anything was stored. */
  async write(points: readonly IPoint[]): Promise<WriteOutcome> {
    const { retentionPolicy } = this.#settings;
    const send = (): Promise<void> =>
      this.#within(
        this.#client.writePoints([...points], {
          precision: "n",
          ...(retentionPolicy === undefined ? {} : { retentionPolicy }),
        }),
      );
    try {
      await send();
      return { kind: "stored" };
    } catch (error) {
      if (statusOf(error) === 404 && this.#settings.createDatabase) {
        // The database was dropped, or did not exist while the peer was away at the start.
        await this.prepare();
        return await send().then(
          () => ({ kind: "stored" }) as const,
          (again: unknown) => this.#outcomeOf(again),
        );
      }
      return this.#outcomeOf(error);
    }
  }

  /** One list of rows for each statement. */
  async query(statements: readonly string[]): Promise<readonly (readonly Row[])[]> {
    let answer: z.output<typeof answerSchema>;
    try {
      // POST keeps long queries and names out of the peer's access log.
      const raw: unknown = await this.#within(
        this.#client.queryRaw(statements.join(";"), { method: "POST", precision: "ms" }),
      );
      answer = answerSchema.parse(raw);
    } catch (error) {
      throw this.#unavailable(error);
    }
    const problem = answer.error ?? answer.results.find((result) => result.error !== undefined)?.error;
    if (problem !== undefined) throw this.#unavailable(new Error(problem));
    return statements.map((_, index) => {
      const series = answer.results[index]?.series ?? [];
      if (series.some(({ partial }) => partial === true)) {
        throw this.#unavailable(new Error("the answer was cut short by the peer's max-row-limit"));
      }
      return series.flatMap(({ tags, columns, values }) =>
        values.map((row) => ({ ...tags, ...Object.fromEntries(columns.map((name, at) => [name, row[at] ?? null])) })),
      );
    });
  }

  /** `FROM` of every query. */
  source(measurement: string): string {
    const { retentionPolicy } = this.#settings;
    return retentionPolicy === undefined
      ? quoteName(measurement)
      : `${quoteName(retentionPolicy)}.${quoteName(measurement)}`;
  }

  #outcomeOf(error: unknown): WriteOutcome {
    const status = statusOf(error);
    const text = error instanceof Error ? error.message : "";
    if (status === 413) return { kind: "too-large" };
    if (status === 400 && namesBadLines(text)) {
      const dropped = /dropped=(\d+)/.exec(text)?.[1];
      return { kind: "partial", reason: reasonOf(text), dropped: dropped === undefined ? undefined : Number(dropped) };
    }
    throw this.#unavailable(error);
  }

  #unavailable(error: unknown): FrostlightError {
    const { urls, database } = this.#settings;
    return new FrostlightError("timeseries/unavailable", "peer", `InfluxDB ${urls.join(", ")} (${database})`, {
      cause: error,
    });
  }

  /** The library's own timeout is about silence on the socket, and a connection cut mid-answer settles nothing. */
  #within<T>(work: Promise<T>): Promise<T> {
    const { timeoutMs } = this.#settings;
    return new Promise((resolve, reject) => {
      const cancel = this.#clock.after(timeoutMs, () => {
        reject(new Error(`no answer within ${timeoutMs} ms`));
      });
      work.then(resolve, reject).finally(cancel);
    });
  }
}

/** A node that failed rests this long; the only node never does. */
class FixedPause {
  readonly #pauseMs: number;

  constructor(pauseMs: number) {
    this.#pauseMs = pauseMs;
  }

  getDelay(): number {
    return this.#pauseMs;
  }

  next(): this {
    return this;
  }

  reset(): this {
    return this;
  }
}

async function secureAgent(ca: string | undefined): Promise<Agent | undefined> {
  if (ca === undefined) return undefined;
  const { Agent } = await import("node:https");
  return new Agent({ ca, keepAlive: true });
}

/** The HTTP status of the library's RequestError. */
function statusOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !("res" in error)) return undefined;
  const response = error.res;
  return typeof response === "object" && response !== null && "statusCode" in response
    ? Number(response.statusCode)
    : undefined;
}

/**
 * Lines that can never be stored as they are. InfluxDB gives only text. Anything else answered with 400, a limit of the
 * peer's (`max-series-per-database`, `max-values-per-tag`) too, is the peer's state: kept and tried again.
 */
function namesBadLines(text: string): boolean {
  return /unable to parse|field type conflict|beyond retention policy|outside (the )?time range/i.test(text);
}

function reasonOf(text: string): string {
  const body = text.slice(text.indexOf("{"));
  const message = /"error":"((?:[^"\\]|\\.)*)"/.exec(body)?.[1] ?? text;
  return message
    .replaceAll(String.raw`\"`, '"')
    .replace(/ dropped=\d+$/, "")
    .slice(0, 500);
}
