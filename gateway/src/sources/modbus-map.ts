import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { FrostlightError } from "@frostlight/kernel";
import { z } from "zod";

import { units } from "../core/units.ts";
import { isBits, registerKinds } from "./modbus-frames.ts";

const name = z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/, "expected lower-case letters, digits and dashes");
const rawNumber = z.number().finite();

/** Keys of a register besides its name; a point may give them itself for a device without a map. */
const registerShape = {
  kind: z.enum(registerKinds).default("holding"),
  /** As the map counts, see `addressBase`; from 0 where a point gives the register itself. */
  address: z.int().min(0).max(65_535),
  /** Of holding and input registers; two registers for 32 bits. */
  type: z.enum(["int16", "uint16", "int32", "uint32", "float32"]).default("int16"),
  /** Of 32-bit values: which register comes first. */
  wordOrder: z.enum(["high-first", "low-first"]).default("high-first"),
  /** Bits of a register: the lowest (0..15) and how many. Sign is not kept. */
  bits: z.strictObject({ from: z.int().min(0).max(15), count: z.int().min(1).max(16).default(1) }).optional(),
  /** The value is 1 when the raw number is one of these, otherwise 0: states such as "defrost" in a list of states. */
  trueWhen: z.array(rawNumber).min(1).max(32).optional(),
  /** value = raw × scale + offset. */
  scale: z
    .number()
    .refine((scale) => scale !== 0, "expected a number other than 0")
    .default(1),
  offset: z.number().default(0),
  unit: z.enum(units).optional(),
  /** Raw numbers that say "no value", each with its reason. */
  sentinels: z
    .array(z.strictObject({ raw: rawNumber, reason: name }))
    .max(16)
    .default([]),
  /** Raw numbers the document allows; outside: bad, reason `register-out-of-range`. */
  validRaw: z.strictObject({ min: rawNumber, max: rawNumber }).optional(),
};

interface Shaped {
  readonly kind: (typeof registerKinds)[number];
  readonly address: number;
  readonly type: string;
  readonly bits?: { readonly from: number; readonly count: number } | undefined;
}

function checkShape(register: Shaped, context: z.core.$RefinementCtx<Shaped>): void {
  const complain = (path: string, message: string): void => {
    context.addIssue({ code: "custom", path: [path], message });
  };
  const isWide = register.type === "int32" || register.type === "uint32" || register.type === "float32";
  if (register.bits !== undefined) {
    if (isBits(register.kind) || isWide) complain("bits", "bits can be taken of 16-bit registers only");
    if (register.bits.from + register.bits.count > 16) complain("bits", "a register has 16 bits, 0 to 15");
  }
  if (isWide && !isBits(register.kind) && register.address === 65_535) {
    complain("address", "a 32-bit value does not fit at the last address");
  }
}

/** A register as a point describes it when no map does. */
export const inlineRegister = z.strictObject(registerShape).superRefine(checkShape);

const namedRegister = z
  .strictObject({
    ...registerShape,
    name,
    quantity: z
      .enum(["temperature", "humidity", "door", "defrost", "compressor", "power", "battery", "other"])
      .default("other"),
    /** For people. */
    note: z.string().min(1).max(300).optional(),
  })
  .superRefine(checkShape);
export type ModbusRegister = z.infer<typeof inlineRegister>;
export type NamedRegister = z.infer<typeof namedRegister>;

/** Registers of one device, in the configuration. */
export const registerList = z
  .array(namedRegister)
  .min(1)
  .max(500)
  .superRefine((registers, context) => {
    const seen = new Set<string>();
    for (const [index, register] of registers.entries()) {
      if (seen.has(register.name)) {
        context.addIssue({ code: "custom", path: [index, "name"], message: `"${register.name}" is used twice` });
      }
      seen.add(register.name);
    }
  });

/** A register map as a file: what is known of a device type, and from where. */
const modbusMap = z.strictObject({
  id: name,
  maker: z.string().min(1).max(80),
  device: z.string().min(1).max(120),
  /**
   * 0 or 1: what the document counts its registers from. "unverified": it does not say; then each unit of the configuration
   * has to give `addressBase`, found by comparing one value with the device's display.
   */
  addressBase: z.union([z.literal(0), z.literal(1), z.literal("unverified")]),
  /** Whether anybody of the project has read a real device with it. */
  testedOnHardware: z.boolean(),
  source: z.strictObject({
    document: z.string().min(1).max(300),
    /** maker: the maker's own document was read; secondary: somebody else's account of it. */
    kind: z.enum(["maker", "secondary"]),
    note: z.string().min(1).max(600),
  }),
  /** Most registers the device gives at once. */
  maxRegisters: z.int().min(1).max(125).default(32),
  registers: registerList,
});
export type ModbusMap = z.infer<typeof modbusMap>;

const folder = join(import.meta.dirname, "modbus-maps");

/** Names of the maps that come with the gateway. */
export const mapIds: readonly string[] = readdirSync(folder)
  .filter((file) => file.endsWith(".json"))
  .map((file) => file.slice(0, -".json".length))
  .toSorted();

/** Reads and checks a map that comes with the gateway. */
export function loadMap(id: string): ModbusMap {
  if (!mapIds.includes(id)) {
    throw new FrostlightError("modbus/unknown-map", "config", `unknown map "${id}", there are: ${mapIds.join(", ")}`);
  }
  return modbusMap.parse(JSON.parse(readFileSync(join(folder, `${id}.json`), "utf8")));
}
