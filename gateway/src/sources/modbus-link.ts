import { createConnection } from "node:net";
import type { Duplex } from "node:stream";

import type { Clock } from "@frostlight/kernel";

import { connectError, exceptionFailure, failure, type RequestFailure } from "./modbus-errors.ts";
import { encodeRequest, type Framing, readAnswer, type ReadRequest } from "./modbus-frames.ts";
import type { ModbusConnection } from "./modbus-options.ts";

export type RequestOutcome = { readonly kind: "values"; readonly values: readonly number[] } | RequestFailure;

interface Open {
  readonly request: ReadRequest;
  readonly transactionId: number;
  readonly settle: (outcome: RequestOutcome) => void;
  /** What came instead of the answer, for the message of a time-out. */
  foreign: string;
}

/**
 * One line to one or more units, one request at a time (a serial bus has no other way, and many TCP devices neither). An
 * answer counts only when transaction, unit, function and length are those of the open request; what arrives while none is
 * open is thrown away. Nothing can be written: only the four reading functions exist.
 */
export class ModbusLink {
  readonly #stream: Duplex;
  readonly #framing: Framing;
  readonly #quietMs: number;
  readonly #clock: Clock;
  readonly #closed = Promise.withResolvers<string>();
  #received: Buffer = Buffer.alloc(0);
  #open: Open | undefined;
  #transactionId = 0;
  #isClosed = false;

  /** @param quietMs pause before each request, so that a serial line is silent and what is late is thrown away */
  constructor(stream: Duplex, framing: Framing, quietMs: number, clock: Clock) {
    this.#stream = stream;
    this.#framing = framing;
    this.#quietMs = quietMs;
    this.#clock = clock;
    stream.on("data", (chunk: Buffer) => {
      this.#onData(chunk);
    });
    stream.on("error", (error: Error) => {
      this.#onClose(error.message);
    });
    stream.on("close", () => {
      this.#onClose("closed");
    });
  }

  /** Resolves with the reason once the line is of no use any more. */
  get closed(): Promise<string> {
    return this.#closed.promise;
  }

  close(reason = "closed by us"): void {
    this.#onClose(reason);
  }

  async request(request: ReadRequest, timeoutMs: number): Promise<RequestOutcome> {
    if (this.#quietMs > 0) await this.#clock.sleep(this.#quietMs, new AbortController().signal);
    if (this.#isClosed) return failure("disconnected");
    this.#received = Buffer.alloc(0);
    this.#transactionId = (this.#transactionId + 1) & 0xffff;
    const { promise, resolve } = Promise.withResolvers<RequestOutcome>();
    const open: Open = { request, transactionId: this.#transactionId, settle: resolve, foreign: "" };
    this.#open = open;
    const cancel = this.#clock.after(timeoutMs, () => {
      resolve(this.#timedOut(open, timeoutMs));
    });
    this.#stream.write(encodeRequest(this.#framing, request, this.#transactionId));
    const outcome = await promise;
    cancel();
    this.#open = undefined;
    return outcome;
  }

  #timedOut(open: Open, timeoutMs: number): RequestOutcome {
    if (open.foreign !== "") return failure("wrong-answer", open.foreign);
    if (this.#received.length === 0) return failure("timeout", `${timeoutMs} ms`);
    return failure("garbled", `only ${this.#received.length} bytes: ${this.#received.subarray(0, 16).toString("hex")}`);
  }

  #onData(chunk: Buffer): void {
    const open = this.#open;
    if (open === undefined) return;
    this.#received = Buffer.concat([this.#received, chunk]);
    for (;;) {
      const answer = readAnswer(this.#framing, this.#received, open.request, open.transactionId);
      switch (answer.kind) {
        case "incomplete":
          return;
        case "values":
          open.settle({ kind: "values", values: answer.values });
          return;
        case "exception":
          open.settle(exceptionFailure(answer.code));
          return;
        case "foreign":
          open.foreign = answer.found;
          this.#received = this.#received.subarray(answer.consumed);
          break;
        case "garbage":
          open.settle(failure("garbled", answer.found));
          // Over TCP the stream has lost its frames for good; a serial line is in step again after a pause.
          if (this.#framing === "tcp") this.#onClose(`not Modbus TCP: ${answer.found}`);
          return;
      }
    }
  }

  #onClose(reason: string): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#stream.destroy();
    this.#open?.settle(failure("disconnected", reason));
    this.#closed.resolve(reason);
  }
}

/** Opens the line; rejects with `modbus/connect-failed`, also when `signal` aborts. */
export async function openLink(connection: ModbusConnection, clock: Clock, signal: AbortSignal): Promise<ModbusLink> {
  const stream =
    connection.kind === "serial" ? await openSerial(connection) : await openSocket(connection, clock, signal);
  return connection.kind === "tcp"
    ? new ModbusLink(stream, "tcp", 0, clock)
    : new ModbusLink(stream, "rtu", connection.quietMs, clock);
}

/** A short name of the line for messages. */
export function describeConnection(connection: ModbusConnection): string {
  return connection.kind === "serial" ? connection.path : `${connection.host}:${connection.port}`;
}

async function openSocket(
  connection: Exclude<ModbusConnection, { readonly kind: "serial" }>,
  clock: Clock,
  signal: AbortSignal,
): Promise<Duplex> {
  const { host, port, connectTimeoutMs } = connection;
  const socket = createConnection({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: 10_000 });
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  const cancel = clock.after(connectTimeoutMs, () => {
    reject(new Error(`no connection after ${connectTimeoutMs} ms`));
  });
  const onAbort = (): void => {
    reject(new Error("stopping"));
  };
  signal.addEventListener("abort", onAbort, { once: true });
  socket.once("connect", () => {
    resolve(undefined);
  });
  socket.once("error", reject);
  try {
    if (signal.aborted) onAbort();
    await promise;
    return socket;
  } catch (error) {
    socket.on("error", () => undefined); // it is given up already
    socket.destroy();
    throw connectError(describeConnection(connection), error);
  } finally {
    cancel();
    signal.removeEventListener("abort", onAbort);
  }
}

async function openSerial(connection: Extract<ModbusConnection, { readonly kind: "serial" }>): Promise<Duplex> {
  const { path, baudRate, dataBits, stopBits, parity } = connection;
  try {
    const { SerialPort } = await import("serialport");
    const port = new SerialPort({ path, baudRate, dataBits, stopBits, parity, autoOpen: false });
    await new Promise<void>((resolve, reject) => {
      port.open((error) => {
        if (error === null) resolve();
        else reject(error);
      });
    });
    return port;
  } catch (error) {
    throw connectError(path, error);
  }
}
