import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import { createInterface } from "node:readline";

const script = resolve(import.meta.dirname, "../../sims/opcua-server.ts");

/** The simulated OPC UA server as a process of its own, to be killed, frozen and restarted. */
export class OpcUaProcess {
  readonly #arguments: readonly string[];
  #child: ChildProcessWithoutNullStreams | undefined;
  endpoint = "";

  constructor(port: number, pkiFolder: string, nodes: string, more: readonly string[] = []) {
    this.#arguments = [script, "--port", String(port), "--pki", pkiFolder, "--nodes", nodes, ...more];
  }

  async start(): Promise<void> {
    const child = spawn(process.execPath, this.#arguments, { stdio: ["pipe", "pipe", "pipe"] });
    this.#child = child;
    let complaint = "";
    child.stderr.on("data", (chunk: Buffer) => (complaint += chunk.toString()));
    const lines = createInterface({ input: child.stdout });
    for await (const line of lines) {
      if (!line.startsWith("{")) continue;
      this.endpoint = (JSON.parse(line) as { endpoint: string }).endpoint; // our own simulator writes it
      return;
    }
    throw new Error(`the OPC UA server did not come up: ${complaint}`);
  }

  set(node: string, value: number, more: { readonly status?: string; readonly sourceTimeMs?: number } = {}): void {
    this.#child?.stdin.write(`${JSON.stringify({ node, value, ...more })}\n`);
  }

  order(what: "drop-subscriptions" | "add-node" | "add-namespace", node = "", value = 0): void {
    this.#child?.stdin.write(`${JSON.stringify({ do: what, node, value })}\n`);
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  }
}
