import { gatewayPaths } from "@frostlight/contract";
import {
  type Clock,
  describeError,
  type Logger,
  type Random,
  type RetrySchedule,
  retryDelayMs,
} from "@frostlight/kernel";

import type { EvidenceSpool } from "../core/journal.ts";
import { type Enrolment, serverAddress } from "./enrolment.ts";
import type { HttpExchange } from "./http-exchange.ts";

const retry: RetrySchedule = { firstMs: 1_000, factor: 2, maxMs: 60_000, jitter: 0.3 };
/** Without news, the folder is looked at again after this. */
const idleMs = 60_000;
/** New files that go before the waiting ones; more are found among those. */
const maxFresh = 100;

type Outcome =
  | { readonly kind: "done" }
  | { readonly kind: "refused"; readonly reason: string }
  | { readonly kind: "later"; readonly reason: string };

/**
 * Uploads evidence files one at a time: new ones first, the rest oldest first. The address of a file is its hash, so a
 * repeated upload does no harm, and the server finds out by itself when bytes are missing.
 */
export class EvidenceUploader {
  readonly #evidence: EvidenceSpool;
  readonly #enrolment: Enrolment;
  readonly #serverUrl: string;
  readonly #exchange: HttpExchange;
  readonly #ca: () => Promise<string | undefined>;
  readonly #idleTimeoutMs: number;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #logger: Logger;
  #fresh: string[] = [];
  #wake: (() => void) | undefined;
  #failures = 0;
  lastError: string | null = null;

  constructor(parts: {
    readonly evidence: EvidenceSpool;
    readonly enrolment: Enrolment;
    readonly serverUrl: string;
    readonly exchange: HttpExchange;
    readonly ca: () => Promise<string | undefined>;
    readonly idleTimeoutMs: number;
    readonly clock: Clock;
    readonly random: Random;
    readonly logger: Logger;
  }) {
    this.#evidence = parts.evidence;
    this.#enrolment = parts.enrolment;
    this.#serverUrl = parts.serverUrl;
    this.#exchange = parts.exchange;
    this.#ca = parts.ca;
    this.#idleTimeoutMs = parts.idleTimeoutMs;
    this.#clock = parts.clock;
    this.#random = parts.random;
    this.#logger = parts.logger;
  }

  /** Works until the signal aborts. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const unsubscribe = this.#evidence.onPut((sha256) => {
      this.#fresh.push(sha256);
      if (this.#fresh.length > maxFresh) this.#fresh.shift();
      this.#wake?.();
    });
    try {
      while (!signal.aborted) await this.#step(signal);
    } finally {
      unsubscribe();
    }
  }

  async #step(signal: AbortSignal): Promise<void> {
    try {
      const pending = await this.#evidence.pending();
      const sha256 = this.#takeFresh(pending) ?? pending[this.#failures % Math.max(1, pending.length)];
      if (sha256 === undefined) {
        await this.#idle(signal);
        return;
      }
      const outcome = await this.#upload(sha256, signal);
      if (outcome.kind === "done") await this.#evidence.markUploaded(sha256);
      if (outcome.kind === "refused") {
        await this.#evidence.setAside(sha256, outcome.reason);
        this.lastError = `evidence ${sha256.slice(0, 12)} was refused: ${outcome.reason}`;
      }
      if (outcome.kind === "later") {
        await this.#backOff(outcome.reason, signal);
      } else {
        this.#failures = 0;
      }
    } catch (error) {
      if (!signal.aborted) await this.#backOff(describeError(error), signal);
    }
  }

  #takeFresh(pending: readonly string[]): string | undefined {
    for (let sha256 = this.#fresh.shift(); sha256 !== undefined; sha256 = this.#fresh.shift()) {
      if (pending.includes(sha256)) return sha256;
    }
    return undefined;
  }

  async #upload(sha256: string, signal: AbortSignal): Promise<Outcome> {
    const file = await this.#evidence.read(sha256);
    // Damaged or gone: the spool has told and it is not pending any more.
    if (file === undefined) return { kind: "done" };
    const { gatewayId, mqttPassword } = this.#enrolment;
    const { status } = await this.#exchange({
      method: "PUT",
      url: serverAddress(this.#serverUrl, gatewayPaths.evidence(sha256)),
      headers: {
        "content-type": file.mediaType,
        authorization: `Basic ${Buffer.from(`${gatewayId}:${mqttPassword}`).toString("base64")}`,
      },
      body: file.data,
      ca: await this.#ca(),
      idleTimeoutMs: this.#idleTimeoutMs,
      signal,
    });
    if (status >= 200 && status <= 299) return { kind: "done" };
    const mayPass = status < 400 || status > 499 || status === 401 || status === 408 || status === 429;
    return { kind: mayPass ? "later" : "refused", reason: `status ${status}` };
  }

  async #backOff(reason: string, signal: AbortSignal): Promise<void> {
    if (this.#failures === 0) this.#logger.warn("evidence-waits", { reason });
    this.lastError = `evidence waits: ${reason}`;
    const delayMs = retryDelayMs(retry, this.#failures, this.#random);
    // Counting on also moves to the next waiting file, so that one the server chokes on does not hold up the others.
    this.#failures += 1;
    await this.#clock.sleep(delayMs, signal).catch(() => undefined);
  }

  async #idle(signal: AbortSignal): Promise<void> {
    const news = new AbortController();
    const stop = (): void => {
      news.abort(new Error("woken"));
    };
    this.#wake = stop;
    signal.addEventListener("abort", stop, { once: true });
    await this.#clock.sleep(idleMs, news.signal).catch(() => undefined);
    signal.removeEventListener("abort", stop);
    this.#wake = undefined;
  }
}
