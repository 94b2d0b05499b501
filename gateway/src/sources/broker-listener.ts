import { readFile } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type Server as TlsServer, TLSSocket } from "node:tls";

import { type CancelTimer, describeError, FrostlightError, peerRetry, retryDelayMs } from "@frostlight/kernel";
import { z } from "zod";

import type { SourceContext } from "../core/source.ts";

/** A renewed certificate is in use this soon, without a restart. */
const certificateCheckMs = 3_600_000;
const handshakeTimeoutMs = 10_000;

/** A second listener, with TLS (1.2 or newer). */
export const tlsOptions = z.strictObject({
  host: z.string().min(1).default("0.0.0.0"),
  /** 0: any free port. */
  port: z.int().min(0).max(65_535).default(8883),
  /** PEM files: certificate (with its chain) and private key. Read again every hour. */
  certFile: z.string().min(1),
  keyFile: z.string().min(1),
  /** PEM file of the authority that signs the devices' certificates; without it none is asked for. */
  clientCaFile: z.string().min(1).optional(),
});

export interface ListenerTarget {
  readonly host: string;
  readonly port: number;
  readonly tls: z.infer<typeof tlsOptions> | undefined;
  /** Over all listeners. */
  readonly mayConnect: () => boolean;
  readonly onSocket: (socket: Socket) => void;
  readonly onRefused: (address: string, code: string, message: string) => void;
  /** Told whenever it begins or fails to listen. */
  readonly onChange: () => void;
}

/** One port of the broker. Tries again by itself when it cannot listen. */
export class BrokerListener {
  readonly #target: ListenerTarget;
  readonly #context: Pick<SourceContext, "clock" | "random" | "logger">;
  #server: Server | undefined;
  #failure: string | undefined;
  #cancelRetry: CancelTimer | undefined;
  #cancelCheck: CancelTimer | undefined;
  #material = "";
  #isStopping = false;

  constructor(target: ListenerTarget, context: Pick<SourceContext, "clock" | "random" | "logger">) {
    this.#target = target;
    this.#context = context;
  }

  /** Why it does not listen; undefined when it does. */
  get failure(): string | undefined {
    return this.#server === undefined ? (this.#failure ?? "not started") : undefined;
  }

  /** The port in use, once listening. */
  get port(): number | undefined {
    const address = this.#server?.address();
    return typeof address === "object" && address !== null ? address.port : undefined;
  }

  /** For people. */
  get place(): string {
    const { host, port, tls } = this.#target;
    return `${host}:${this.port ?? port}${tls === undefined ? "" : " (TLS)"}`;
  }

  async listen(attempt = 0): Promise<void> {
    if (this.#isStopping) return;
    try {
      const server = await this.#create();
      await this.#bind(server);
      if (this.#isStopping) {
        server.close();
        return;
      }
      server.on("error", (error) => {
        this.#context.logger.error("broker-listener-error", { error: describeError(error) });
      });
      this.#server = server;
      this.#failure = undefined;
    } catch (error) {
      this.#failure = `cannot listen on ${this.place}: ${describeError(error)}`;
      this.#cancelRetry = this.#context.clock.after(retryDelayMs(peerRetry, attempt, this.#context.random), () => {
        void this.listen(attempt + 1);
      });
    }
    if (!this.#isStopping) this.#target.onChange();
  }

  /** Takes no more connections; resolves when those it took are closed. */
  close(): Promise<void> {
    this.#isStopping = true;
    this.#cancelRetry?.();
    this.#cancelCheck?.();
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return Promise.resolve();
    return new Promise((resolve) => server.close(() => resolve()));
  }

  async #create(): Promise<Server> {
    const { tls } = this.#target;
    if (tls === undefined) return createServer({ noDelay: true }, (socket) => this.#accept(socket));
    const server = createTlsServer({
      ...(await this.#readMaterial(tls)),
      minVersion: "TLSv1.2",
      handshakeTimeout: handshakeTimeoutMs,
      requestCert: tls.clientCaFile !== undefined,
      rejectUnauthorized: false, // who has no certificate may have a password; who has a wrong one is refused at CONNECT
    });
    server.on("secureConnection", (socket) => this.#accept(socket));
    server.on("tlsClientError", (error, socket) => {
      this.#target.onRefused(
        socket.remoteAddress ?? "unknown",
        "tls-failed",
        `no TLS session: ${describeError(error)}`,
      );
    });
    // Before the handshake: what is over the limit must not even cost one.
    server.on("connection", (socket: Socket) => {
      socket.setNoDelay(true);
      if (!this.#target.mayConnect()) this.#drop(socket);
    });
    this.#cancelCheck = this.#context.clock.every(certificateCheckMs, () => {
      this.#renew(server, tls).catch((error: unknown) => {
        this.#context.logger.error("broker-certificate-unreadable", { error: describeError(error) });
      });
    });
    return server;
  }

  #accept(socket: Socket): void {
    if (!(socket instanceof TLSSocket) && !this.#target.mayConnect()) this.#drop(socket);
    else this.#target.onSocket(socket);
  }

  #drop(socket: Socket): void {
    this.#target.onRefused(socket.remoteAddress ?? "unknown", "too-many-connections", "more connections than allowed");
    socket.on("error", () => undefined);
    socket.destroy();
  }

  async #bind(server: Server): Promise<void> {
    const { host, port } = this.#target;
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(port, host, () => {
        server.off("error", reject);
        resolve();
      });
    });
  }

  async #renew(server: TlsServer, tls: z.infer<typeof tlsOptions>): Promise<void> {
    const before = this.#material;
    const material = await this.#readMaterial(tls);
    if (this.#material === before) return;
    server.setSecureContext({ ...material, minVersion: "TLSv1.2" });
    this.#context.logger.info("broker-certificate-renewed", { certFile: tls.certFile });
  }

  async #readMaterial(tls: z.infer<typeof tlsOptions>): Promise<{ cert: string; key: string; ca?: string }> {
    const cert = await readPem(tls.certFile);
    const key = await readPem(tls.keyFile);
    const ca = tls.clientCaFile === undefined ? undefined : await readPem(tls.clientCaFile);
    this.#material = [cert, key, ca].join("\n");
    return { cert, key, ...(ca === undefined ? {} : { ca }) };
  }
}

async function readPem(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw new FrostlightError("config/file-missing", "config", `${file} cannot be read`, { cause: error });
  }
}

/** What a connection shows of its client. `wrong`: a certificate that the authority did not sign, or that has expired. */
export type ClientCertificate =
  | { readonly kind: "none" }
  | { readonly kind: "verified"; readonly name: string }
  | { readonly kind: "wrong"; readonly reason: string };

export function clientCertificate(socket: unknown): ClientCertificate {
  if (!(socket instanceof TLSSocket)) return { kind: "none" };
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return { kind: "none" };
  if (!socket.authorized) return { kind: "wrong", reason: describeError(socket.authorizationError) };
  const { CN: name } = certificate.toLegacyObject().subject;
  if (typeof name === "string" && name !== "") return { kind: "verified", name };
  return { kind: "wrong", reason: "the certificate has no common name (CN), or several" };
}
