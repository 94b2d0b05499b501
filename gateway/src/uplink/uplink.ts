import { readFile } from "node:fs/promises";

import { type Command, decodeAck, decodeCommand } from "@frostlight/contract";
import {
  type Clock,
  describeError,
  errorCode,
  FrostlightError,
  isFrostlightError,
  type Logger,
  type Part,
  peerRetry,
  type Random,
  type RetrySchedule,
  retryDelayMs,
} from "@frostlight/kernel";

import type { Identity } from "../core/identity.ts";
import type { EvidenceSpool, JournalReader, JournalRelease } from "../core/journal.ts";
import type { UplinkStatus } from "../core/status.ts";
import { BatchSender } from "./batch-sender.ts";
import { enrol, type Enrolment, readEnrolment } from "./enrolment.ts";
import { EvidenceUploader } from "./evidence-uploader.ts";
import { exchangeHttp } from "./http-exchange.ts";
import type { UplinkOptions } from "./options.ts";
import type { Link, TransportContext } from "./transport.ts";

/** A refused token or missing credentials need a person: no hurry. */
const personRetry: RetrySchedule = { firstMs: 5_000, factor: 2, maxMs: 60_000, jitter: 0.2 };
/** A connection that lasted this long was a good one: the next failure begins with short waits again. */
const goodLinkMs = 30_000;

export interface UplinkParts {
  readonly options: UplinkOptions;
  /** The server's HTTP address. */
  readonly serverUrl: string;
  /** Where the enrolment is kept. */
  readonly folder: string;
  readonly identity: Identity;
  readonly journal: JournalReader & JournalRelease;
  readonly evidence: EvidenceSpool & { pendingCount(): number };
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** A command may come more than once; it counts as delivered once this resolves. */
  readonly onCommand: (command: Command) => Promise<void>;
  /** The one-time token, read when it is needed; undefined when none is configured. */
  readonly readToken: () => Promise<string | undefined>;
  readonly softwareVersion: string;
}

/**
 * The way to the server: joins it when the gateway has not, keeps a link up, sends batches and evidence, takes acks and
 * commands. Nothing here can fail the gateway: what goes wrong is shown in the status, logged on change, and tried again.
 */
export function createUplink(parts: UplinkParts): Part & { status(): UplinkStatus } {
  return new Uplink(parts);
}

class Uplink implements Part {
  readonly name = "uplink";
  readonly #parts: UplinkParts;
  readonly #sender: BatchSender;
  #stopping: AbortController | undefined;
  #running: Promise<void> = Promise.resolve();
  #uploader: EvidenceUploader | undefined;
  #state: UplinkStatus["state"] = "connecting";
  #links = 0;
  #lastError: string | null = null;
  #loggedError: string | undefined;

  constructor(parts: UplinkParts) {
    this.#parts = parts;
    this.#sender = new BatchSender(parts);
  }

  start(): Promise<void> {
    this.#stopping ??= new AbortController();
    const { signal } = this.#stopping;
    this.#running = this.#run(signal).catch((error: unknown) => {
      if (!signal.aborted) this.#parts.logger.error("uplink-ended", { error: describeError(error) });
    });
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.#stopping?.abort(new Error("the uplink stops"));
    await this.#running;
    this.#state = "offline";
  }

  status(): UplinkStatus {
    return {
      state: this.#state,
      server: this.#parts.serverUrl,
      ...this.#sender.status(),
      reconnects: Math.max(0, this.#links - 1),
      pendingEvidence: this.#parts.evidence.pendingCount(),
      lastError: this.#lastError ?? this.#uploader?.lastError ?? null,
    };
  }

  async #run(signal: AbortSignal): Promise<void> {
    const enrolment = await this.#join(signal);
    const uploading = this.#uploadEvidence(enrolment, signal);
    await this.#keepLink(enrolment, signal);
    await uploading;
  }

  async #join(signal: AbortSignal): Promise<Enrolment> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        const known = await this.#known();
        if (known !== undefined) return known;
        this.#state = "not-enrolled";
        const enrolment = await this.#enrol(signal);
        this.#parts.logger.info("enrolled", { gatewayId: enrolment.gatewayId, siteId: enrolment.siteId });
        this.#succeeded();
        return enrolment;
      } catch (error) {
        signal.throwIfAborted();
        this.#failed("not-enrolled", error);
        const schedule = isFrostlightError(error) && error.fault === "peer" ? peerRetry : personRetry;
        await this.#parts.clock.sleep(retryDelayMs(schedule, attempt, this.#parts.random), signal);
      }
    }
  }

  /** A damaged enrolment is told and replaced by joining again: a copy of the file is kept. */
  async #known(): Promise<Enrolment | undefined> {
    try {
      return await readEnrolment(this.#parts.folder);
    } catch (error) {
      if (!isFrostlightError(error, "state/corrupt")) throw error;
      this.#failed("not-enrolled", error);
      return undefined;
    }
  }

  async #enrol(signal: AbortSignal): Promise<Enrolment> {
    const { readToken, serverUrl, identity, folder, softwareVersion } = this.#parts;
    const token = await readToken();
    if (token === undefined || token === "") {
      throw new FrostlightError("enrol/no-token", "config", "this gateway has not joined and no token is configured");
    }
    return enrol({ serverUrl, token, identity, folder, softwareVersion, signal, ca: await this.#ca() });
  }

  async #keepLink(enrolment: Enrolment, signal: AbortSignal): Promise<void> {
    const { clock, random, logger } = this.#parts;
    let attempt = 0;
    while (!signal.aborted) {
      this.#state = attempt === 0 ? "connecting" : "offline";
      try {
        const link = await this.#connect(enrolment, signal);
        const sinceMs = clock.monotonicMs();
        const reason = await this.#useLink(link, signal);
        if (signal.aborted) return;
        if (clock.monotonicMs() - sinceMs > goodLinkMs) attempt = 0;
        logger.warn("link-lost", { reason });
        this.#state = "offline";
        this.#lastError = `link lost: ${reason}`;
      } catch (error) {
        if (signal.aborted) return;
        this.#failed("offline", error);
      }
      await clock.sleep(retryDelayMs(peerRetry, attempt, random), signal).catch(() => undefined);
      attempt += 1;
    }
  }

  async #connect(enrolment: Enrolment, signal: AbortSignal): Promise<Link> {
    const { options, clock, logger } = this.#parts;
    const context: TransportContext = {
      gatewayId: enrolment.gatewayId,
      serverUrl: this.#parts.serverUrl,
      mqttUrl: enrolment.mqttUrl,
      username: enrolment.mqttUsername,
      password: enrolment.mqttPassword,
      ca: await this.#ca(),
      clock,
      logger,
      onAck: (bytes) => {
        this.#onAck(bytes);
      },
      onCommand: (bytes) => this.#onCommand(bytes),
    };
    return options.transport.definition.connect(options.transport.options, context, signal);
  }

  /** Resolves with the reason when the link is gone, closed by us or not. */
  async #useLink(link: Link, signal: AbortSignal): Promise<string> {
    const close = (): void => {
      void link.close();
    };
    signal.addEventListener("abort", close, { once: true });
    if (signal.aborted) close();
    this.#links += 1;
    this.#state = "connected";
    this.#succeeded();
    this.#parts.logger.info("link-up", { server: this.#parts.serverUrl, links: this.#links });
    this.#sender.linkUp((sealed) => {
      link.send(sealed);
    });
    const reason = await link.closed;
    this.#sender.linkDown();
    signal.removeEventListener("abort", close);
    await link.close();
    return reason;
  }

  #onAck(bytes: Uint8Array): void {
    const ack = decodeAck(bytes);
    if (ack.kind === "ok") this.#sender.onAck(ack.value);
    else this.#parts.logger.warn("ack-unreadable", { reason: ack.reason });
  }

  async #onCommand(bytes: Uint8Array): Promise<void> {
    const command = decodeCommand(bytes);
    // An unreadable command stays unreadable: taking it off the broker is all that can be done with it.
    if (command.kind === "ok") await this.#parts.onCommand(command.value);
    else this.#parts.logger.warn("command-unreadable", { reason: command.reason });
  }

  async #uploadEvidence(enrolment: Enrolment, signal: AbortSignal): Promise<void> {
    const { clock, random, logger, evidence, serverUrl, options } = this.#parts;
    this.#uploader = new EvidenceUploader({
      evidence,
      enrolment,
      serverUrl,
      exchange: exchangeHttp,
      ca: () => this.#ca(),
      idleTimeoutMs: options.evidenceIdleTimeoutMs,
      clock,
      random,
      logger,
    });
    await this.#uploader.run(signal);
  }

  async #ca(): Promise<string | undefined> {
    const { caFile } = this.#parts.options;
    if (caFile === undefined) return undefined;
    try {
      return await readFile(caFile, "utf8");
    } catch (cause) {
      throw new FrostlightError("uplink/ca-unreadable", "config", `cannot read the certificates in ${caFile}`, {
        cause,
      });
    }
  }

  #succeeded(): void {
    this.#lastError = null;
    this.#loggedError = undefined;
  }

  /** Shown always, logged on change. */
  #failed(state: UplinkStatus["state"], error: unknown): void {
    this.#state = state;
    this.#lastError = describeError(error);
    const key = errorCode(error) ?? this.#lastError;
    if (key !== this.#loggedError)
      this.#parts.logger.warn("uplink-waits", { state, code: key, error: this.#lastError });
    this.#loggedError = key;
  }
}
