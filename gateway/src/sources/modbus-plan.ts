import type { PointBinding } from "../core/source.ts";
import type { Unit } from "../core/units.ts";
import { loadMap, type ModbusMap, type NamedRegister } from "./modbus-map.ts";
import type { ModbusAddress, ModbusOptions, ModbusUnitOptions } from "./modbus-options.ts";
import type { WireRegister } from "./modbus-registers.ts";

type Binding = PointBinding<ModbusAddress>;

/** A register that at least one point wants. */
export interface WantedRegister extends WireRegister {
  readonly points: readonly { readonly pointId: string; readonly unit: Unit }[];
}

/** A register of the unit's list that no point uses: shown by discovery. */
interface SpareRegister extends WireRegister {
  readonly named: NamedRegister;
}

/** What one unit is asked. */
export interface UnitPlan {
  readonly unit: number;
  readonly device: string;
  readonly pollMs: number;
  readonly timeoutMs: number;
  readonly maxRegisters: number;
  readonly wanted: readonly WantedRegister[];
  readonly spare: readonly SpareRegister[];
}

export interface ModbusPlan {
  readonly units: readonly UnitPlan[];
  /** Points whose register is in no list. */
  readonly unknown: readonly { readonly pointId: string; readonly message: string }[];
}

/** Without a map nothing is known of a device; every one can give this much. */
const cautiousMaxRegisters = 16;

/** Puts configured units, their maps and the points together. */
export function planUnits(options: ModbusOptions, points: readonly Binding[]): ModbusPlan {
  const unknown: { pointId: string; message: string }[] = [];
  const ids = new Set([...options.units.map(({ unit }) => unit), ...points.map(({ address }) => address.unit)]);
  const units = [...ids].map((unit): UnitPlan => {
    const own = options.units.find((candidate) => candidate.unit === unit) ?? { unit };
    const map = own.map === undefined ? undefined : loadMap(own.map);
    const list = registersOf(own, map);
    const mine = points.filter(({ address }) => address.unit === unit);
    const wanted = new Map<string, WantedRegister>();
    for (const { pointId, unit: pointUnit, address } of mine) {
      const { register } = address;
      const key = typeof register === "string" ? register : JSON.stringify(register);
      const found =
        typeof register === "string"
          ? list.find(({ named }) => named.name === register)
          : { ...register, wireAddress: register.address };
      if (found === undefined) {
        const known = list.map(({ named }) => named.name).join(", ");
        const message = `unit ${unit} has no register "${key}", there are: ${known === "" ? "(none)" : known}`;
        unknown.push({ pointId, message });
        continue;
      }
      const point = { pointId, unit: found.unit ?? pointUnit };
      wanted.set(key, { ...found, points: [...(wanted.get(key)?.points ?? []), point] });
    }
    const pollMs = (own.pollSeconds ?? options.pollSeconds) * 1_000;
    return {
      unit,
      device: map?.device ?? "Modbus",
      // A point that expects a value more often than its unit is asked would be stale between two answers.
      pollMs: Math.min(pollMs, ...mine.map(({ expectedIntervalMs }) => expectedIntervalMs)),
      timeoutMs: own.timeoutMs ?? options.timeoutMs,
      maxRegisters: own.maxRegisters ?? map?.maxRegisters ?? cautiousMaxRegisters,
      wanted: [...wanted.values()],
      spare: list.filter(({ named }) => !wanted.has(named.name)),
    };
  });
  return { units, unknown };
}

function registersOf(
  own: Pick<ModbusUnitOptions, "registers" | "addressBase" | "temperatureUnit">,
  map: ModbusMap | undefined,
): SpareRegister[] {
  const mapBase = own.addressBase ?? (map?.addressBase === "unverified" ? 0 : map?.addressBase) ?? 0;
  const listed: readonly (readonly [NamedRegister, number])[] = [
    // What the configuration says replaces the map's register of that name.
    ...(map?.registers ?? [])
      .filter(({ name }) => own.registers?.every((register) => register.name !== name) ?? true)
      .map((register) => [register, mapBase] as const),
    ...(own.registers ?? []).map((register) => [register, own.addressBase ?? 0] as const),
  ];
  return listed.map(([named, base]) => {
    const { name: _name, quantity, note: _note, ...register } = named;
    const unit = quantity === "temperature" ? (own.temperatureUnit ?? register.unit) : register.unit;
    return {
      ...register,
      ...(unit === undefined ? {} : { unit }),
      wireAddress: Math.max(0, register.address - base),
      named,
    };
  });
}
