/**
 * A real Modbus TCP server (modbus-serial) with several units, and the same units behind a serial server that speaks RTU over
 * TCP, as a process of its own:
 *
 *   node tests/sims/modbus-server.ts --port N [--rtu-port N]
 *
 * Reads JSON lines from stdin: `{"set":{"unit":1,"kind":"holding","address":0,"value":5}}`,
 * `{"behave":{"unit":1,"as":"dead"}}` (also "slow" with `delayMs`, "busy", "ok"). Every block that is asked for is told on
 * stdout: `{"asked":{"unit":1,"kind":"holding","address":0,"count":2}}`.
 */
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";

import modbusSerial, { type FCallbackVal, type IServiceVector } from "modbus-serial";

import { runSimulator } from "./sim-process.ts";

type Kind = "holding" | "input" | "coil" | "discrete";

export interface ModbusSetting {
  readonly unit: number;
  readonly kind: Kind;
  readonly address: number;
  readonly value: number;
}

export type ModbusBehaviour =
  | { readonly unit: number; readonly as: "ok" | "dead" | "busy" }
  | { readonly unit: number; readonly as: "slow"; readonly delayMs: number };

type Order = { readonly set: ModbusSetting } | { readonly behave: ModbusBehaviour };

const registers = new Map<string, number>();
const behaviours = new Map<number, ModbusBehaviour>();

class ModbusException extends Error {
  readonly modbusErrorCode: number;

  constructor(code: number) {
    super(`exception ${code}`);
    this.modbusErrorCode = code;
  }
}

/** Values of a block, after the unit's way of behaving. */
async function read(kind: Kind, address: number, count: number, unit: number): Promise<number[]> {
  process.stdout.write(`${JSON.stringify({ asked: { unit, kind, address, count } })}\n`);
  const behaviour = behaviours.get(unit);
  if (behaviour?.as === "dead") await new Promise<never>(() => undefined);
  if (behaviour?.as === "busy") throw new ModbusException(6);
  if (behaviour?.as === "slow") await new Promise((resolve) => setTimeout(resolve, behaviour.delayMs));
  return Array.from({ length: count }, (_, index) => {
    const value = registers.get(`${unit} ${kind} ${address + index}`);
    if (value === undefined) throw new ModbusException(2);
    return value & 0xffff;
  });
}

/** The library's callback form: its promise form takes no blocks. */
function readBlock(kind: Kind) {
  return (address: number, count: number, unit: number, done: FCallbackVal<number[]>): void => {
    void (async () => {
      try {
        done(null, await read(kind, address, count, unit));
      } catch (error) {
        done(error instanceof Error ? error : new Error(String(error)), []);
      }
    })();
  };
}

const first = async (values: Promise<number[]>): Promise<number> => (await values)[0] ?? 0;

const vector = {
  getHoldingRegister: (address: number, unit: number) => first(read("holding", address, 1, unit)),
  getInputRegister: (address: number, unit: number) => first(read("input", address, 1, unit)),
  getMultipleHoldingRegisters: readBlock("holding"),
  getMultipleInputRegisters: readBlock("input"),
  getCoil: async (address: number, unit: number) => (await first(read("coil", address, 1, unit))) !== 0,
  getDiscreteInput: async (address: number, unit: number) => (await first(read("discrete", address, 1, unit))) !== 0,
} satisfies IServiceVector;

/** CRC-16 of Modbus, bit by bit from the polynomial x^16 + x^15 + x^2 + 1, reflected. */
function crc16(bytes: Uint8Array): number {
  let remainder = 0xffff;
  for (const byte of bytes) {
    for (let bit = 0; bit < 8; bit += 1) {
      const isOdd = ((remainder ^ (byte >> bit)) & 1) === 1;
      remainder = (remainder >> 1) ^ (isOdd ? 0xa001 : 0);
    }
  }
  return remainder;
}

const kinds: Readonly<Record<number, Kind>> = { 1: "coil", 2: "discrete", 3: "holding", 4: "input" };

/** What a serial server does: passes RTU frames to the bus and back. Requests are all 8 bytes long. */
function serveRtu(socket: Socket): void {
  let received = Buffer.alloc(0);
  socket.on("error", () => undefined);
  socket.on("data", (chunk) => {
    received = Buffer.concat([received, chunk]);
    for (; received.length >= 8; received = received.subarray(8))
      void answerRtu(socket, Buffer.from(received.subarray(0, 8)));
  });
}

async function answerRtu(socket: Socket, request: Buffer): Promise<void> {
  if (crc16(request.subarray(0, 6)) !== request.readUInt16LE(6)) return; // a device stays silent
  const unit = request.readUInt8(0);
  const code = request.readUInt8(1);
  const kind = kinds[code];
  const send = (...bytes: readonly number[]): void => {
    const frame = Buffer.from([unit, ...bytes, 0, 0]);
    frame.writeUInt16LE(crc16(frame.subarray(0, -2)), frame.length - 2);
    socket.write(frame);
  };
  if (kind === undefined) return send(code | 0x80, 1);
  try {
    const values = await read(kind, request.readUInt16BE(2), request.readUInt16BE(4), unit);
    if (code > 2) return send(code, values.length * 2, ...values.flatMap((value) => [value >> 8, value & 0xff]));
    const bytes = Array.from({ length: Math.ceil(values.length / 8) }, () => 0);
    for (const [index, value] of values.entries())
      bytes[index >> 3] = (bytes[index >> 3] ?? 0) | (value << (index & 7));
    return send(code, bytes.length, ...bytes);
  } catch (error) {
    return send(code | 0x80, error instanceof ModbusException ? error.modbusErrorCode : 4);
  }
}

function obey(order: Order): void {
  if ("behave" in order) behaviours.set(order.behave.unit, order.behave);
  else registers.set(`${order.set.unit} ${order.set.kind} ${order.set.address}`, order.set.value);
}

const { values } = parseArgs({ options: { port: { type: "string" }, "rtu-port": { type: "string" } } });

runSimulator(async () => {
  const port = Number(values.port);
  const server = new modbusSerial.ServerTCP(vector, { host: "127.0.0.1", port });
  await once(server, "initialized");
  const rtu = createServer(serveRtu);
  if (values["rtu-port"] !== undefined) {
    rtu.listen(Number(values["rtu-port"]), "127.0.0.1");
    await once(rtu, "listening");
  }
  createInterface({ input: process.stdin }).on("line", (line) => {
    obey(JSON.parse(line) as Order); // our own tests write these
    process.stdout.write(`${JSON.stringify({ obeyed: true })}\n`);
  });
  return {
    ready: { port },
    stop: async () => {
      for (const socket of server.socks.keys()) socket.destroy();
      await new Promise<void>((resolve) => {
        server.close(() => {
          resolve();
        });
      });
      rtu.close();
    },
  };
});
