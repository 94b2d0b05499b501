import { type Command, decodeAck, decodeCommand, type HealthEvent } from "@frostlight/contract";
import {
  type Clock,
  describeError,
  errorCode,
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
import type { UplinkOptions } from "./options.ts";
import { ServerChoice } from "./server-choice.ts";
import { ServerSession, type UplinkServer } from "./server-session.ts";
import type { Link } from "./transport.ts";

/** A refused token or missing credentials need a person: no hurry. */
const personRetry: RetrySchedule = { firstMs: 5_000, factor: 2, maxMs: 60_000, jitter: 0.2 };
/** A connection that lasted this long was a good one: the next failure begins with short waits again. */
const goodLinkMs = 30_000;
const watchMs = 1_000;

export interface UplinkParts extends UplinkServer {
  readonly options: UplinkOptions;
  /** Servers to fall back to, in order of preference. */
  readonly standby?: readonly UplinkServer[];
  readonly identity: Identity;
  readonly journal: JournalReader & JournalRelease;
  readonly evidence: EvidenceSpool & { pendingCount(): number };
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** A command may come more than once; it counts as delivered once this resolves. */
  readonly onCommand: (command: Command) => Promise<void>;
  /** To be journaled: the gateway speaks to another server than before. */
  readonly onHealth?: (event: HealthEvent) => Promise<void>;
  /** The server holds another batch under this address: the journal is an old copy. */
  readonly onSequenceReused?: (epoch: string, sequence: number) => void;
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
  readonly #sessions: readonly ServerSession[];
  readonly #choice: ServerChoice;
  #stopping: AbortController | undefined;
  #running: Promise<void> = Promise.resolve();
  #state: UplinkStatus["state"] = "connecting";
  #via: string | null = null;
  #links = 0;
  #lastError: string | null = null;
  #loggedError: string | undefined;

  constructor(parts: UplinkParts) {
    this.#parts = parts;
    this.#sender = new BatchSender(parts);
    this.#choice = new ServerChoice(1 + (parts.standby?.length ?? 0), parts.options.servers, parts.clock, parts.random);
    const hooks = {
      onAck: (bytes: Uint8Array) => {
        this.#onAck(bytes);
      },
      onCommand: (bytes: Uint8Array) => this.#onCommand(bytes),
      onJoined: ({ gatewayId, siteId }: { readonly gatewayId: string; readonly siteId: string }) => {
        parts.logger.info("enrolled", { gatewayId, siteId });
        this.#succeeded();
      },
      onDamaged: (error: unknown) => {
        this.#failed("not-enrolled", error);
      },
    };
    const servers: readonly UplinkServer[] = [parts, ...(parts.standby ?? [])];
    this.#sessions = servers.map((server) => new ServerSession(server, parts, hooks));
  }

  start(): Promise<void> {
    this.#stopping ??= new AbortController();
    const { signal } = this.#stopping;
    this.#sender.start();
    this.#running = this.#run(signal).catch((error: unknown) => {
      if (!signal.aborted) this.#parts.logger.error("uplink-ended", { error: describeError(error) });
    });
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.#stopping?.abort(new Error("the uplink stops"));
    await this.#running;
    this.#sender.stop();
    this.#state = "offline";
  }

  status(): UplinkStatus {
    const session = this.#sessions[this.#choice.active];
    const { unackedBatches, refusedBatches, sentBatches, lastAckMs, sentBytes, budgetExhausted } =
      this.#sender.status();
    return {
      state: this.#state,
      server: session?.server.serverUrl ?? this.#parts.serverUrl,
      via: this.#via,
      standby: this.#choice.active > 0,
      unackedBatches,
      refusedBatches,
      sentBatches,
      sentBytes,
      budgetExhausted,
      lastAckMs,
      reconnects: Math.max(0, this.#links - 1),
      pendingEvidence: this.#parts.evidence.pendingCount(),
      lastError: this.#lastError ?? session?.uploadError ?? null,
    };
  }

  /** One server after the other, each until it is given up or the first is back. */
  async #run(signal: AbortSignal): Promise<void> {
    let before: ServerSession | undefined;
    while (!signal.aborted) {
      const session = this.#sessions[this.#choice.active];
      if (session === undefined) return;
      if (before !== undefined) this.#tellChange(before, session);
      before = session;
      const shift = new AbortController();
      const either = AbortSignal.any([signal, shift.signal]);
      const end = (reason: string): void => {
        shift.abort(new Error(reason));
      };
      const watch = this.#parts.clock.every(watchMs, () => {
        this.#watch(end);
      });
      const looking = this.#lookForFirst(either, end).catch(() => undefined);
      await this.#serve(session, either).catch((error: unknown) => {
        if (!either.aborted) throw error;
      });
      watch();
      end("another server's turn");
      await looking;
    }
  }

  async #serve(session: ServerSession, signal: AbortSignal): Promise<void> {
    await this.#join(session, signal);
    const beside = [session.uploadEvidence(signal), session.keepCertificate(signal)];
    await this.#keepLink(session, signal);
    await Promise.all(beside);
  }

  /** Leaves a server that does not do its work. */
  #watch(end: (reason: string) => void): void {
    const { silentSinceMs } = this.#sender.status();
    if (this.#state === "connected" && silentSinceMs === null) this.#choice.works();
    if (!this.#choice.isGivenUp()) return;
    this.#choice.fallBack();
    end("the server does not work");
  }

  /** While another server serves: is the first one back, and does it stay? */
  async #lookForFirst(signal: AbortSignal, end: (reason: string) => void): Promise<void> {
    const { clock, options, logger } = this.#parts;
    const [first] = this.#sessions;
    if (this.#choice.active === 0 || first === undefined) return;
    for (;;) {
      await clock.sleep(this.#choice.returnWaitMs(), signal);
      const link = await first.connect(signal).catch(() => undefined);
      if (link === undefined) continue;
      const isStable = await Promise.race([
        link.closed.then(() => false),
        clock.sleep(options.servers.returnStableSeconds * 1_000, signal).then(
          () => true,
          () => false,
        ),
      ]);
      await link.close();
      if (!isStable) continue;
      logger.info("first-server-back", { server: first.server.serverUrl });
      this.#choice.return();
      end("the first server is back");
      return;
    }
  }

  #tellChange(before: ServerSession, now: ServerSession): void {
    const { clock, logger, onHealth } = this.#parts;
    const { epoch, lastSequence } = this.#parts.journal;
    // What this server lacks of these sequences, another one has.
    const parameters = { before: before.server.serverUrl, now: now.server.serverUrl, epoch, from: 1, to: lastSequence };
    logger.warn("server-changed", parameters);
    this.#sender.forgetRefusals();
    const event: HealthEvent = {
      subject: "uplink",
      state: this.#choice.active === 0 ? "ok" : "standby",
      timeMs: clock.nowMs(),
      explanation: { code: "uplink-server-changed", parameters },
    };
    onHealth?.(event).catch((error: unknown) => {
      logger.error("health-not-journaled", { error: describeError(error) });
    });
  }

  async #join(session: ServerSession, signal: AbortSignal): Promise<void> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        if (!session.isJoined) this.#state = this.#links === 0 ? "connecting" : "offline";
        await session.join(signal);
        return;
      } catch (error) {
        signal.throwIfAborted();
        this.#failed("not-enrolled", error);
        const schedule = isFrostlightError(error) && error.fault === "peer" ? peerRetry : personRetry;
        await this.#parts.clock.sleep(retryDelayMs(schedule, attempt, this.#parts.random), signal);
      }
    }
  }

  async #keepLink(session: ServerSession, signal: AbortSignal): Promise<void> {
    const { clock, random, logger } = this.#parts;
    let attempt = 0;
    while (!signal.aborted) {
      this.#state = attempt === 0 ? "connecting" : "offline";
      try {
        const link = await session.connect(signal);
        const sinceMs = clock.monotonicMs();
        const reason = await this.#useLink(session, link, signal);
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

  /** Resolves with the reason when the link is gone, closed by us or not. */
  async #useLink(session: ServerSession, link: Link, signal: AbortSignal): Promise<string> {
    const close = (): void => {
      void link.close();
    };
    signal.addEventListener("abort", close, { once: true });
    if (signal.aborted) close();
    this.#links += 1;
    this.#state = "connected";
    this.#via = link.via;
    this.#succeeded();
    const server = session.server.serverUrl;
    this.#parts.logger.info("link-up", { server, via: link.via, links: this.#links });
    this.#sender.linkUp((sealed) => {
      link.send(sealed);
    });
    const reason = await link.closed;
    this.#sender.linkDown();
    this.#via = null;
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
