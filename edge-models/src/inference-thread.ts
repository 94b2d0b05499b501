import { MessageChannel, type MessagePort, Worker } from "node:worker_threads";

import { describeError, FrostlightError, systemClock } from "@frostlight/kernel";

import type {
  HostReply,
  HostRequest,
  ModelSetup,
  PlainError,
  WorkerAnswers,
  WorkerCall,
  WorkerReply,
  WorkerRequest,
} from "./worker-protocol.ts";

const loadTimeoutMs = 60_000;
/** A thread that answers nothing for so long while calls wait is given up. */
const silenceTimeoutMs = 60_000;
/** Native code cannot be interrupted: closing does not wait longer for it. */
const closeTimeoutMs = 5_000;
const keptSpares = 2;

interface Pending {
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
}

/** One model in a thread of its own. Calls are answered in order. */
export class InferenceThread {
  /** Rejects with the loader's `model/…` errors. */
  readonly ready: Promise<{ readonly flushesDenormals: boolean }>;
  readonly #model: string;
  readonly #port: MessagePort;
  readonly #stop: () => void;
  readonly #onEnd: (reason: FrostlightError) => void;
  readonly #exited: Promise<void>;
  readonly #pending = new Map<number, Pending>();
  /** Of inputs that came back. */
  readonly #spares: ArrayBuffer[] = [];
  #nextId = 0;
  #ended: FrostlightError | undefined;
  #cancelWatch: () => void = () => undefined;

  constructor(setup: ModelSetup) {
    this.#model = setup.manifest.id;
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    const ready = Promise.withResolvers<{ readonly flushesDenormals: boolean }>();
    const exited = Promise.withResolvers<void>();
    this.ready = ready.promise;
    this.ready.catch(() => undefined); // reported by whoever awaits it
    this.#exited = exited.promise;
    this.#stop = startThread({ ...setup, port: port2 }, (reason) => {
      const closed = new FrostlightError("model/closed", "bug", `model ${this.#model} is closed`);
      const failed = new FrostlightError("model/failed", "bug", `model ${this.#model}: ${reason}`);
      this.#end(reason === null ? closed : failed);
      exited.resolve();
    });
    this.#onEnd = ready.reject;
    // Not an injected clock: what is watched is a real thread.
    this.#cancelWatch = systemClock.after(loadTimeoutMs, () => {
      this.#end(new FrostlightError("model/hangs", "config", `model ${this.#model} did not load in a minute`));
    });
    port1.on("message", (message: WorkerReply) => {
      if (message.kind === "ready") {
        this.#cancelWatch();
        ready.resolve({ flushesDenormals: message.flushesDenormals });
      } else if (message.kind === "failed") {
        this.#end(restore(message.error));
      } else {
        this.#settle(message);
      }
    });
  }

  /** A buffer for the next input, if one has come back. */
  spare(): ArrayBuffer | undefined {
    return this.#spares.pop();
  }

  /** @param given buffers that are handed over, not copied */
  call<C extends WorkerCall>(call: C, given: readonly ArrayBuffer[] = []): Promise<WorkerAnswers[C["kind"]]> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    const id = this.#nextId;
    this.#nextId += 1;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      if (this.#pending.size === 1) this.#watch();
      this.#port.postMessage({ id, call } satisfies WorkerRequest, given);
    });
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.#end(new FrostlightError("model/closed", "bug", `model ${this.#model} is closed`));
    const waited = Promise.withResolvers<void>();
    const cancel = systemClock.after(closeTimeoutMs, waited.resolve);
    await Promise.race([this.#exited, waited.promise]);
    cancel();
  }

  #watch(): void {
    this.#cancelWatch();
    this.#cancelWatch = systemClock.after(silenceTimeoutMs, () => {
      const message = `model ${this.#model} gave no answer in ${silenceTimeoutMs / 1_000} s`;
      this.#end(new FrostlightError("model/failed", "config", message));
    });
  }

  #settle(message: Extract<WorkerReply, { id: number }>): void {
    const pending = this.#pending.get(message.id);
    this.#pending.delete(message.id);
    if (this.#pending.size > 0) this.#watch();
    else this.#cancelWatch();
    if (message.kind === "answer" && message.spare !== null && this.#spares.length < keptSpares) {
      this.#spares.push(message.spare);
    }
    if (message.kind === "error") pending?.reject(restore(message.error));
    else pending?.resolve(message.value as never); // the protocol pairs each call with its answer
  }

  #end(reason: FrostlightError): void {
    if (this.#ended !== undefined) return;
    this.#ended = reason;
    this.#cancelWatch();
    this.#onEnd(reason);
    for (const { reject } of this.#pending.values()) reject(reason);
    this.#pending.clear();
    this.#stop();
    this.#port.close(); // what it may still say is for nobody
  }
}

function restore(error: PlainError): FrostlightError {
  return new FrostlightError(error.code, error.fault, error.message);
}

/** One for the process, as what it is there for is: see inference-host.ts. */
let host: { readonly worker: Worker; readonly ends: Map<number, (reason: string | null) => void> } | undefined;
let nextThread = 0;

/** @param onEnd once, when the thread is gone; with a reason when by itself */
function startThread(
  setup: Extract<HostRequest, { kind: "start" }>["setup"],
  onEnd: (reason: string | null) => void,
): () => void {
  const { worker, ends } = (host ??= startHost());
  const id = nextThread;
  nextThread += 1;
  ends.set(id, onEnd);
  worker.postMessage({ kind: "start", id, setup } satisfies HostRequest, [setup.port]);
  return () => {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread, not a window
    worker.postMessage({ kind: "stop", id } satisfies HostRequest);
  };
}

function startHost(): NonNullable<typeof host> {
  const ends = new Map<number, (reason: string | null) => void>();
  const worker = new Worker(new URL("./inference-host.ts", import.meta.url), {
    name: "models",
    resourceLimits: { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 4 },
  });
  const end = (id: number, reason: string | null): void => {
    const onEnd = ends.get(id);
    ends.delete(id);
    onEnd?.(reason);
  };
  let reason = "the thread that starts the models' threads ended";
  worker.on("message", (reply: HostReply) => {
    end(reply.id, reply.reason);
  });
  worker.once("error", (error) => {
    reason = describeError(error);
  });
  worker.once("exit", () => {
    host = undefined;
    for (const id of ends.keys()) end(id, reason);
  });
  worker.unref(); // the models' ports keep a process alive, and nothing else
  return { worker, ends };
}
