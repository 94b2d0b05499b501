import { isBits, type RegisterKind } from "./modbus-frames.ts";
import type { ModbusRegister } from "./modbus-map.ts";

/** A register with its address as it goes over the wire, counted from 0. */
export interface WireRegister extends ModbusRegister {
  readonly wireAddress: number;
}

/** Registers that one request reads. */
export interface Block<R extends WireRegister = WireRegister> {
  readonly kind: RegisterKind;
  readonly address: number;
  readonly count: number;
  readonly registers: readonly R[];
}

/** A bit request may ask for 2000 (Application Protocol V1.1b3, section 6.1); this is plenty. */
const maxBits = 512;

/** Registers or bits that a value takes. */
function widthOf(register: ModbusRegister): number {
  if (isBits(register.kind)) return 1;
  return register.type === "int16" || register.type === "uint16" ? 1 : 2;
}

/** Puts registers that lie side by side into as few requests as the limits allow; a value is never split. */
export function planBlocks<R extends WireRegister>(
  registers: readonly R[],
  limits: { readonly maxRegisters: number; readonly maxGap: number },
): readonly Block<R>[] {
  const sorted = registers.toSorted((a, b) => a.kind.localeCompare(b.kind) || a.wireAddress - b.wireAddress);
  const blocks: Block<R>[] = [];
  for (const register of sorted) {
    const last = blocks.at(-1);
    const end = register.wireAddress + widthOf(register);
    const most = isBits(register.kind) ? maxBits : Math.max(limits.maxRegisters, widthOf(register));
    const fits =
      last !== undefined &&
      last.kind === register.kind &&
      register.wireAddress - (last.address + last.count) <= limits.maxGap &&
      end - last.address <= most;
    if (fits) {
      const count = Math.max(last.count, end - last.address);
      blocks[blocks.length - 1] = { ...last, count, registers: [...last.registers, register] };
    } else {
      blocks.push({
        kind: register.kind,
        address: register.wireAddress,
        count: widthOf(register),
        registers: [register],
      });
    }
  }
  return blocks;
}

/** What a register says. */
export interface RegisterValue {
  readonly value: number | null;
  /** Why there is no value. */
  readonly reason: string | null;
}

/** Takes a register's value out of the block it was read with. */
export function readRegister(register: WireRegister, block: Block, values: readonly number[]): RegisterValue {
  const start = register.wireAddress - block.address;
  const words = values.slice(start, start + widthOf(register));
  const raw = rawOf(register, words);
  const sentinel = register.sentinels.find((candidate) => candidate.raw === raw);
  if (sentinel !== undefined) return { value: null, reason: sentinel.reason };
  if (!Number.isFinite(raw)) return { value: null, reason: "not-finite" };
  // The ends of the range are what a controller shows for a broken or missing probe.
  if (register.type === "int16" && !isBits(register.kind) && register.bits === undefined && isExtreme(raw)) {
    return { value: null, reason: "sensor-fault" };
  }
  const { validRaw, trueWhen } = register;
  if (validRaw !== undefined && (raw < validRaw.min || raw > validRaw.max)) {
    return { value: null, reason: "register-out-of-range" };
  }
  const plain = trueWhen === undefined ? raw : Number(trueWhen.includes(raw));
  return { value: scaled(plain, register.scale, register.offset), reason: null };
}

function rawOf(register: ModbusRegister, words: readonly number[]): number {
  const [first = 0, second = 0] = words;
  if (isBits(register.kind)) return first;
  if (register.bits !== undefined) return (first >>> register.bits.from) & (2 ** register.bits.count - 1);
  if (register.type === "uint16") return first;
  if (register.type === "int16") return (first << 16) >> 16;
  const [high, low] = register.wordOrder === "high-first" ? [first, second] : [second, first];
  const bytes = Buffer.alloc(4);
  bytes.writeUInt16BE(high, 0);
  bytes.writeUInt16BE(low, 2);
  if (register.type === "uint32") return bytes.readUInt32BE(0);
  if (register.type === "int32") return bytes.readInt32BE(0);
  const exact = bytes.readFloatBE(0);
  // A float holds 7 digits: 79.1 arrives as 79.0999984741211. The short form is the same float.
  const short = Number(exact.toPrecision(7));
  return Math.fround(short) === exact ? short : exact;
}

function isExtreme(raw: number): boolean {
  return raw === 0x7fff || raw === -0x8000;
}

/** -183 × 0.1 is -18.3 and not -18.300000000000001. */
function scaled(raw: number, scale: number, offset: number): number {
  if (scale === 1 && offset === 0) return raw;
  const value = raw * scale + offset;
  return Math.abs(value) < 1e6 ? Math.round(value * 1e9) / 1e9 : value;
}
