import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { stringify } from "yaml";

import { Child, gatewayEnvironment } from "../sims/child.ts";
import { freePorts } from "../sims/free-port.ts";
import { ServerClient } from "../sims/server-client.ts";
import { startTcpProxy, type TcpProxy } from "../sims/tcp-proxy.ts";

const root = resolve(import.meta.dirname, "../..");
export const serverMain = join(root, "server/src/main.ts");
export const gatewayMain = join(root, "gateway/src/main.ts");

export interface SiteOptions {
  /** Shown in names of temporary folders. */
  readonly name: string;
  /** The gateway's configuration without state folder, uplink and local page. */
  readonly gateway: (folder: string) => Readonly<Record<string, unknown>>;
  readonly server?: Readonly<Record<string, unknown>>;
  /** The gateway goes where the server tells it, with its certificate; then its link to the broker cannot be cut. */
  readonly mutualTls?: boolean;
}

/** The password in the server's first line. */
const passwordPattern = /\b([a-z2-9]{5}(?:-[a-z2-9]{5}){3})\b/;

/**
 * A server and a gateway as real processes in a temporary folder, joined through the API as an operator would, with a link
 * between them that can be cut.
 */
export class Site {
  static readonly siteId = "test-site";
  readonly folder: string;
  readonly client: ServerClient;
  readonly httpUrl: string;
  readonly localPort: number;
  readonly #options: SiteOptions;
  readonly #httpPort: number;
  readonly #brokerPort: number;
  readonly #mutualTlsPort: number;
  #proxies: readonly TcpProxy[] = [];
  #server: Child | undefined;
  #gateway: Child | undefined;

  private constructor(options: SiteOptions, folder: string, ports: readonly number[]) {
    const [httpPort = 0, brokerPort = 0, localPort = 0, mutualTlsPort = 0] = ports;
    this.#options = options;
    this.folder = folder;
    this.#httpPort = httpPort;
    this.#brokerPort = brokerPort;
    this.localPort = localPort;
    this.#mutualTlsPort = mutualTlsPort;
    this.httpUrl = `http://127.0.0.1:${httpPort}`;
    this.client = new ServerClient(this.httpUrl);
  }

  static async create(options: SiteOptions): Promise<Site> {
    const folder = await mkdtemp(join(tmpdir(), `frostlight-${options.name}-`));
    const site = new Site(options, folder, await freePorts(4));
    await site.#writeConfigurations();
    return site;
  }

  get server(): Child {
    if (this.#server === undefined) throw new Error("the server was not started");
    return this.#server;
  }

  get gateway(): Child {
    if (this.#gateway === undefined) throw new Error("the gateway was not started");
    return this.#gateway;
  }

  get databaseFolder(): string {
    return join(this.folder, "server");
  }

  /** First start: server, administrator, site, token, gateway. */
  async start(): Promise<void> {
    await this.startServer();
    const password = await this.server.waitFor("the first password", (line) => passwordPattern.exec(line)?.[1]);
    await this.client.signIn("admin", password);
    await this.client.createSite(Site.siteId);
    const token = await this.client.createEnrolmentToken(Site.siteId);
    await writeFile(join(this.folder, "token"), token, { mode: 0o600 });
    await this.startGateway();
    await this.untilConnected();
  }

  async startServer(): Promise<void> {
    this.#server = this.#spawn("server", serverMain);
    await this.#server.started();
  }

  async startGateway(): Promise<void> {
    this.#gateway = this.#spawn("gateway", gatewayMain, gatewayEnvironment);
    await this.#gateway.started();
  }

  async untilConnected(): Promise<void> {
    await until("the gateway to be connected", async () =>
      (await this.client.gateways()).some((gateway) => gateway.connected),
    );
  }

  /** Breaks the link between gateway and server, HTTP and MQTT. */
  async cutLink(): Promise<void> {
    await Promise.all(this.#proxies.map((proxy) => proxy.cut()));
  }

  async restoreLink(): Promise<void> {
    await Promise.all(this.#proxies.map((proxy) => proxy.restore()));
  }

  /** Ends everything and removes the folder. */
  async stop(options: { readonly keepFolder?: boolean } = {}): Promise<void> {
    await this.#gateway?.stop();
    await this.#server?.stop();
    await Promise.all(this.#proxies.map((proxy) => proxy.stop()));
    if (options.keepFolder !== true) await rm(this.folder, { recursive: true, force: true });
  }

  #spawn(name: string, script: string, environment: Readonly<Record<string, string>> = {}): Child {
    return new Child({
      name,
      script,
      args: ["--config", join(this.folder, `${name}.yaml`)],
      logFile: join(this.folder, `${name}.log`),
      environment,
    });
  }

  async #writeConfigurations(): Promise<void> {
    const http = await startTcpProxy({ target: { port: this.#httpPort } });
    const broker = await startTcpProxy({ target: { port: this.#brokerPort } });
    this.#proxies = [http, broker];
    await mkdir(join(this.folder, "gateway"), { recursive: true });
    const server = {
      dataFolder: join(this.folder, "server"),
      http: { port: this.#httpPort, rateLimits: { perMinute: 1_000_000 } },
      broker: {
        kind: "embedded",
        port: this.#brokerPort,
        ...(this.#options.mutualTls === true ? { mutualTls: { port: this.#mutualTlsPort } } : {}),
      },
      ...this.#options.server,
    };
    const gateway = {
      stateFolder: join(this.folder, "gateway"),
      ...this.#options.gateway(this.folder),
      uplink: {
        server: `http://127.0.0.1:${http.port}`,
        enrolmentToken: { file: join(this.folder, "token") },
        options: {
          transport:
            this.#options.mutualTls === true
              ? { kind: "mqtt" }
              : { kind: "mqtt", url: `mqtt://127.0.0.1:${broker.port}` },
        },
      },
      local: { port: this.localPort },
    };
    await writeFile(join(this.folder, "server.yaml"), stringify(server));
    await writeFile(join(this.folder, "gateway.yaml"), stringify(gateway));
  }
}

/** Asks again and again until the answer is yes. */
export async function until(what: string, isSo: () => Promise<boolean>, timeoutMs = 30_000): Promise<void> {
  const deadlineMs = Date.now() + timeoutMs;
  let trouble = "";
  while (Date.now() < deadlineMs) {
    try {
      if (await isSo()) return;
    } catch (error) {
      trouble = `; last: ${String(error)}`;
    }
    await new Promise((resolve) => void setTimeout(resolve, 100));
  }
  throw new Error(`waited ${timeoutMs} ms for ${what}${trouble}`);
}
