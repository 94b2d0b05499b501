// Entry of the store's two threads: one writes, one reads. It loads none of the server's packages, so that a thread starts
// in milliseconds and costs little memory.
import { parentPort, workerData } from "node:worker_threads";

import type { Operations, Request, Response, ThreadData } from "./messages.ts";
import { SampleReader } from "./reader.ts";
import { SampleWriter } from "./writer.ts";

type Handlers = { readonly [O in Request["operation"]]?: (ask: Operations[O]["ask"]) => Operations[O]["answer"] };

const port = parentPort;
if (port === null) throw new Error("thread.ts runs as a worker thread only");

// workerData is what sqlite/worker-client.ts passes.
const data = workerData as ThreadData;
const handlers = attempt(0, () => (data.role === "writer" ? writerHandlers(data) : readerHandlers(data)));

port.on("message", (request: Request) => {
  attempt(request.id, () => {
    if (handlers === undefined) throw new Error("the database is not open");
    return handle(handlers, request);
  });
  if (request.operation === "close") port.close();
});

/** Does the work and answers with its result; opening answers with nothing. */
function attempt<T>(id: number, work: () => T): T | undefined {
  try {
    const result = work();
    answer({ id, kind: "done", answer: id === 0 ? null : result });
    return result;
  } catch (error) {
    answer({ id, kind: "failed", ...failureOf(error) });
    return undefined;
  }
}

function failureOf(error: unknown): { readonly code: string | null; readonly message: string } {
  if (!(error instanceof Error)) return { code: null, message: String(error) };
  const code = "code" in error && typeof error.code === "string" ? error.code : null;
  return { code, message: error.message };
}

function answer(response: Response): void {
  port?.postMessage(response);
}

function handle(own: Handlers, request: Request): unknown {
  const handler = own[request.operation];
  if (handler === undefined) throw new Error(`the ${data.role} does not know "${request.operation}"`);
  // The handler was taken from the key that also chose the type of `ask`.
  return (handler as (ask: Request["ask"]) => unknown)(request.ask);
}

function writerHandlers({ path, cacheMb }: ThreadData): Handlers {
  const writer = new SampleWriter(path, cacheMb);
  return {
    write: ({ columns }) => {
      writer.write(columns);
      return null;
    },
    replace: ({ before, after }) => {
      writer.replace(before, after);
      return null;
    },
    close: () => {
      writer.close();
      return null;
    },
  };
}

function readerHandlers({ path, cacheMb }: ThreadData): Handlers {
  const reader = new SampleReader(path, cacheMb);
  return {
    read: ({ key, fromMs, toMs, limit }) => reader.read(key, fromMs, toMs, limit),
    buckets: ({ key, fromMs, toMs, bucketMs }) => reader.buckets(key, fromMs, toMs, bucketMs),
    latest: ({ keys }) => reader.latest(keys),
    count: ({ key }) => reader.count(key),
    close: () => {
      reader.close();
      return null;
    },
  };
}
