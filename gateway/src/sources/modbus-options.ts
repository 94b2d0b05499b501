import { z } from "zod";

import { inlineRegister, loadMap, mapIds, registerList } from "./modbus-map.ts";

const unitId = z.int().min(0).max(255);
const host = z.string().min(1).max(253);
const connectTimeoutMs = z.int().min(100).max(60_000).default(5_000);
/** Silence between two frames; 3.5 characters are 4 ms at 9600 baud. */
const quietMs = z.int().min(0).max(1_000).default(20);

const connection = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("tcp"), host, port: z.int().min(1).max(65_535).default(502), connectTimeoutMs }),
  /** A serial server that passes the bytes of the bus through unchanged. */
  z.strictObject({
    kind: z.literal("rtu-over-tcp"),
    host,
    port: z.int().min(1).max(65_535),
    connectTimeoutMs,
    quietMs,
  }),
  z.strictObject({
    kind: z.literal("serial"),
    path: z.string().regex(/^\/dev\/\S+$/, "expected a device such as /dev/ttyUSB0"),
    baudRate: z.int().min(300).max(1_000_000).default(9_600),
    dataBits: z.union([z.literal(7), z.literal(8)]).default(8),
    stopBits: z.union([z.literal(1), z.literal(2)]).default(1),
    /** The specification's default is even; most refrigeration controllers come with none. */
    parity: z.enum(["none", "even", "odd"]).default("none"),
    quietMs,
  }),
]);
export type ModbusConnection = z.infer<typeof connection>;

const unitOptions = z
  .strictObject({
    unit: unitId,
    /** A map that comes with the gateway … */
    map: z.enum(mapIds).optional(),
    /** … or the registers themselves, or more of them; addresses count from `addressBase`. */
    registers: registerList.optional(),
    /** What the addresses count from, 0 or 1; needed where the map's document does not say. */
    addressBase: z.union([z.literal(0), z.literal(1)]).optional(),
    /** Where the controller is set to show another unit than its map says. */
    temperatureUnit: z.enum(["Cel", "[degF]"]).optional(),
    pollSeconds: z.number().min(0.1).max(3_600).optional(),
    timeoutMs: z.int().min(20).max(60_000).optional(),
    maxRegisters: z.int().min(1).max(125).optional(),
  })
  .superRefine((unit, context) => {
    for (const [index, { address }] of (unit.registers ?? []).entries()) {
      if (address >= (unit.addressBase ?? 0)) continue;
      const message = "addresses of this unit count from 1";
      context.addIssue({ code: "custom", path: ["registers", index, "address"], message });
    }
    if (unit.map === undefined || unit.addressBase !== undefined) return;
    if (loadMap(unit.map).addressBase !== "unverified") return;
    context.addIssue({
      code: "custom",
      path: ["addressBase"],
      message: `the document behind map "${unit.map}" does not say whether it counts from 0 or 1: compare one value with the device's display and set 0 or 1`,
    });
  });
export type ModbusUnitOptions = z.infer<typeof unitOptions>;

export const modbusOptions = z.strictObject({
  connection,
  units: z
    .array(unitOptions)
    .max(247)
    .default([])
    .superRefine((units, context) => {
      const seen = new Set<number>();
      for (const [index, { unit }] of units.entries()) {
        if (seen.has(unit)) {
          context.addIssue({ code: "custom", path: [index, "unit"], message: `unit ${unit} is listed twice` });
        }
        seen.add(unit);
      }
    }),
  pollSeconds: z.number().min(0.1).max(3_600).default(30),
  /** How long one answer may take. */
  timeoutMs: z.int().min(20).max(60_000).default(1_000),
  /** Tries of one request before its unit counts as silent. */
  tries: z.int().min(1).max(5).default(2),
  /** A silent unit is asked less and less often, up to this, so that its neighbours on the bus keep their pace. */
  silentUnitSeconds: z.number().min(1).max(3_600).default(300),
  /** Unused registers that may lie between two that are read together; 0: only adjacent ones are. */
  maxGap: z.int().min(0).max(32).default(0),
});
export type ModbusOptions = z.infer<typeof modbusOptions>;

/** Where a point is found: the name of a register in the unit's list, or the register itself. */
export const modbusAddress = z.strictObject({
  unit: unitId,
  register: z.union([z.string().min(1).max(64), inlineRegister]),
});
export type ModbusAddress = z.infer<typeof modbusAddress>;
