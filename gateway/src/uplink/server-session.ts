import { readFile } from "node:fs/promises";

import { describeError, FrostlightError, isFrostlightError } from "@frostlight/kernel";

import { keepCertificate } from "./certificate-renewal.ts";
import { requestCertificate } from "./certificate-request.ts";
import { type ClientCertificate, readCertificate } from "./certificate.ts";
import { enrol, type Enrolment, readEnrolment } from "./enrolment.ts";
import { EvidenceUploader } from "./evidence-uploader.ts";
import { exchangeHttp } from "./http-exchange.ts";
import type { Link, Transport, TransportContext } from "./transport.ts";
import type { UplinkParts } from "./uplink.ts";

/** One server of the list: its address, where its enrolment is kept, and the token for joining. */
export interface UplinkServer {
  /** The server's HTTP address. */
  readonly serverUrl: string;
  /** Where the enrolment is kept; each server has its own. */
  readonly folder: string;
  /** The one-time token, read when it is needed; undefined when none is configured. */
  readonly readToken: () => Promise<string | undefined>;
}

/** What a session needs of the uplink. */
export interface SessionHooks extends Pick<TransportContext, "onAck" | "onCommand"> {
  /** The gateway has joined; said once for each time it joins. */
  onJoined(enrolment: Enrolment): void;
  /** A stored enrolment is damaged; it joins again. */
  onDamaged(error: unknown): void;
}

/** Everything between this gateway and one server. */
export class ServerSession {
  readonly server: UplinkServer;
  readonly #parts: UplinkParts;
  readonly #hooks: SessionHooks;
  #enrolment: Enrolment | undefined;
  #certificate: ClientCertificate | undefined;
  #transport: Transport | undefined;
  #uploader: EvidenceUploader | undefined;

  constructor(server: UplinkServer, parts: UplinkParts, hooks: SessionHooks) {
    this.server = server;
    this.#parts = parts;
    this.#hooks = hooks;
  }

  get isJoined(): boolean {
    return this.#enrolment !== undefined;
  }

  get uploadError(): string | null {
    return this.#uploader?.lastError ?? null;
  }

  /** Reads the enrolment, or joins with the token. Tries once. */
  async join(signal: AbortSignal): Promise<Enrolment> {
    if (this.#enrolment === undefined) {
      const enrolment = (await this.#known()) ?? (await this.#enrol(signal));
      this.#certificate = await readCertificate(this.server.folder);
      this.#enrolment = enrolment;
    }
    return this.#enrolment;
  }

  /** Tries once. */
  async connect(signal: AbortSignal): Promise<Link> {
    const enrolment = await this.join(signal);
    this.#transport ??= await this.#openTransport(enrolment);
    return this.#transport.connect(signal);
  }

  /** Works until the signal aborts. */
  async uploadEvidence(signal: AbortSignal): Promise<void> {
    const enrolment = await this.join(signal);
    const { clock, random, logger, evidence, options } = this.#parts;
    this.#uploader ??= new EvidenceUploader({
      evidence,
      enrolment,
      serverUrl: this.server.serverUrl,
      exchange: exchangeHttp,
      ca: () => this.#ca(),
      idleTimeoutMs: options.evidenceIdleTimeoutMs,
      clock,
      random,
      logger,
    });
    await this.#uploader.run(signal);
  }

  /** Renews the gateway's certificate in time, when the server gave it one. Works until the signal aborts. */
  async keepCertificate(signal: AbortSignal): Promise<void> {
    const enrolment = await this.join(signal);
    if (enrolment.caPem === undefined) return;
    const { identity, clock, random, logger } = this.#parts;
    await keepCertificate(
      {
        enrolment,
        serverUrl: this.server.serverUrl,
        folder: this.server.folder,
        identity,
        request: requestCertificate,
        exchange: exchangeHttp,
        ca: () => this.#ca(),
        clock,
        random,
        logger,
        current: () => this.#certificate,
        onRenewed: (certificate) => {
          this.#certificate = certificate;
        },
      },
      signal,
    ).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
  }

  async #openTransport(enrolment: Enrolment): Promise<Transport> {
    const { options, clock, random, logger } = this.#parts;
    return options.transport.definition.open(options.transport.options, {
      gatewayId: enrolment.gatewayId,
      serverUrl: this.server.serverUrl,
      mqttUrl: enrolment.mqttUrl,
      username: enrolment.mqttUsername,
      password: enrolment.mqttPassword,
      ca: await this.#ca(),
      mutualTls: () => {
        const { mqttsUrl } = enrolment;
        return mqttsUrl === undefined || this.#certificate === undefined
          ? undefined
          : { url: mqttsUrl, ...this.#certificate };
      },
      clock,
      random,
      logger,
      onAck: this.#hooks.onAck,
      onCommand: this.#hooks.onCommand,
    });
  }

  /** A damaged enrolment is told and replaced by joining again: a copy of the file is kept. */
  async #known(): Promise<Enrolment | undefined> {
    try {
      return await readEnrolment(this.server.folder);
    } catch (error) {
      if (!isFrostlightError(error, "state/corrupt")) throw error;
      this.#hooks.onDamaged(error);
      return undefined;
    }
  }

  async #enrol(signal: AbortSignal): Promise<Enrolment> {
    const { identity, softwareVersion } = this.#parts;
    const { readToken, serverUrl, folder } = this.server;
    const token = await readToken();
    if (token === undefined || token === "") {
      throw new FrostlightError("enrol/no-token", "config", "this gateway has not joined and no token is configured");
    }
    const ca = await this.#ca();
    const request = requestCertificate;
    const enrolment = await enrol({ serverUrl, token, identity, folder, softwareVersion, signal, ca, request });
    this.#hooks.onJoined(enrolment);
    return enrolment;
  }

  async #ca(): Promise<string | undefined> {
    const { caFile } = this.#parts.options;
    if (caFile === undefined) return undefined;
    try {
      return await readFile(caFile, "utf8");
    } catch (cause) {
      const message = `cannot read the certificates in ${caFile}: ${describeError(cause)}`;
      throw new FrostlightError("uplink/ca-unreadable", "config", message, { cause });
    }
  }
}
