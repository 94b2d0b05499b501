import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { freePorts } from "../sims/free-port.ts";
import { until } from "./site.ts";

vi.setConfig({ testTimeout: 240_000, hookTimeout: 60_000 });
const start = resolve(import.meta.dirname, "../../deploy/demo/start.ts");
let folder = "";
let ports = "";

interface Demo {
  said(): string;
  readonly pid: number;
  signal(name: NodeJS.Signals): void;
  readonly ended: Promise<number | null>;
}
const demos: Demo[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "frostlight-demo-"));
  const free = await freePorts(7);
  const names = ["console", "gateways", "sensors", "page", "plc", "yard", "kitchen"];
  ports = names.map((name, index) => `${name}=${free[index]}`).join(",");
});
afterEach(async () => {
  for (const demo of demos.splice(0)) {
    demo.signal("SIGTERM");
    await demo.ended;
  }
  await rm(folder, { recursive: true, force: true });
});

function startDemo(): Demo {
  const child = spawn(process.execPath, [start, "--folder", folder, "--ports", ports], { stdio: "pipe" });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data: Buffer) => (text += data.toString()));
  const ended = new Promise<number | null>((done) => child.once("close", done));
  const demo = {
    said: () => text,
    pid: child.pid ?? -1,
    signal: (name: NodeJS.Signals) => void child.kill(name),
    ended,
  };
  demos.push(demo);
  return demo;
}

async function untilSaid(demo: Demo, pattern: RegExp, timeoutMs = 90_000): Promise<void> {
  await until(
    `${pattern} in what the demonstration says:\n${demo.said()}`,
    async () => pattern.test(demo.said()),
    timeoutMs,
  );
}

async function childPids(): Promise<readonly number[]> {
  const noted = JSON.parse(await readFile(join(folder, "running.json"), "utf8")) as { childPids: number[] }; // its own file
  return noted.childPids;
}

const isAlive = (pid: number): boolean => existsSync(`/proc/${pid}`);

it("comes up, restarts a simulator that dies, and ends everything on Ctrl-C", async () => {
  const demo = startDemo();
  await untilSaid(demo, /ALL DATA IS SIMULATED/);
  const pids = await childPids();
  expect(pids).toHaveLength(6);
  process.kill(pids[3] ?? -1, "SIGKILL");
  await untilSaid(demo, /ended \(SIGKILL\), restarting/);
  await untilSaid(demo, /is back/);
  const all = await childPids();
  demo.signal("SIGINT");
  expect(await demo.ended).toBe(0);
  expect(demo.said()).not.toContain("did not end cleanly");
  expect(all.filter(isAlive)).toEqual([]);
});

it("goes on where it was after it was killed, with the same password, and ends what was left behind", async () => {
  const first = startDemo();
  await untilSaid(first, /ALL DATA IS SIMULATED/);
  const password = /password\s+(\S+)/.exec(first.said())?.[1];
  const left = await childPids();
  first.signal("SIGKILL");
  await first.ended;
  const second = startDemo();
  await untilSaid(second, /ALL DATA IS SIMULATED/);
  expect(left.filter(isAlive)).toEqual([]);
  expect(/password\s+(\S+)/.exec(second.said())?.[1]).toBe(password);
  const third = startDemo();
  expect(await third.ended).toBe(1);
  expect(third.said()).toContain("already running");
});
