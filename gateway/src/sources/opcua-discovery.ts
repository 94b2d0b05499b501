import type { Quantity } from "@frostlight/contract";
import type { Clock } from "@frostlight/kernel";
import type { DataValue } from "node-opcua-client";

import type { Discovery } from "../core/discovery.ts";
import type { Unit } from "../core/units.ts";
import type { OpcUaOptions } from "./opcua-options.ts";
import { escapeName } from "./opcua-path.ts";
import { type AddressSpace, chunks, objectsFolder, type SpaceNode } from "./opcua-space.ts";
import { readEngineeringUnit } from "./opcua-units.ts";
import { readDataValue } from "./opcua-value.ts";

/** The server's description of itself: thousands of nodes, none of them a measurement. */
const serverObject = "ns=0;i=2253";
const nodesPerRound = 200;

/** A variable with where it was found. */
export interface FoundVariable {
  readonly nodeId: string;
  readonly path: string;
  /** Node id of its EngineeringUnits property, if it has one. */
  readonly unitNodeId: string | undefined;
}

export interface BrowseLimits extends Pick<OpcUaOptions["discovery"], "maxNodes" | "maxDepth" | "maxSeconds"> {
  readonly clock: Clock;
}

/**
 * Walks the address space below the Objects folder, broad first, and hands over variables as they are found. Ends by
 * itself at the bounds; each node is visited once, whatever loops references make.
 */
export async function* walkVariables(
  space: AddressSpace,
  limits: BrowseLimits,
  signal: AbortSignal,
): AsyncGenerator<readonly FoundVariable[]> {
  const endMs = limits.clock.monotonicMs() + limits.maxSeconds * 1_000;
  const seen = new Set<string>([objectsFolder, serverObject]);
  let level: readonly Place[] = [{ nodeId: objectsFolder, path: "/Objects", isVariable: false }];
  let left = limits.maxNodes;
  for (let depth = 0; depth < limits.maxDepth && level.length > 0; depth += 1) {
    const next: Place[] = [];
    for (const round of chunks(level, nodesPerRound)) {
      if (signal.aborted || left <= 0 || limits.clock.monotonicMs() > endMs) return;
      const asked = round.slice(0, left);
      left -= asked.length;
      const lists = await space.children(asked.map(({ nodeId }) => nodeId));
      const found: FoundVariable[] = [];
      for (const [index, place] of asked.entries()) {
        const children = lists[index] ?? [];
        if (place.isVariable) found.push({ ...place, unitNodeId: unitOf(children) });
        next.push(...placesBelow(place, children, seen));
      }
      if (found.length > 0) yield found;
    }
    level = next;
  }
}

interface Place {
  readonly nodeId: string;
  readonly path: string;
  readonly isVariable: boolean;
}

function placesBelow(place: Place, children: readonly SpaceNode[], seen: Set<string>): Place[] {
  const places: Place[] = [];
  for (const { nodeId, namespaceIndex, name, isVariable, isProperty } of children) {
    if (isProperty || seen.has(nodeId)) continue;
    seen.add(nodeId);
    const step = namespaceIndex === 0 ? escapeName(name) : `${namespaceIndex}:${escapeName(name)}`;
    places.push({ nodeId, path: `${place.path}/${step}`, isVariable });
  }
  return places;
}

function unitOf(children: readonly SpaceNode[]): string | undefined {
  return children.find(({ isProperty, name }) => isProperty && name === "EngineeringUnits")?.nodeId;
}

interface DescribedVariable {
  readonly discovery: Discovery;
  readonly nodeId: string;
}

/** Reads variables; those that hold one number become discoveries with an address ready for the configuration. */
export async function describeVariables(
  space: AddressSpace,
  variables: readonly FoundVariable[],
): Promise<readonly DescribedVariable[]> {
  const values = await space.values(variables.map(({ nodeId }) => nodeId));
  const withUnit = variables.flatMap(({ unitNodeId }) => (unitNodeId === undefined ? [] : [unitNodeId]));
  const unitValues = new Map<string, DataValue>();
  const units = await space.values(withUnit);
  for (const [index, nodeId] of withUnit.entries()) {
    const value = units[index];
    if (value !== undefined) unitValues.set(nodeId, value);
  }
  return variables.flatMap((variable, index): DescribedVariable[] => {
    const dataValue = values[index];
    if (dataValue === undefined || !isNumeric(dataValue)) return [];
    const measured = readDataValue(dataValue);
    const said = readEngineeringUnit(unitValues.get(variable.unitNodeId ?? "")?.value.value);
    const unit = said?.kind === "known" ? said.unit : null;
    const discovery: Discovery = {
      label: variable.path,
      address: { nodeId: portableNodeId(variable.nodeId, space.namespaces) },
      dialect: null,
      quantity: guessQuantity(variable.path, unit),
      unit,
      value: measured.kind === "measured" && measured.quality !== "bad" ? measured.value : null,
    };
    return [{ discovery, nodeId: variable.nodeId }];
  });
}

/** Numbers and switches, one at a time: built-in types Boolean to Double (Part 6, section 5.1.2). */
function isNumeric({ value }: DataValue): boolean {
  const dataType: number = value.dataType;
  const raw: unknown = value.value;
  return dataType >= 1 && dataType <= 11 && (!Array.isArray(raw) || dataType === 8 || dataType === 9);
}

/** With the namespace's address instead of its index, which may change when the server restarts. */
function portableNodeId(nodeId: string, namespaces: readonly string[]): string {
  const [, index, rest] = /^ns=(\d+);(.*)$/s.exec(nodeId) ?? [];
  const uri = namespaces[Number(index)];
  if (rest === undefined || uri === undefined || uri.includes(";")) return nodeId;
  return index === "0" ? rest : `nsu=${uri};${rest}`;
}

const byName: readonly (readonly [RegExp, Quantity])[] = [
  [/humid|湿/i, "humidity"],
  [/temp|温/i, "temperature"],
  [/door|门/i, "door"],
  [/defrost|化霜|除霜/i, "defrost"],
  [/compressor|压缩机/i, "compressor"],
  [/power|功率/i, "power"],
  [/batter|电池/i, "battery"],
];

function guessQuantity(path: string, unit: Unit | null): Quantity {
  if (unit === "Cel" || unit === "[degF]" || unit === "K") return "temperature";
  const name = path.slice(path.lastIndexOf("/") + 1);
  const named = byName.find(([pattern]) => pattern.test(name))?.[1];
  return named ?? (unit === "%" ? "humidity" : unit === "W" ? "power" : "other");
}
