import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { systemClock } from "@frostlight/kernel";

/** False when the program is not installed; CI may not skip. */
export function hasMosquitto(): boolean {
  const isThere = spawnSync("mosquitto", ["-h"]).error === undefined;
  if (!isThere && process.env["CI"] === "true") throw new Error("mosquitto is not installed, and CI may not skip");
  return isThere;
}

/** A real Mosquitto on a port of its own, persistent across `kill` and `start`. */
export class Mosquitto {
  readonly #folder: string;
  readonly port: number;
  #process: ChildProcess | undefined;

  private constructor(folder: string, port: number) {
    this.#folder = folder;
    this.port = port;
  }

  static async create(): Promise<Mosquitto> {
    const folder = await mkdtemp(join(tmpdir(), "frostlight-mosquitto-"));
    const port = await freePort();
    const lines = [
      `listener ${port} 127.0.0.1`,
      "allow_anonymous true",
      "max_queued_messages 100000",
      "persistence true",
      `persistence_location ${folder}/`,
    ];
    await writeFile(join(folder, "mosquitto.conf"), `${lines.join("\n")}\n`);
    const made = new Mosquitto(folder, port);
    await made.start();
    return made;
  }

  get url(): string {
    return `mqtt://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    this.#process = spawn("mosquitto", ["-c", join(this.#folder, "mosquitto.conf")], { stdio: "ignore" });
    for (let attempt = 0; attempt < 200; attempt += 1) {
      if (await accepts(this.port)) return;
      await systemClock.sleep(25, AbortSignal.timeout(10_000));
    }
    throw new Error("mosquitto does not listen");
  }

  async kill(): Promise<void> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    await new Promise<void>((resolve) => {
      child.once("exit", () => {
        resolve();
      });
      child.kill("SIGKILL");
    });
  }

  async remove(): Promise<void> {
    await this.kill();
    await rm(this.#folder, { recursive: true });
  }
}

async function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const address = server.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      server.close(() => {
        resolve(port);
      });
    });
  });
}

function accepts(port: number): Promise<boolean> {
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
