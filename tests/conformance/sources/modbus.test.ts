import { createServer, type Server, type Socket } from "node:net";

import type { Part } from "@frostlight/kernel";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import type { Reading } from "../../../gateway/src/core/reading.ts";
import type { PointBinding } from "../../../gateway/src/core/source.ts";
import { modbus } from "../../../gateway/src/sources/modbus.ts";
import { startTcpProxy } from "../../sims/tcp-proxy.ts";
import { type RecordingContext, recordingContext, until } from "./harness.ts";
import { ModbusProcess } from "./modbus-process.ts";

type Address = ReturnType<typeof modbus.address.parse>;

function point(pointId: string, unit: number, register: unknown): PointBinding<Address> {
  return { pointId, unit: "Cel", expectedIntervalMs: 60_000, address: modbus.address.parse({ unit, register }) };
}

const tenths = { address: 0, scale: 0.1 };
/** Fast enough for tests, slow enough for a busy machine. */
const quick = { pollSeconds: 0.1, timeoutMs: 250, silentUnitSeconds: 1 };

describe("the source modbus against a real server", { timeout: 60_000 }, () => {
  let server: ModbusProcess;
  let context: RecordingContext;
  let source: Part | undefined;

  beforeEach(async () => {
    context = await recordingContext();
    server = await ModbusProcess.start();
  });

  afterEach(async () => {
    await source?.stop();
    source = undefined;
    await server.remove();
    await context.remove();
  });

  const open = async (
    options: Readonly<Record<string, unknown>>,
    points: readonly PointBinding<Address>[],
    port = server.port,
  ): Promise<void> => {
    const connection = { kind: "tcp", host: "127.0.0.1", port, connectTimeoutMs: 500 };
    source = modbus.open(modbus.options.parse({ connection, ...quick, ...options }), points, context);
    await source.start();
  };
  const last = (pointId: string): Reading | undefined =>
    context.readings.findLast((reading) => reading.pointId === pointId);
  const good = (pointId: string): Reading[] =>
    context.readings.filter((reading) => reading.pointId === pointId && reading.quality === "good");

  it("reads all four tables, all types and word orders, bits and lists of states", async () => {
    server.holding(1, 0, -185, 0x41a0, 0, 0, 0x41a0, 0xffff, 0xfffe, 0b0101_0000_0000, 14);
    server.set(
      { unit: 1, kind: "input", address: 3, value: 42 },
      { unit: 1, kind: "coil", address: 5, value: 1 },
      { unit: 1, kind: "discrete", address: 6, value: 0 },
    );
    await open({}, [
      point("tenths", 1, tenths),
      point("float", 1, { address: 1, type: "float32" }),
      point("swapped", 1, { address: 3, type: "float32", wordOrder: "low-first" }),
      point("int32", 1, { address: 5, type: "int32" }),
      point("bits", 1, { address: 7, bits: { from: 8, count: 4 } }),
      point("bit", 1, { address: 7, bits: { from: 9 } }),
      point("state", 1, { address: 8, trueWhen: [14] }),
      point("input", 1, { kind: "input", address: 3, offset: -40 }),
      point("coil", 1, { kind: "coil", address: 5 }),
      point("discrete", 1, { kind: "discrete", address: 6 }),
    ]);
    await until("every point has a value", () => new Set(context.readings.map(({ pointId }) => pointId)).size === 10);
    const values = Object.fromEntries(context.readings.slice(0, 10).map(({ pointId, value }) => [pointId, value]));
    expect(values).toEqual({
      tenths: -18.5,
      float: 20,
      swapped: 20,
      int32: -2,
      bits: 5,
      bit: 0,
      state: 1,
      input: 2,
      coil: 1,
      discrete: 0,
    });
    expect(context.lastState).toMatchObject({ state: "ok", code: "connected" });
  });

  it("follows the value, poll by poll", async () => {
    server.holding(1, 0, -180);
    await open({}, [point("air", 1, tenths)]);
    await until("the first value", () => last("air")?.value === -18);
    server.holding(1, 0, -120);
    await until("the next value", () => last("air")?.value === -12);
    expect(context.readings.every(({ quality, backfill }) => quality === "good" && !backfill)).toBe(true);
  });

  it("reads adjacent registers with one request, and no more than the device gives at once", async () => {
    server.holding(1, 100, 1, 2, 3, 4, 5);
    const points = [100, 101, 102, 103, 104].map((address) => point(`p${address}`, 1, { address }));
    await open({ units: [{ unit: 1, maxRegisters: 3 }] }, points);
    await until("all five", () => good("p104").length > 1);
    const blocks = new Set(server.asked.map(({ address, count }) => `${address}+${count}`));
    expect(blocks).toEqual(new Set(["100+3", "103+2"]));
  });

  it("reads the neighbours of a register that the device does not have, and says which it refuses", async () => {
    server.holding(1, 0, 10);
    server.holding(1, 2, 30);
    await open(
      {},
      [0, 1, 2].map((address) => point(`p${address}`, 1, { address })),
    );
    await until("the neighbours", () => good("p0").length > 1 && good("p2").length > 1);
    expect(last("p1")).toMatchObject({ value: null, quality: "bad", reason: "modbus-illegal-address" });
    expect(context.lastState).toMatchObject({ state: "degraded", code: "registers-refused" });
    expect(context.lastState?.message).toMatch(/没有这个寄存器 · the device has no such register/);
    expect(context.refusals).toHaveLength(1);
    const asBlock = server.asked.filter(({ count }) => count > 1);
    expect(asBlock).toHaveLength(1);
  });

  it("keeps the pace of the neighbours of a dead unit, asks it ever more seldom, and hears it when it is back", async () => {
    for (const unit of [1, 2, 3]) server.holding(unit, 0, unit * 10);
    server.behave({ unit: 2, as: "dead" });
    await open(
      { tries: 1 },
      [1, 2, 3].map((unit) => point(`p${unit}`, unit, tenths)),
    );
    await until("the dead one is known", () => last("p2")?.reason === "modbus-timeout");
    await until("its neighbours go on", () => good("p1").length > 15 && good("p3").length > 15);
    const askedDead = server.asked.filter(({ unit }) => unit === 2).length;
    expect(askedDead).toBeLessThan(server.asked.filter(({ unit }) => unit === 1).length / 2);
    expect(context.lastState).toMatchObject({ state: "degraded", code: "units-silent" });
    expect(context.lastState?.message).toMatch(/2 号站 \(unit 2\): 没有应答/);
    server.behave({ unit: 2, as: "ok" });
    await until("it is heard again", () => last("p2")?.value === 2);
    await until("the source is in order", () => context.lastState?.state === "ok");
  });

  it("gives a slow unit its own time", async () => {
    server.holding(1, 0, 10);
    server.holding(2, 0, 20);
    server.behave({ unit: 2, as: "slow", delayMs: 400 });
    const units = [{ unit: 2, timeoutMs: 3_000 }];
    await open({ units }, [point("p1", 1, tenths), point("p2", 2, tenths)]);
    await until("both", () => good("p1").length > 1 && good("p2").length > 1);
    expect(context.readings.filter(({ quality }) => quality === "bad")).toEqual([]);
  });

  it("never takes a late answer for the answer to another question", async () => {
    server.holding(1, 0, 111);
    server.holding(1, 50, 555);
    server.behave({ unit: 1, as: "slow", delayMs: 400 });
    await open({ tries: 1 }, [point("a", 1, { address: 0 }), point("b", 1, { address: 50 })]);
    await until("it counts as silent", () => last("a")?.reason === "modbus-timeout");
    server.behave({ unit: 1, as: "ok" });
    await until("both", () => good("a").length > 1 && good("b").length > 1);
    expect(new Set(good("a").map(({ value }) => value))).toEqual(new Set([111]));
    expect(new Set(good("b").map(({ value }) => value))).toEqual(new Set([555]));
  });

  it("tries again while the device is busy, then says so", async () => {
    server.holding(1, 0, 10);
    server.behave({ unit: 1, as: "busy" });
    await open({ tries: 2 }, [point("p", 1, tenths)]);
    await until("it is refused", () => last("p")?.reason === "modbus-device-busy");
    expect(context.lastState?.message).toMatch(/设备忙 · the device is busy/);
    server.behave({ unit: 1, as: "ok" });
    await until("it comes", () => last("p")?.value === 1);
  });

  it("gives no number for sentinels, extremes and what the document rules out", async () => {
    server.holding(1, 0, -999, 0x7fff, 5_000, 0x8000);
    await open({}, [
      point("sentinel", 1, { address: 0, sentinels: [{ raw: -999, reason: "probe-open" }] }),
      point("highest", 1, { address: 1 }),
      point("ruled-out", 1, { address: 2, validRaw: { min: -2_000, max: 2_000 } }),
      point("lowest", 1, { address: 3 }),
    ]);
    await until("all four", () => context.readings.length >= 4);
    expect(context.readings.slice(0, 4).map(({ value, reason }) => [value, reason])).toEqual([
      [null, "probe-open"],
      [null, "sensor-fault"],
      [null, "register-out-of-range"],
      [null, "sensor-fault"],
    ]);
  });

  it("says when the server is killed, and goes on when it is back", async () => {
    server.holding(1, 0, 10);
    await open({}, [point("p", 1, tenths)]);
    await until("the first value", () => good("p").length > 0);
    await server.kill();
    await until("it is offline", () => context.lastState?.state === "offline");
    expect(context.states.map(({ code }) => code)).toContain("connection-lost");
    await server.restart();
    server.holding(1, 0, 77);
    await until("the value of the new one", () => last("p")?.value === 7.7);
    await until("it is in order", () => context.lastState?.state === "ok");
  });

  it("finds a half-open link by its silence and recovers when it carries again", async () => {
    server.holding(1, 0, 10);
    const proxy = await startTcpProxy({ target: { port: server.port } });
    try {
      await open({ tries: 1 }, [point("p", 1, tenths)], proxy.port);
      await until("the first value", () => good("p").length > 0);
      proxy.blackhole();
      await until("nobody answers", () => context.lastState?.code === "no-unit-answers");
      expect(context.lastState?.state).toBe("offline");
      await proxy.restore();
      const before = good("p").length;
      await until("values again", () => good("p").length > before);
      proxy.resetConnections();
      await until("values after a reset", () => good("p").length > before + 3);
    } finally {
      await proxy.stop();
    }
  });

  it("speaks RTU through a serial server", async () => {
    server.holding(1, 0, -185, -190);
    server.set({ unit: 1, kind: "coil", address: 3, value: 1 });
    server.holding(2, 0, 40);
    server.behave({ unit: 2, as: "dead" });
    const connection = { kind: "rtu-over-tcp", host: "127.0.0.1", port: server.rtuPort, quietMs: 5 };
    await open({ connection, tries: 1 }, [
      point("a", 1, tenths),
      point("b", 1, { address: 1, scale: 0.1 }),
      point("coil", 1, { kind: "coil", address: 3 }),
      point("none", 1, { kind: "input", address: 9 }),
      point("dead", 2, tenths),
    ]);
    await until("all of unit 1", () => good("a").length > 3 && good("b").length > 3 && good("coil").length > 3);
    await until("the dead one", () => last("dead")?.reason === "modbus-timeout");
    expect([last("a")?.value, last("b")?.value, last("coil")?.value]).toEqual([-18.5, -19, 1]);
    expect(last("none")?.reason).toBe("modbus-illegal-address");
    server.behave({ unit: 2, as: "ok" });
    await until("it is back", () => last("dead")?.value === 4);
  });

  it("lists the map's registers that no point uses, with an address a point could have", async () => {
    server.holding(1, 1367, 0x0100, -180);
    server.holding(1, 1281, 1);
    await open({ units: [{ unit: 1, map: "penn-tc3223" }] }, [point("defrost", 1, "defrost")]);
    await until("defrost", () => last("defrost")?.value === 1);
    await until("the rest", () => context.discoveries.length === 3);
    const setpoint = context.discoveries.find(({ label }) => label.includes("setpoint"));
    expect(setpoint).toMatchObject({ address: { unit: 1, register: "setpoint" }, unit: "Cel", value: -18 });
    for (const { address } of context.discoveries) expect(modbus.address.safeParse(address).success).toBe(true);
  });

  it("takes a unit's own registers, base and unit of temperature before the map's", async () => {
    server.holding(7, 2531, 212, 320);
    const units = [{ unit: 7, map: "danfoss-ak-cc55-compact", addressBase: 1, temperatureUnit: "[degF]" }];
    await open({ units }, [point("air", 7, "thermostat-air"), point("nowhere", 7, "no-such-register")]);
    await until("a value", () => good("air").length > 0);
    expect(last("air")).toMatchObject({ value: 21.2, unit: "[degF]" });
    await until("it says what is missing", () => context.lastState?.code === "registers-unknown");
    expect(context.lastState?.message).toMatch(/nowhere: unit 7 has no register "no-such-register"/);
  });

  it("keeps what it read while the journal takes nothing", async () => {
    server.holding(1, 0, 10);
    let isFull = true;
    context.journal = () => (isFull ? Promise.reject(new Error("full")) : Promise.resolve());
    await open({}, [point("p", 1, tenths)]);
    await until("it says so", () => context.lastState?.code === "journal-not-writable");
    expect(context.readings).toEqual([]);
    isFull = false;
    await until("all of it", () => good("p").length > 2 && context.lastState?.state === "ok");
  });
});

describe("the source modbus against answers no server should give", { timeout: 60_000 }, () => {
  let context: RecordingContext;
  let server: Server | undefined;
  let source: Part | undefined;

  beforeEach(async () => {
    context = await recordingContext();
  });

  afterEach(async () => {
    await source?.stop();
    server?.close();
    await context.remove();
  });

  /** Answers each request with what `answer` makes of it. */
  const against = async (answer: (request: Buffer, socket: Socket) => Buffer | undefined): Promise<void> => {
    const listening = createServer((socket) => {
      socket.on("error", () => undefined);
      socket.on("data", (request) => {
        const bytes = answer(request, socket);
        if (bytes !== undefined) socket.write(bytes);
      });
    });
    server = listening;
    await new Promise<void>((resolve) => {
      listening.listen(0, "127.0.0.1", resolve);
    });
    const address = listening.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const options = modbus.options.parse({ connection: { kind: "tcp", host: "127.0.0.1", port }, ...quick, tries: 1 });
    source = modbus.open(options, [point("p", 9, tenths)], context);
    await source.start();
  };
  const right = (request: Buffer, value: number): Buffer => {
    const head = Buffer.from([0, 0, 0, 0, 0, 5, 9, 3, 2, value >> 8, value & 0xff]);
    request.copy(head, 0, 0, 2);
    return head;
  };
  const reasons = (): Set<string | null> => new Set(context.readings.map(({ reason }) => reason));

  it("takes no answer of another unit", async () => {
    await against((request) => {
      const bytes = right(request, 5);
      bytes.writeUInt8(8, 6);
      return bytes;
    });
    await until("it is refused", () => context.readings.length > 0);
    expect(reasons()).toEqual(new Set(["modbus-wrong-answer"]));
    expect(context.lastState?.message).toMatch(/unit 8, expected 9/);
  });

  it("skips the answer to an earlier request and takes its own", async () => {
    await against((request) => {
      const stale = right(request, 1);
      stale.writeUInt16BE((request.readUInt16BE(0) + 0xffff) & 0xffff, 0);
      return Buffer.concat([stale, right(request, 50)]);
    });
    await until("a value", () => context.readings.length > 2);
    expect(new Set(context.readings.map(({ value }) => value))).toEqual(new Set([5]));
  });

  it("takes no answer of another length or function", async () => {
    let count = 0;
    await against((request) => {
      count += 1;
      const bytes = right(request, 5);
      if (count % 2 === 0) bytes.writeUInt8(4, 7);
      else bytes.writeUInt8(1, 8);
      return bytes;
    });
    await until("it is refused", () => context.readings.length > 1);
    expect(reasons()).toEqual(new Set(["modbus-wrong-answer"]));
  });

  it("waits for an answer in pieces, and calls a torn one garbled", async () => {
    let isTorn = false;
    await against((request, socket) => {
      const bytes = right(request, 50);
      socket.write(bytes.subarray(0, 8));
      if (!isTorn) setTimeout(() => socket.write(bytes.subarray(8)), 20);
      return undefined;
    });
    await until("a value in pieces", () => context.readings.some(({ value }) => value === 5));
    isTorn = true;
    await until("a torn one", () => reasons().has("modbus-garbled"));
    expect(context.readings.every(({ value }) => value === 5 || value === null)).toBe(true);
  });

  it("opens a connection anew on which nobody answers any more", async () => {
    let connections = 0;
    const known = new Set<Socket>();
    await against((request, socket) => {
      if (!known.has(socket)) connections += 1;
      known.add(socket);
      return connections > 1 ? right(request, 50) : undefined;
    });
    await until("a value on the second connection", () => context.readings.some(({ value }) => value === 5));
    expect(connections).toBe(2);
    expect(context.states.some(({ message }) => message.includes("connecting anew"))).toBe(true);
  });

  it("drops a connection that speaks something else and tries again", async () => {
    let connections = 0;
    await against(() => {
      connections += 1;
      return Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n");
    });
    await until("it came back", () => connections > 1);
    expect(reasons()).toEqual(new Set(["modbus-garbled"]));
    expect(context.states.some(({ message }) => message.includes("not Modbus TCP"))).toBe(true);
  });
});

it("asks for the base of a map whose document does not say it", () => {
  const options = {
    connection: { kind: "tcp", host: "h" },
    units: [{ unit: 1, map: "ako-16526" }],
  };
  const refused = modbus.options.safeParse(options);
  expect(refused.error?.issues.map(({ message }) => message).join()).toMatch(/counts from 0 or 1/);
  const units = [{ unit: 1, map: "ako-16526", addressBase: 0 }];
  expect(modbus.options.safeParse({ ...options, units }).success).toBe(true);
});
