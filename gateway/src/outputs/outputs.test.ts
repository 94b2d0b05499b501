import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { silentLogger, systemClock } from "@frostlight/kernel";
import { Aedes } from "aedes";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import type { OutputContext } from "../core/output.ts";
import { commandOutput } from "./command.ts";
import { outputRegistry } from "./index.ts";
import { mqttOutput } from "./mqtt.ts";

const context: OutputContext = { outputId: "siren", clock: systemClock, logger: silentLogger, environment: {} };
const never = new AbortController().signal;

it.each(outputRegistry.all.map((definition) => [definition.kind, definition] as const))(
  "the example of %s is valid",
  (_kind, definition) => {
    expect(definition.options.safeParse(definition.example.options).success).toBe(true);
  },
);

describe("a command", () => {
  let folder = "";
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "frostlight-output-"));
  });
  afterEach(async () => {
    await rm(folder, { recursive: true, force: true });
  });
  const open = (on: readonly string[]) =>
    commandOutput.open(
      commandOutput.options.parse({ program: "/bin/sh", on, off: ["-c", "exit 0"], timeoutSeconds: 1 }),
      context,
    );

  it("is run with its arguments", async () => {
    const file = join(folder, "relay");
    await open(["-c", `printf 1 > "$0"`, file]).set(true, never);
    expect(await readFile(file, "utf8")).toBe("1");
  });

  it("that fails says how and what it wrote", async () => {
    await expect(open(["-c", "echo no such chip >&2; exit 3"]).set(true, never)).rejects.toThrow(
      "/bin/sh ended with 3: no such chip",
    );
  });

  it("that does not end is ended", async () => {
    await expect(open(["-c", "exec sleep 60"]).set(true, never)).rejects.toMatchObject({
      code: "outputs/command-failed",
    });
  });

  it("that is not there says so", async () => {
    const missing = commandOutput.options.parse({ program: "/nonexistent/relay", on: [], off: [] });
    await expect(commandOutput.open(missing, context).set(true, never)).rejects.toThrow(
      "/nonexistent/relay could not be run",
    );
  });

  it("must be named by its whole path", () => {
    expect(commandOutput.options.safeParse({ program: "gpioset", on: [], off: [] }).success).toBe(false);
  });
});

describe("a siren behind a broker", () => {
  let broker: Aedes;
  let server: Server;
  let sockets: Socket[];
  let heard: string[];
  let url = "";
  beforeEach(async () => {
    heard = [];
    broker = await Aedes.createBroker();
    broker.on("publish", (packet, client) => {
      if (client !== null) heard.push(`${packet.topic} ${packet.payload.toString()} ${packet.qos}`);
    });
    sockets = [];
    server = createServer((socket) => {
      sockets.push(socket);
      broker.handle(socket);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    url = `mqtt://127.0.0.1:${typeof address === "object" ? (address?.port ?? 0) : 0}`;
  });
  afterEach(async () => {
    await new Promise<void>((resolve) => {
      broker.close(resolve);
    });
    server.close();
  });
  const open = (own: Record<string, unknown> = {}) =>
    mqttOutput.open(
      mqttOutput.options.parse({ url, topic: "cmnd/siren/POWER", on: "ON", off: "OFF", timeoutSeconds: 2, ...own }),
      context,
    );

  it("gets its commands at QoS 1", async () => {
    const output = open();
    await output.set(true, never);
    await output.set(false, never);
    await output.close();
    expect(heard).toEqual(["cmnd/siren/POWER ON 1", "cmnd/siren/POWER OFF 1"]);
  });

  it("is reached again after its broker was away", async () => {
    const output = open();
    await output.set(true, never);
    for (const socket of sockets.splice(0)) socket.destroy();
    await output.set(true, never).catch(() => undefined);
    await output.set(true, never);
    await output.close();
    expect(heard.length).toBeGreaterThanOrEqual(2);
  });

  it("that cannot be reached fails in time and says where", async () => {
    const output = open({ url: "mqtt://127.0.0.1:9", timeoutSeconds: 1 });
    await expect(output.set(true, never)).rejects.toThrow("mqtt://127.0.0.1:9 did not take the command");
  });
});
