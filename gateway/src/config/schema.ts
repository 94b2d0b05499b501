import { forward, logLevels, pluginSchema } from "@frostlight/kernel";
import { z } from "zod";

import { alarmRuleConfig } from "../alarms/index.ts";
import { cameraConfig, inferenceOptions } from "../cameras/index.ts";
import { journalOptions } from "../journal/index.ts";
import { localOptions } from "../local/index.ts";
import { outputRegistry, outputSettings } from "../outputs/index.ts";
import { sourceRegistry } from "../sources/index.ts";
import { viewRegistry } from "../views/index.ts";
import { identifier, pointConfig, siteConfig, zoneConfig } from "./site.ts";
import { uplinkConfig } from "./uplink.ts";

const sourceConfig = pluginSchema(sourceRegistry, { id: identifier });
const outputConfig = pluginSchema(outputRegistry, { id: identifier, ...outputSettings });
const viewConfig = pluginSchema(viewRegistry, { id: identifier });

const base = z.strictObject({
  /** The one writable folder. */
  stateFolder: z.string().min(1),
  logLevel: z.enum(logLevels).default("info"),
  site: siteConfig,
  zones: z.array(zoneConfig).min(1),
  sources: z.array(sourceConfig).default([]),
  points: z.array(pointConfig).default([]),
  cameras: z.array(cameraConfig).default([]),
  /** What all cameras' networks together may take of the machine. */
  inference: inferenceOptions.prefault({}),
  alarms: z.strictObject({ rules: z.array(alarmRuleConfig).default([]) }).prefault({}),
  journal: journalOptions.prefault({}),
  clock: z
    .strictObject({
      /** Something this software cannot see keeps the clock: a battery, chrony, the host of a container. */
      assumeSet: z.boolean().default(false),
    })
    .prefault({}),
  uplink: uplinkConfig.optional(),
  /** Pictures of the data for other systems, beside the uplink. */
  views: z.array(viewConfig).max(8).default([]),
  /** Sirens, beacons and relays at the site. */
  outputs: z.array(outputConfig).max(16).default([]),
  local: localOptions.prefault({}),
});

/**
 * The gateway's configuration file. Besides each key's own schema, references (zone, source, ids used twice) and the
 * addresses of points are checked; all problems come together.
 */
export const gatewayConfig = z.unknown().transform((input, context) => {
  const parsed = base.safeParse(input);
  if (!parsed.success) forward(parsed.error.issues, input, context);
  for (const { path, message, value } of referenceProblems(input)) {
    context.issues.push({ code: "custom", path: [...path], message, input: value });
  }
  forward(addressIssues(input), input, context);
  for (const { path, message, value } of recordingProblems(input)) {
    context.issues.push({ code: "custom", path: [...path], message, input: value });
  }
  if (!parsed.success || context.issues.length > 0) return z.NEVER;
  const { points, ...rest } = parsed.data;
  return {
    ...rest,
    points: points.map((point) => ({
      ...point,
      address: sourceDefinitionOf(rest.sources, point.source)?.address.parse(point.address),
    })),
  };
});
export type GatewayConfig = z.output<typeof gatewayConfig>;

type Source = z.output<typeof sourceConfig>;

function sourceDefinitionOf(sources: readonly Source[], id: string): Source["definition"] | undefined {
  return sources.find((source) => source.own.id === id)?.definition;
}

interface Problem {
  readonly path: readonly (string | number)[];
  readonly message: string;
  readonly value: unknown;
}

/** Looks at the raw input, so that broken references show even when other keys are wrong too. */
function referenceProblems(input: unknown): Problem[] {
  const problems: Problem[] = [];
  const zones = idsOf(input, "zones");
  const sources = idsOf(input, "sources");
  for (const list of ["zones", "sources", "points", "cameras", "views"]) {
    const seen = new Set<string>();
    for (const [index, id] of idsOf(input, list).entries()) {
      if (id !== undefined && seen.has(id)) {
        problems.push({ path: [list, index, "id"], message: `id "${id}" is used twice in ${list}`, value: id });
      }
      if (id !== undefined) seen.add(id);
    }
  }
  problems.push(...goodsProbeProblems(input));
  for (const list of ["points", "cameras"]) {
    for (const [index, entry] of entriesOf(input, list).entries()) {
      problems.push(...unknownReference([list, index, "zone"], textOf(entry, "zone"), zones, "zone"));
      if (list === "points") {
        problems.push(...unknownReference([list, index, "source"], textOf(entry, "source"), sources, "source"));
      }
    }
  }
  return problems;
}

/** A probe in the goods is a temperature point of its room. */
function goodsProbeProblems(input: unknown): Problem[] {
  const points = entriesOf(input, "points");
  return entriesOf(input, "zones").flatMap((zone, index) => {
    const id = textOf(zone, "goodsProbe");
    const own = points.filter(
      (point) =>
        textOf(point, "zone") === textOf(zone, "id") && (textOf(point, "quantity") ?? "temperature") === "temperature",
    );
    const known = own.map((point) => textOf(point, "id"));
    return unknownReference(["zones", index, "goodsProbe"], id, known, "temperature point of this zone");
  });
}

function unknownReference(
  path: readonly (string | number)[],
  id: string | undefined,
  known: readonly (string | undefined)[],
  what: string,
): Problem[] {
  if (id === undefined || known.includes(id)) return [];
  const list = known.filter((name) => name !== undefined).join(", ");
  return [{ path, message: `unknown ${what} "${id}", expected one of: ${list === "" ? "(none)" : list}`, value: id }];
}

/** Problems of each point's `address`, by the schema of its source's kind. */
function addressIssues(input: unknown): z.core.$ZodIssue[] {
  const kinds = new Map(entriesOf(input, "sources").map((source) => [textOf(source, "id"), textOf(source, "kind")]));
  return entriesOf(input, "points").flatMap((point, index) => {
    const kind = kinds.get(textOf(point, "source"));
    const definition = sourceRegistry.all.find((candidate) => candidate.kind === kind);
    const parsed = definition?.address.safeParse(valueOf(point, "address"));
    if (parsed === undefined || parsed.success) return [];
    return parsed.error.issues.map((issue) => ({ ...issue, path: ["points", index, "address", ...issue.path] }));
  });
}

/** What a sender was told is safe must be in the journal as it came, and not only in a summary that is being made. */
function recordingProblems(input: unknown): Problem[] {
  const kinds = new Map(entriesOf(input, "sources").map((source) => [textOf(source, "id"), textOf(source, "kind")]));
  return entriesOf(input, "points").flatMap((point, index) => {
    if (textOf(valueOf(point, "recording"), "mode") !== "summary") return [];
    const kind = kinds.get(textOf(point, "source"));
    const definition = sourceRegistry.all.find((candidate) => candidate.kind === kind);
    if (definition === undefined || definition.unacknowledged === true) return [];
    const message = `readings of a source of kind ${kind ?? ""} are acknowledged one by one: each of them is kept, expected "every"`;
    return [{ path: ["points", index, "recording", "mode"], message, value: "summary" }];
  });
}

function valueOf(input: unknown, key: string): unknown {
  return typeof input === "object" && input !== null ? Reflect.get(input, key) : undefined;
}

function textOf(input: unknown, key: string): string | undefined {
  const value = valueOf(input, key);
  return typeof value === "string" ? value : undefined;
}

function entriesOf(input: unknown, key: string): readonly unknown[] {
  const value = valueOf(input, key);
  return Array.isArray(value) ? value : [];
}

function idsOf(input: unknown, key: string): readonly (string | undefined)[] {
  return entriesOf(input, key).map((entry) => textOf(entry, "id"));
}
