import { Worker } from "node:worker_threads";

import { FrostlightError } from "@frostlight/kernel";

import type { Operation, Operations, Response, ThreadData } from "./messages.ts";

interface Waiting {
  resolve(answer: unknown): void;
  reject(error: Error): void;
}

/** One thread with a database connection. Once it has ended, every call rejects with `timeseries/unavailable`. */
export class WorkerClient {
  readonly #worker: Worker;
  readonly #path: string;
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 1;
  #ended: string | undefined;

  private constructor(data: ThreadData) {
    this.#path = data.path;
    this.#worker = new Worker(new URL("./thread.ts", import.meta.url), {
      workerData: data,
      name: `sqlite-${data.role}`,
    });
    this.#worker.on("message", (response: Response) => {
      this.#settle(response);
    });
    this.#worker.on("error", (error) => {
      this.#end(error instanceof Error ? error.message : String(error));
    });
    this.#worker.on("exit", (code) => {
      this.#end(`its thread ended with code ${code}`);
    });
  }

  /** Resolves once the database is open and migrated. */
  static async open(data: ThreadData): Promise<WorkerClient> {
    const client = new WorkerClient(data);
    try {
      await new Promise((resolve, reject) => {
        client.#waiting.set(0, { resolve, reject });
      });
      return client;
    } catch (error) {
      await client.#worker.terminate();
      throw error;
    }
  }

  get ended(): boolean {
    return this.#ended !== undefined;
  }

  ask<O extends Operation>(
    operation: O,
    ask: Operations[O]["ask"],
    transfer: readonly ArrayBuffer[] = [],
  ): Promise<Operations[O]["answer"]> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined) {
        reject(unavailable(this.#path, this.#ended));
        return;
      }
      const id = this.#nextId;
      this.#nextId += 1;
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ id, operation, ask }, transfer);
    });
  }

  /** Finishes what was asked before, closes the database and ends the thread. */
  async close(): Promise<void> {
    if (this.#ended !== undefined) return;
    try {
      await this.ask("close", {});
    } finally {
      this.#ended = "it is closed";
      await this.#worker.terminate();
    }
  }

  #settle(response: Response): void {
    const waiting = this.#waiting.get(response.id);
    this.#waiting.delete(response.id);
    if (response.kind === "done") waiting?.resolve(response.answer);
    else waiting?.reject(failure(this.#path, response));
  }

  #end(reason: string): void {
    this.#ended ??= reason;
    for (const waiting of this.#waiting.values()) waiting.reject(unavailable(this.#path, this.#ended));
    this.#waiting.clear();
  }
}

function failure(path: string, response: Response & { readonly kind: "failed" }): FrostlightError {
  if (response.code?.startsWith("timeseries/") === true) {
    return new FrostlightError(response.code, "config", response.message);
  }
  return unavailable(path, response.message);
}

function unavailable(path: string, reason: string): FrostlightError {
  return new FrostlightError("timeseries/unavailable", "resource", `time-series database ${path}: ${reason}`);
}
