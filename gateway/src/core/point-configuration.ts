import type { Quantity } from "@frostlight/contract";

import type { DiscoveredPoint } from "./discovery.ts";
import type { Unit } from "./units.ts";

/** What a person chooses for a discovered point; what is left out is proposed. */
export interface PointChoice {
  readonly id?: string;
  readonly zone?: string;
  readonly name?: { readonly zh: string; readonly en: string };
}

type Found = Pick<DiscoveredPoint, "sourceId" | "label" | "address" | "quantity" | "unit">;

const maxIdLength = 64;
/** The unit a quantity is kept in, and other units a source may report it in. */
const storedUnits: Readonly<Record<Quantity, Unit>> = {
  temperature: "Cel",
  humidity: "%",
  door: "1",
  defrost: "1",
  compressor: "1",
  power: "W",
  battery: "%",
  other: "1",
};
const names: Readonly<Record<Quantity, { readonly zh: string; readonly en: string }>> = {
  temperature: { zh: "温度", en: "Temperature" },
  humidity: { zh: "湿度", en: "Humidity" },
  door: { zh: "门", en: "Door" },
  defrost: { zh: "化霜", en: "Defrost" },
  compressor: { zh: "压缩机", en: "Compressor" },
  power: { zh: "功率", en: "Power" },
  battery: { zh: "电池", en: "Battery" },
  other: { zh: "测量值", en: "Value" },
};

/** An entry of the configuration's `points:`, as it is before defaults are filled in. */
export interface PointEntry {
  readonly id: string;
  /** Undefined: not chosen yet; then the entry is not valid. */
  readonly zone: string | undefined;
  readonly name: { readonly zh: string; readonly en: string };
  readonly quantity: Quantity;
  readonly unit: Unit;
  readonly sourceUnit?: Unit;
  readonly source: string;
  readonly address: unknown;
}

/** The entry for something that was discovered. */
export function toEntry(found: Found, choice: PointChoice = {}): PointEntry {
  const { quantity, unit } = found;
  const stored = isTemperature(unit) ? "Cel" : (unit ?? storedUnits[quantity]);
  return {
    id: choice.id ?? proposedId(found.label),
    zone: choice.zone,
    name: choice.name ?? proposedName(found),
    quantity,
    unit: stored,
    ...(unit === null || unit === stored ? {} : { sourceUnit: unit }),
    source: found.sourceId,
    address: found.address,
  };
}

/**
 * A ready entry of the configuration's `points:` for something that was discovered, as lines of YAML (two spaces deep).
 * Without a zone it says so in a comment: then the entry is not valid until one is named.
 */
export function toConfiguration(found: Found, choice: PointChoice = {}): readonly string[] {
  const { id, zone, name, quantity, unit, sourceUnit, source, address } = toEntry(found, choice);
  return [
    `  - id: ${quoted(id)}`,
    zone === undefined
      ? '    zone: "" # the room it hangs in: one of the ids under zones'
      : `    zone: ${quoted(zone)}`,
    `    name: { zh: ${quoted(name.zh)}, en: ${quoted(name.en)} }`,
    `    quantity: ${quantity}`,
    `    unit: ${quoted(unit)}`,
    ...(sourceUnit === undefined ? [] : [`    sourceUnit: ${quoted(sourceUnit)}`]),
    `    source: ${quoted(source)}`,
    `    address: ${flow(address)}`,
  ];
}

/** An identifier made of the label: its letters and digits, the last of them where it is too long. */
export function proposedId(label: string): string {
  const words = label.normalize("NFKD").replaceAll(/[^A-Za-z0-9]+/g, "-");
  const id = words.slice(-maxIdLength).replaceAll(/^-+|-+$/g, "");
  return id === "" ? "point" : id;
}

function proposedName({ label, quantity }: Found): { readonly zh: string; readonly en: string } {
  const { zh, en } = names[quantity];
  const short = label.slice(-120);
  return { zh: `${zh} ${short}`, en: `${en} ${short}` };
}

function isTemperature(unit: Unit | null): boolean {
  return unit === "Cel" || unit === "[degF]" || unit === "K";
}

/** JSON is YAML: a string in double quotes, with what YAML 1.2 does not take as it is escaped. */
export function quoted(text: string): string {
  return JSON.stringify(text).replaceAll(/[\u007F-\u009F\u2028\u2029\uFEFF]/g, escape);
}

function escape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** A value in YAML's flow style, with keys bare where they can be. */
function flow(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(flow).join(", ")}]`;
  if (typeof value === "object" && value !== null) {
    const fields = Object.entries(value).filter(([, field]) => field !== undefined);
    return fields.length === 0
      ? "{}"
      : `{ ${fields.map(([key, field]) => `${keyOf(key)}: ${flow(field)}`).join(", ")} }`;
  }
  return typeof value === "string" ? quoted(value) : (JSON.stringify(value) ?? "null");
}

function keyOf(key: string): string {
  // "on", "off", "true" … as bare keys would not be strings everywhere.
  return /^[A-Za-z][A-Za-z0-9]*$/.test(key) && !/^(?:y|n|yes|no|on|off|true|false|null)$/i.test(key)
    ? key
    : quoted(key);
}
