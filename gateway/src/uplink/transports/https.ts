import { type Agent, Agent as PlainAgent } from "node:http";
import { Agent as SecureAgent } from "node:https";

import { contractLimits, decodeDelimited, encodeDelimited, gatewayPaths } from "@frostlight/contract";
import { describeError, FrostlightError, type RetrySchedule, retryDelayMs } from "@frostlight/kernel";
import { z } from "zod";

import { serverAddress } from "../enrolment.ts";
import { exchangeHttp, type HttpAnswer } from "../http-exchange.ts";
import { defineTransport, type Link, type TransportContext } from "../transport.ts";

/** A request always takes one batch, whatever its size: with this little it takes no more. */
const leastRequestBytes = 512;
const options = z.strictObject({
  /** The server's address when batches go elsewhere than enrolment. */
  url: z.url({ protocol: /^https?$/ }).optional(),
  /** Bytes of batches in one request; many proxies refuse more than 1 MiB. */
  requestBytes: z.number().int().min(16_384).max(8_388_608).default(524_288),
  /** Requests with batches on their way at the same time. */
  parallelRequests: z.number().int().min(1).max(8).default(2),
  /** What is committed within this time goes in one request. */
  gatherMs: z.number().int().min(0).max(5_000).default(50),
  /** How long the server may hold the question for commands open. */
  pollMs: z.number().int().min(1_000).max(300_000).default(25_000),
  /** A request on which no byte moves for this long has failed, and with it the link. */
  requestTimeoutMs: z.number().int().min(1_000).max(300_000).default(15_000),
});
type Options = z.output<typeof options>;

/** A command may be that long, and several come together. */
const commandAnswerBytes = 4 * contractLimits.commandBytes;
const tooManyRequests: RetrySchedule = { firstMs: 1_000, factor: 2, maxMs: 60_000, jitter: 0.3 };

/**
 * The same sealed batches over HTTP(S), where MQTT is blocked: requests with several batches each, answered with their
 * outcomes, and a question for commands that the server holds open. Any request that fails ends the link: what was on its
 * way is offered again over the next one.
 */
export const httpsTransport = defineTransport({
  kind: "https",
  options,
  example: { url: "https://frostlight.example", requestBytes: 262_144, pollMs: 20_000 },
  open: (settings, context) => ({
    async connect(signal) {
      const link = new HttpsLink(settings, context);
      try {
        await link.greet(signal);
      } catch (error) {
        await link.close();
        signal.throwIfAborted();
        throw error;
      }
      return link;
    },
  }),
});

class HttpsLink implements Link {
  readonly closed: Promise<string>;
  readonly via = "https";
  readonly #options: Options;
  readonly #context: TransportContext;
  readonly #agent: Agent;
  readonly #url: string;
  readonly #stopping = new AbortController();
  readonly #end: (reason: string) => void;
  #waiting: Uint8Array[] = [];
  #requests = 0;
  #requestBytes: number;
  #gathering = false;
  #lastRequestMs = Number.NEGATIVE_INFINITY;
  #refusedInARow = 0;

  constructor(settings: Options, context: TransportContext) {
    this.#options = settings;
    this.#context = context;
    this.#requestBytes = settings.requestBytes;
    this.#url = settings.url ?? context.serverUrl;
    const { ca } = context;
    this.#agent = this.#url.startsWith("https:")
      ? new SecureAgent({ keepAlive: true, ...(ca === undefined ? {} : { ca }) })
      : new PlainAgent({ keepAlive: true });
    const { promise, resolve } = Promise.withResolvers<string>();
    this.closed = promise;
    this.#end = (reason) => {
      resolve(reason);
      this.#waiting = [];
      this.#stopping.abort(new Error(reason));
      this.#agent.destroy();
    };
  }

  /** Asks once without waiting: are we known there? Then goes on asking for commands. */
  async greet(signal: AbortSignal): Promise<void> {
    const { status, body } = await this.#request("GET", `${gatewayPaths.commands}?waitMs=0`, signal);
    if (status === 401 || status === 403) {
      throw new FrostlightError("uplink/not-authorised", "peer", `${this.#url} does not know this gateway`);
    }
    if (status < 200 || status > 299) {
      throw new FrostlightError("uplink/unreachable", "peer", `${this.#url} answered ${status}`);
    }
    void this.#poll(body);
  }

  send(sealed: Uint8Array): void {
    if (this.#stopping.signal.aborted) return;
    this.#waiting.push(sealed);
    this.#pump();
  }

  close(): Promise<void> {
    this.#end("the connection was closed");
    return Promise.resolve();
  }

  /** Starts requests while there is something to carry, a free request, and the gather time is over. */
  #pump(): void {
    const { parallelRequests, gatherMs } = this.#options;
    if (this.#waiting.length === 0 || this.#requests >= parallelRequests || this.#gathering) return;
    const bytes = this.#waiting.reduce((sum, sealed) => sum + sealed.length, 0);
    const dueMs = this.#lastRequestMs + gatherMs;
    const delayMs = dueMs - this.#context.clock.monotonicMs();
    if (bytes < this.#requestBytes && delayMs > 0) {
      this.#gatherFor(delayMs);
      return;
    }
    this.#lastRequestMs = this.#context.clock.monotonicMs();
    this.#requests += 1;
    void this.#carry(this.#take()).then(() => {
      this.#requests -= 1;
      this.#pump();
    });
    // What is left may fill another request.
    this.#pump();
  }

  #gatherFor(delayMs: number): void {
    this.#gathering = true;
    this.#context.clock.after(delayMs, () => {
      this.#gathering = false;
      this.#pump();
    });
  }

  /** The next batches that fit a request; at least one. */
  #take(): readonly Uint8Array[] {
    let bytes = 0;
    let count = 0;
    for (const sealed of this.#waiting) {
      if (count > 0 && bytes + sealed.length > this.#requestBytes) break;
      bytes += sealed.length;
      count += 1;
    }
    return this.#waiting.splice(0, count);
  }

  /** Never rejects. */
  async #carry(batches: readonly Uint8Array[]): Promise<void> {
    const { signal } = this.#stopping;
    try {
      const body = encodeDelimited(batches);
      const answer = await this.#request("POST", gatewayPaths.batches, signal, body);
      if (answer.status === 413 && (batches.length > 1 || this.#requestBytes > leastRequestBytes)) {
        this.#shrink(batches);
        return;
      }
      if (answer.status === 429) {
        await this.#waitOut(answer, signal);
        this.#waiting.unshift(...batches);
        return;
      }
      this.#refusedInARow = 0;
      if (answer.status < 200 || answer.status > 299) this.#end(`the server answered ${answer.status} to batches`);
      else this.#context.onAck(answer.body);
    } catch (error) {
      this.#end(describeError(error));
    }
  }

  /** A proxy on the way takes less than we send: smaller requests from now on. */
  #shrink(batches: readonly Uint8Array[]): void {
    if (batches.length === 1) {
      this.#end(`a batch of ${batches[0]?.length ?? 0} bytes is too large for something on the way (status 413)`);
      return;
    }
    this.#requestBytes = Math.max(leastRequestBytes, Math.floor(this.#requestBytes / 2));
    this.#context.logger.warn("https-requests-made-smaller", { requestBytes: this.#requestBytes });
    this.#waiting.unshift(...batches);
  }

  async #waitOut(answer: HttpAnswer, signal: AbortSignal): Promise<void> {
    const { clock, random, logger } = this.#context;
    const ownMs = retryDelayMs(tooManyRequests, this.#refusedInARow, random);
    if (this.#refusedInARow === 0) logger.warn("https-requests-throttled", { retryAfterMs: answer.retryAfterMs });
    this.#refusedInARow += 1;
    await clock.sleep(Math.max(ownMs, answer.retryAfterMs ?? 0), signal);
  }

  /** Never rejects. Commands in the first answer are carried out before the next question. */
  async #poll(first: Uint8Array): Promise<void> {
    const { signal } = this.#stopping;
    const { pollMs } = this.#options;
    let body = first;
    try {
      for (;;) {
        const startedMs = this.#context.clock.monotonicMs();
        await this.#carryOut(body);
        const answer = await this.#request("GET", `${gatewayPaths.commands}?waitMs=${pollMs}`, signal);
        if (answer.status === 429) await this.#waitOut(answer, signal);
        else if (answer.status < 200 || answer.status > 299) {
          this.#end(`the server answered ${answer.status} to the question for commands`);
          return;
        }
        body = answer.status === 429 ? new Uint8Array() : answer.body;
        // A proxy that answers at once must not make us ask without pause.
        const tookMs = this.#context.clock.monotonicMs() - startedMs;
        if (body.length === 0 && tookMs < 1_000) await this.#context.clock.sleep(1_000 - tookMs, signal);
      }
    } catch (error) {
      this.#end(describeError(error));
    }
  }

  async #carryOut(body: Uint8Array): Promise<void> {
    const commands = decodeDelimited(body);
    if (commands.kind === "invalid") throw new Error(commands.reason);
    for (const command of commands.value) {
      try {
        await this.#context.onCommand(command);
      } catch (error) {
        // The server repeats a command until it sees its effect.
        this.#context.logger.warn("message-not-taken", { error: describeError(error) });
      }
    }
  }

  #request(
    method: "GET" | "POST",
    path: string,
    signal: AbortSignal,
    body: Uint8Array = new Uint8Array(),
  ): Promise<HttpAnswer> {
    const { username, password, ca } = this.#context;
    const { requestTimeoutMs, pollMs } = this.#options;
    const isHeldOpen = method === "GET" && !path.endsWith("=0");
    return exchangeHttp({
      method,
      url: serverAddress(this.#url, path),
      headers: {
        authorization: `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`,
        accept: "application/x-protobuf",
        ...(method === "POST" ? { "content-type": "application/x-protobuf" } : {}),
      },
      body,
      ca,
      agent: this.#agent,
      answerBytes: method === "GET" ? commandAnswerBytes : 1_048_576,
      idleTimeoutMs: requestTimeoutMs + (isHeldOpen ? pollMs : 0),
      signal: AbortSignal.any([signal, this.#stopping.signal]),
    });
  }
}
