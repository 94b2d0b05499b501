import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { until } from "./harness.ts";

/** Debian installs the broker outside the path of ordinary users. */
const searchPath = `${process.env["PATH"] ?? ""}:/usr/sbin`;
const brokerProgram = "mosquitto";
const publishProgram = "mosquitto_pub";
const environment = { ...process.env, PATH: searchPath };

export function isInstalled(program: string): boolean {
  try {
    execFileSync("sh", ["-c", 'command -v "$1"', "sh", program], { env: environment, stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (typeof address !== "object" || address === null) throw new Error("no port");
  return address.port;
}

/** A real Mosquitto with persistence, in a folder of its own. */
export class Mosquitto {
  readonly port: number;
  readonly #folder: string;
  #process: ChildProcess | undefined;

  private constructor(port: number, folder: string) {
    this.port = port;
    this.#folder = folder;
  }

  static async create(lines: readonly string[] = ["allow_anonymous true"]): Promise<Mosquitto> {
    const folder = await mkdtemp(join(tmpdir(), "frostlight-mosquitto-"));
    const port = await freePort();
    // Started as root it would change to a user that cannot write into the folder.
    const user = process.getuid?.() === 0 ? ["user root"] : [];
    const config = [
      ...user,
      `listener ${port} 127.0.0.1`,
      "persistence true",
      `persistence_location ${folder}/`,
      ...lines,
    ];
    await writeFile(join(folder, "mosquitto.conf"), `${config.join("\n")}\n`);
    const mosquitto = new Mosquitto(port, folder);
    await mosquitto.start();
    return mosquitto;
  }

  async start(): Promise<void> {
    const child = spawn(brokerProgram, ["-c", join(this.#folder, "mosquitto.conf")], {
      env: environment,
      stdio: "ignore",
    });
    this.#process = child;
    await until("mosquitto listens", () => canConnect(this.port));
  }

  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined || child.exitCode !== null) return;
    const ended = once(child, "exit");
    child.kill(signal);
    await ended;
  }

  async remove(): Promise<void> {
    await this.stop("SIGKILL");
    await rm(this.#folder, { recursive: true, force: true });
  }
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => {
      resolve(false);
    });
  });
}

/** Publishes one message per line with the real `mosquitto_pub`; resolves when it has exited well. */
export async function mosquittoPub(port: number, topic: string, lines: readonly string[], qos = 1): Promise<void> {
  const child = spawn(publishProgram, ["-h", "127.0.0.1", "-p", String(port), "-t", topic, "-q", String(qos), "-l"], {
    env: environment,
    stdio: ["pipe", "ignore", "pipe"],
  });
  let complaint = "";
  child.stderr.on("data", (chunk: Buffer) => (complaint += chunk.toString()));
  child.stdin.end(`${lines.join("\n")}\n`);
  const [code] = await once(child, "exit");
  if (code !== 0) throw new Error(`mosquitto_pub exited with ${code}: ${complaint}`);
}
