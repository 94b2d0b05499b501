import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";

import type { Part } from "@frostlight/kernel";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { modbus } from "../../../gateway/src/sources/modbus.ts";
import { type RecordingContext, recordingContext, until } from "./harness.ts";
import { ModbusProcess } from "./modbus-process.ts";

/** Only Python can open a pseudo terminal here; it is never needed for the product. */
const hasPython = spawnSync("python3", ["-c", "import pty"]).status === 0;

/** Opens a pseudo terminal that leads to the server's RTU port. */
async function openLine(
  port: number,
): Promise<{ readonly path: string; readonly child: ChildProcessWithoutNullStreams }> {
  const child = spawn("python3", [join(import.meta.dirname, "../../sims/modbus-line.py"), String(port)]);
  for await (const path of createInterface({ input: child.stdout })) return { path, child };
  throw new Error("no pseudo terminal");
}

describe.skipIf(!hasPython)("the source modbus on a serial line (a pseudo terminal)", { timeout: 60_000 }, () => {
  let server: ModbusProcess;
  let context: RecordingContext;
  let source: Part | undefined;
  let line: ChildProcessWithoutNullStreams | undefined;

  beforeEach(async () => {
    context = await recordingContext();
    server = await ModbusProcess.start();
  });

  afterEach(async () => {
    await source?.stop();
    line?.kill();
    await server.remove();
    await context.remove();
  });

  it("reads units, notes a dead one, and says when the line is pulled out", async () => {
    server.holding(1, 0, -185, 21);
    server.holding(3, 0, 33);
    server.behave({ unit: 2, as: "dead" });
    const opened = await openLine(server.rtuPort);
    line = opened.child;
    const options = modbus.options.parse({
      connection: { kind: "serial", path: opened.path, baudRate: 19_200, parity: "even", quietMs: 5 },
      pollSeconds: 0.1,
      timeoutMs: 250,
      tries: 1,
    });
    const registers = [
      ["a", 1, { address: 0, scale: 0.1 }],
      ["b", 1, { address: 1, scale: 0.1 }],
      ["dead", 2, { address: 0 }],
      ["c", 3, { address: 0 }],
    ] as const;
    const points = registers.map(([pointId, unit, register]) => {
      const address = modbus.address.parse({ unit, register });
      return { pointId, unit: "Cel" as const, expectedIntervalMs: 60_000, address };
    });
    source = modbus.open(options, points, context);
    await source.start();
    const values = (pointId: string): (number | null)[] =>
      context.readings.filter((reading) => reading.pointId === pointId).map(({ value }) => value);
    await until("all but the dead one", () => ["a", "b", "c"].every((pointId) => values(pointId).length > 5));
    expect([new Set(values("a")), new Set(values("b")), new Set(values("c"))]).toEqual([
      new Set([-18.5]),
      new Set([2.1]),
      new Set([33]),
    ]);
    expect(new Set(values("dead"))).toEqual(new Set([null]));
    expect(context.lastState).toMatchObject({ state: "degraded", code: "units-silent" });
    line.kill();
    await until("the line is gone", () => context.lastState?.state === "offline");
    expect(["connection-lost", "connect-failed"]).toContain(context.lastState?.code);
  });
});
