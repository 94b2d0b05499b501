import { pino } from "pino";

/** Structured fields of a log line. Never secrets; payloads only at `debug`. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Event name + fields. `info` tells an operator what changed state. */
export interface Logger {
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
  /** A logger that adds `fields` to each of its lines. */
  child(fields: LogFields): Logger;
}

export const logLevels = ["debug", "info", "warn", "error", "silent"] as const;
export type LogLevel = (typeof logLevels)[number];

/** Writes JSON lines to standard error (standard output belongs to commands that print results). */
export function createLogger(options: { readonly process: string; readonly level: LogLevel }): Logger {
  const base = pino(
    { level: options.level, base: { process: options.process } },
    pino.destination({ dest: 2, sync: true }),
  );
  return wrap(base);
}

type PinoLike = Pick<ReturnType<typeof pino>, "debug" | "info" | "warn" | "error"> & {
  child(fields: LogFields): PinoLike;
};

function wrap(target: PinoLike): Logger {
  return {
    debug: (event, fields = {}) => {
      target.debug(fields, event);
    },
    info: (event, fields = {}) => {
      target.info(fields, event);
    },
    warn: (event, fields = {}) => {
      target.warn(fields, event);
    },
    error: (event, fields = {}) => {
      target.error(fields, event);
    },
    child: (fields) => wrap(target.child(fields)),
  };
}

/** Says nothing. */
export const silentLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silentLogger,
};
