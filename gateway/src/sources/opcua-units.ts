import type { Unit } from "../core/units.ts";
import type { AddressSpace } from "./opcua-space.ts";

/** UNECE Recommendation 20 codes as OPC UA writes them: the characters as bytes of a number (Part 8, section 5.6.3.3). */
const byUneceCode: Readonly<Record<string, Unit>> = {
  CEL: "Cel",
  FAH: "[degF]",
  KEL: "K",
  P1: "%",
  C62: "1",
  WTT: "W",
  VLT: "V",
};

const byText: readonly (readonly [RegExp, Unit])[] = [
  [/^(?:°\s?c|℃|deg\.?\s?c|cel|celsius|degrees? celsius)$/i, "Cel"],
  [/^(?:°\s?f|℉|deg\.?\s?f|\[degf\]|fahrenheit|degrees? fahrenheit)$/i, "[degF]"],
  [/^(?:k|kelvin)$/i, "K"],
  [/^(?:%|% ?rh|%rel\.? ?h\.?|percent)$/i, "%"],
  [/^(?:w|watt)$/i, "W"],
  [/^(?:v|volt)$/i, "V"],
];

/** What a node says about its unit: one of ours, or the text of another. */
export type ServerUnit =
  | { readonly kind: "known"; readonly unit: Unit }
  | { readonly kind: "other"; readonly text: string };

/** Reads an EUInformation value; undefined when it is none or says nothing. */
export function readEngineeringUnit(value: unknown): ServerUnit | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const unitId: unknown = Reflect.get(value, "unitId");
  const byCode = typeof unitId === "number" ? byUneceCode[uneceCode(unitId)] : undefined;
  if (byCode !== undefined) return { kind: "known", unit: byCode };
  const texts = [textOf(Reflect.get(value, "displayName")), textOf(Reflect.get(value, "description"))];
  for (const text of texts) {
    const found = byText.find(([pattern]) => pattern.test(text));
    if (found !== undefined) return { kind: "known", unit: found[1] };
  }
  const text = texts.find((one) => one !== "");
  return text === undefined ? undefined : { kind: "other", text: text.slice(0, 50) };
}

/** The unit of each node; undefined where the server says none. */
export async function readUnits(
  space: AddressSpace,
  nodeIds: readonly string[],
): Promise<readonly (ServerUnit | undefined)[]> {
  const properties = await space.properties(nodeIds, "EngineeringUnits");
  const values = await space.values(properties.filter((property) => property !== undefined));
  let at = 0;
  return properties.map((property) => {
    if (property === undefined) return undefined;
    const value: unknown = values[at]?.value.value;
    at += 1;
    return readEngineeringUnit(value);
  });
}

function uneceCode(unitId: number): string {
  const bytes = [24, 16, 8, 0].map((shift) => (unitId >>> shift) & 0xff).filter((byte) => byte > 0);
  return String.fromCharCode(...bytes);
}

function textOf(localised: unknown): string {
  if (typeof localised !== "object" || localised === null) return "";
  const text: unknown = Reflect.get(localised, "text");
  return typeof text === "string" ? text.trim() : "";
}
