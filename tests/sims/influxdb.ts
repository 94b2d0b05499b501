// A real InfluxDB 1.x for tests: the Debian program on free ports with its data in a temporary folder.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Where distributions put the program; a PATH entry comes first. */
const candidates = ["influxd", "/usr/bin/influxd", "/usr/sbin/influxd"];

export interface InfluxDbOptions {
  /** Turns authentication on with this administrator. */
  readonly administrator?: { readonly username: string; readonly password: string };
}

export interface InfluxDb {
  /** http://127.0.0.1:port, also after a restart. */
  readonly url: string;
  readonly port: number;
  readonly folder: string;
  /** Runs InfluxQL with POST and gives the parsed answer. */
  query(text: string, database?: string): Promise<unknown>;
  /** Ends the process at once, as a crash would; the data stays. */
  kill(): Promise<void>;
  /** After `kill`: starts it again on the same port and data. */
  restart(): Promise<void>;
  /** Ends the process and removes the data. */
  stop(): Promise<void>;
}

/** The installed influxd, or undefined. */
export function influxdProgram(): string | undefined {
  return candidates.find((candidate) =>
    candidate.startsWith("/") ? existsSync(candidate) : spawnSync(candidate, ["version"]).status === 0,
  );
}

export async function startInfluxDb(options: InfluxDbOptions = {}): Promise<InfluxDb> {
  const program = influxdProgram();
  if (program === undefined) throw new Error("influxd is not installed (Debian package influxdb)");
  const folder = mkdtempSync(join(tmpdir(), "frostlight-influxdb-"));
  const [httpPort, rpcPort] = await freePorts();
  const configFile = join(folder, "influxdb.conf");
  writeFileSync(configFile, configuration(folder, httpPort, rpcPort, options.administrator !== undefined));
  const url = `http://127.0.0.1:${httpPort}`;

  const authorization =
    options.administrator === undefined
      ? undefined
      : `Basic ${Buffer.from(`${options.administrator.username}:${options.administrator.password}`).toString("base64")}`;
  const query = async (text: string, database?: string): Promise<unknown> => {
    const body = new URLSearchParams({ q: text, ...(database === undefined ? {} : { db: database }) });
    const headers = authorization === undefined ? {} : { authorization };
    const response = await fetch(`${url}/query`, { method: "POST", body, headers });
    return response.json();
  };

  let child: ChildProcess | undefined = await run(program, configFile, url);
  if (options.administrator !== undefined) {
    const { username, password } = options.administrator;
    await query(`CREATE USER "${username}" WITH PASSWORD '${password}' WITH ALL PRIVILEGES`);
  }
  const kill = async (): Promise<void> => {
    const running = child;
    child = undefined;
    await end(running);
  };
  return {
    url,
    port: httpPort,
    folder,
    query,
    kill,
    async restart() {
      child ??= await run(program, configFile, url);
    },
    async stop() {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function run(program: string, configFile: string, url: string): Promise<ChildProcess> {
  const child = spawn(program, ["run", "-config", configFile], { stdio: ["ignore", "ignore", "pipe"] });
  let lastWords = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    lastWords = (lastWords + text).slice(-2_000);
  });
  const deadline = performance.now() + 30_000;
  while (child.exitCode === null && performance.now() < deadline) {
    const answered = await fetch(`${url}/ping`, { signal: AbortSignal.timeout(1_000) }).catch(() => undefined);
    if (answered?.status === 204) return child;
    await new Promise((resolve) => {
      setTimeout(resolve, 50);
    });
  }
  await end(child);
  throw new Error(`influxd did not start: ${lastWords}`);
}

function end(child: ChildProcess | undefined): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once("exit", () => {
      resolve();
    });
    child.kill("SIGKILL");
  });
}

/** Two ports nobody uses right now. influxd cannot report the port it got for 0. */
async function freePorts(): Promise<[number, number]> {
  const servers = [createServer(), createServer()] as const;
  const portOf = async (server: (typeof servers)[number]): Promise<number> => {
    await new Promise<void>((resolve) => {
      server.listen(0, "127.0.0.1", resolve);
    });
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("no TCP address");
    return address.port;
  };
  const ports: [number, number] = [await portOf(servers[0]), await portOf(servers[1])];
  for (const server of servers) await new Promise((resolve) => server.close(resolve));
  return ports;
}

function configuration(folder: string, httpPort: number, rpcPort: number, authentication: boolean): string {
  return `
reporting-disabled = true
bind-address = "127.0.0.1:${rpcPort}"
[meta]
  dir = "${folder}/meta"
[data]
  dir = "${folder}/data"
  wal-dir = "${folder}/wal"
  wal-fsync-delay = "0s"
  query-log-enabled = false
[monitor]
  store-enabled = false
[http]
  bind-address = "127.0.0.1:${httpPort}"
  auth-enabled = ${authentication}
  log-enabled = false
[continuous_queries]
  enabled = false
[logging]
  level = "error"
`;
}
