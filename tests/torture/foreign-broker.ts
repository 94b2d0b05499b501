import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";

import { isInstalled } from "./disk.ts";
import { pause } from "./service.ts";

/** Somebody else's broker: a Mosquitto with its store in a folder of its own. Does nothing where it is not installed. */
export class ForeignBroker {
  readonly isInstalled = isInstalled("mosquitto");
  readonly #folder: string;
  readonly #port: number;
  #process: ChildProcess | undefined;

  constructor(folder: string, port: number) {
    this.#folder = folder;
    this.#port = port;
  }

  async start(): Promise<void> {
    if (!this.isInstalled) return;
    await mkdir(this.#folder, { recursive: true });
    const configuration = [
      // Started as root it would change to a user that cannot write into the folder.
      ...(process.getuid?.() === 0 ? ["user root"] : []),
      `listener ${this.#port} 127.0.0.1`,
      "allow_anonymous true",
      "max_queued_messages 0",
      "persistence true",
      `persistence_location ${this.#folder}/`,
    ];
    const file = join(this.#folder, "mosquitto.conf");
    await writeFile(file, `${configuration.join("\n")}\n`);
    this.#process = spawn("mosquitto", ["-c", file], {
      env: { ...process.env, PATH: `${process.env["PATH"] ?? ""}:/usr/sbin` },
      stdio: "ignore",
    });
    const deadlineMs = Date.now() + 20_000;
    while (!(await canConnect(this.#port))) {
      if (Date.now() > deadlineMs) throw new Error("mosquitto does not listen");
      await pause(50);
    }
  }

  /** SIGTERM: Mosquitto writes its store only then, so a harder end would lose what it acknowledged itself. */
  async stop(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined || child.exitCode !== null) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGCONT");
    child.kill("SIGTERM");
    await ended;
  }

  freeze(isFrozen: boolean): void {
    this.#process?.kill(isFrozen ? "SIGSTOP" : "SIGCONT");
  }
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
