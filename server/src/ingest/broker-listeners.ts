import { readFile } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";

import { type Clock, describeError, FrostlightError, type Logger } from "@frostlight/kernel";

import type { ServerCredentials } from "../core/authority.ts";
import type { EmbeddedBrokerOptions } from "./broker-options.ts";
import { createMutualTlsServer } from "./mutual-tls.ts";
import type { RefusalLog } from "./refusal-log.ts";

interface Parts {
  readonly options: EmbeddedBrokerOptions;
  /** Of the server's authority, for the listener with mutual TLS; without it there is none. */
  readonly credentials: (() => Promise<ServerCredentials>) | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly refusals: RefusalLog;
  readonly onConnection: (socket: Socket) => void;
}

/** Where the gateways' broker listens: plainly or with TLS, and beside it with mutual TLS. */
export class BrokerListeners {
  readonly #parts: Parts;
  readonly #sockets = new Set<Socket>();
  #plain: Server | undefined;
  #mutual: { readonly server: Server; readonly cancelRefresh: () => void } | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  port(): number | undefined {
    return portOf(this.#plain);
  }

  mutualTlsPort(): number | undefined {
    return portOf(this.#mutual?.server);
  }

  /** Rejects with `broker/cannot-listen`; what had been opened is closed then. */
  async open(): Promise<void> {
    const { options, logger } = this.#parts;
    const { host, tls } = options;
    this.#plain = this.#watch(await this.#createPlain());
    await listen(this.#plain, options);
    const isOpen = tls === undefined && !["127.0.0.1", "::1", "localhost"].includes(host);
    if (isOpen) logger.warn("gateway-broker-without-tls", { host });
    logger.info("gateway-broker-listening", { host, port: this.port(), tls: tls !== undefined });
    try {
      await this.#openMutual();
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /**
   * Takes nobody new, then ends every connection that is left.
   * @param farewell runs in between
   */
  async close(farewell?: () => Promise<void>): Promise<void> {
    this.#mutual?.cancelRefresh();
    const closed = Promise.all([this.#plain, this.#mutual?.server].map(closeServer));
    await farewell?.();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
    this.#plain = undefined;
    this.#mutual = undefined;
  }

  async #openMutual(): Promise<void> {
    const { options, credentials, clock, logger } = this.#parts;
    if (options.mutualTls === undefined || credentials === undefined) return;
    this.#mutual = await createMutualTlsServer({
      credentials,
      handshakeTimeoutMs: options.connectTimeoutMs,
      clock,
      onConnection: (socket) => {
        this.#take(socket);
      },
      onRefreshFailed: (error) => {
        logger.error("server-certificate-not-renewed", { error: describeError(error) });
      },
    });
    this.#watch(this.#mutual.server);
    const { host = options.host, port } = options.mutualTls;
    await listen(this.#mutual.server, { host, port });
    logger.info("gateway-broker-listening", { host, port: this.mutualTlsPort(), tls: "mutual" });
  }

  async #createPlain(): Promise<Server> {
    const { tls, connectTimeoutMs } = this.#parts.options;
    const onConnection = (socket: Socket): void => {
      this.#take(socket);
    };
    if (tls === undefined) return createServer(onConnection);
    const files = { cert: await readFile(tls.certFile), key: await readFile(tls.keyFile) };
    return createTlsServer({ ...files, minVersion: "TLSv1.2", handshakeTimeout: connectTimeoutMs }, onConnection);
  }

  #take(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
    socket.setNoDelay(true);
    socket.setKeepAlive(true, 30_000);
    this.#parts.onConnection(socket);
  }

  #watch(server: Server): Server {
    const { refusals, options } = this.#parts;
    server.maxConnections = options.maxConnections;
    server.on("tlsClientError", (error) => {
      refusals.add("tls-failed", { error: describeError(error) });
    });
    server.on("drop", () => {
      refusals.add("too-many-connections", { limit: options.maxConnections });
    });
    return server;
  }
}

function portOf(server: Server | undefined): number | undefined {
  const address = server?.address();
  return typeof address === "object" && address !== null ? address.port : undefined;
}

function closeServer(server: Server | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (server?.listening !== true) resolve();
    else
      server.close(() => {
        resolve();
      });
  });
}

function listen(server: Server, { host, port }: { readonly host: string; readonly port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (cause: Error): void => {
      reject(new FrostlightError("broker/cannot-listen", "resource", `cannot listen on ${host}:${port}`, { cause }));
    };
    server.once("error", onError);
    server.listen(port, host, () => {
      server.off("error", onError);
      resolve();
    });
  });
}
