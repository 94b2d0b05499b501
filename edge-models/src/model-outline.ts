import type { InferenceSession } from "onnxruntime-node";

import { type KnownShape, fits } from "./families/family.ts";
import { modelFamilies } from "./families/index.ts";
import type { ModelManifest } from "./manifest.ts";

type Metadata = InferenceSession["inputMetadata"][number];
type NumberType = "float32" | "float16" | "float64" | "int32" | "int64" | "uint8" | "bool";

/** Names in a model file, as its manifest gave them or as they were found. */
export interface ModelOutline {
  readonly inputName: string;
  readonly extra: readonly ExtraInput[];
  /** Role → name. */
  readonly outputs: Readonly<Record<string, string>>;
}

export interface ExtraInput {
  readonly name: string;
  readonly type: NumberType;
  /** Number of values: [1, 2], [2] … */
  readonly dims: readonly number[];
  readonly holds: ModelManifest["input"]["extra"][string];
}

type Metadatas = Pick<InferenceSession, "inputMetadata" | "outputMetadata">;
const readable: ReadonlySet<string> = new Set(["float32", "float16", "float64", "int32", "int64", "uint8", "bool"]);

/** Fits a manifest to what a model file says of its inputs and outputs; a text says what does not fit. */
export function outlineModel(session: Metadatas, manifest: ModelManifest): ModelOutline | string {
  const input = findInput(session.inputMetadata, manifest);
  if (typeof input === "string") return input;
  for (const { output, channels } of manifest.features) {
    const shape = shapeOf(session.outputMetadata, output);
    if (shape === undefined) return missing(session, [output]);
    if (shape.length !== 4 || !fits(shape[1], channels)) {
      return `output ${output} must be [1, ${channels}, …], found [${shape.join(", ")}]`;
    }
  }
  const outputs = findOutputs(session, manifest);
  return typeof outputs === "string" ? outputs : { ...input, outputs };
}

function findInput(
  inputs: readonly Metadata[],
  { input }: ModelManifest,
): Pick<ModelOutline, "inputName" | "extra"> | string {
  const names = inputs.map(({ name }) => name).join(", ");
  const pictures = input.name === "" ? inputs.filter((one) => one.isTensor && one.shape.length === 4) : [];
  const found = input.name === "" ? pictures[0] : inputs.find(({ name }) => name === input.name);
  if (pictures.length > 1) return `several inputs take four axes, name one under input.name: ${names}`;
  if (found === undefined)
    return `expected ${input.name === "" ? "a picture's input" : `input "${input.name}"`}, found ${names}`;
  const [order, type] = input.layout.split("-");
  const isFree = input.sizing === "area";
  const [height, width] = isFree ? ["height (free)", "width (free)"] : [input.height, input.width];
  const expected = order === "nhwc" ? [1, height, width, 3] : [1, 3, height, width];
  const shape: KnownShape = found.isTensor ? found.shape : [];
  const isFitting =
    shape.length === 4 &&
    shape.every((size, axis) => {
      const wanted = expected[axis];
      return typeof wanted === "number" ? fits(size, wanted) : typeof size === "string";
    });
  if (!found.isTensor || found.type !== type || !isFitting) {
    const actual = found.isTensor ? `${found.type} [${shape.join(", ")}]` : "no tensor";
    return `input "${found.name}" must be ${type} [${expected.join(", ")}], found ${actual}`;
  }
  const extra: ExtraInput[] = [];
  for (const other of inputs) {
    if (other === found) continue;
    const one = extraInput(other, input.extra);
    if (typeof one === "string") return one;
    extra.push(one);
  }
  const unknown = Object.keys(input.extra).filter((name) => !extra.some((one) => one.name === name));
  return unknown.length > 0
    ? `input ${unknown.join(", ")} is missing, found ${names}`
    : { inputName: found.name, extra };
}

/** RT-DETR and its kin name theirs alike everywhere. */
function extraInput(other: Metadata, extra: ModelManifest["input"]["extra"]): ExtraInput | string {
  const { name } = other;
  const holds = extra[name] ?? (name === "orig_target_sizes" ? "width-height" : undefined);
  if (holds === undefined) return `input "${name}" is not in the manifest: say what it takes under input.extra`;
  const found = other.isTensor ? `${other.type} [${other.shape.join(", ")}]` : "no tensor";
  const fit = other.isTensor && isNumberType(other.type) ? other.type : undefined;
  const dims = other.isTensor
    ? other.shape.map((size, axis) => (typeof size === "number" ? size : axis === 0 ? 1 : 2))
    : [];
  const count = dims.reduce((product, size) => product * size, 1);
  if (fit === undefined || (holds !== "ones" && count !== 2) || count > 16) {
    return `input "${name}" must take ${holds === "ones" ? "at most 16" : "two"} numbers (${holds}), found ${found}`;
  }
  return { name, type: fit, dims, holds };
}

function isNumberType(type: string): type is NumberType {
  return readable.has(type);
}

function findOutputs(session: Metadatas, manifest: ModelManifest): Readonly<Record<string, string>> | string {
  const given = Object.values(manifest.outputs);
  const gone = given.filter((name) => shapeOf(session.outputMetadata, name) === undefined);
  if (gone.length > 0) return missing(session, gone);
  const assigned = given.length > 0 ? manifest.outputs : guessOutputs(session, manifest);
  if (typeof assigned === "string") return assigned;
  for (const one of session.outputMetadata) {
    if (Object.values(assigned).includes(one.name) && !(one.isTensor && isNumberType(one.type))) {
      return `output ${one.name} is ${one.isTensor ? one.type : "no tensor"}, expected numbers`;
    }
  }
  return problemOf(session, manifest, assigned) ?? assigned;
}

function problemOf(
  session: Metadatas,
  manifest: ModelManifest,
  outputs: Readonly<Record<string, string>>,
): string | undefined {
  const shapes = Object.entries(outputs).map(([role, name]) => [role, shapeOf(session.outputMetadata, name) ?? []]);
  const family = modelFamilies.get(manifest.family);
  return family.check(
    Object.fromEntries(shapes) as Record<string, KnownShape>,
    manifest.classes.length,
    manifest.decoding,
  ); // pairs of role and shape
}

/** By name where the exporter used the usual ones, otherwise by shape where only one choice fits. */
function guessOutputs(session: Metadatas, manifest: ModelManifest): Readonly<Record<string, string>> | string {
  const { roles, aliases = {} } = modelFamilies.get(manifest.family);
  const features = new Set(manifest.features.map(({ output }) => output));
  const names = session.outputMetadata.map(({ name }) => name).filter((name) => !features.has(name));
  const byName = roles.map(
    (role) => [role, [role, ...(aliases[role] ?? [])].find((name) => names.includes(name))] as const,
  );
  const used = byName.flatMap(([, name]) => name ?? []);
  if (new Set(used).size === roles.length) return Object.fromEntries(byName) as Record<string, string>; // all were found
  const choices = roles.length > 3 || names.length > 12 ? [] : assignments(roles, names);
  const fitting = choices.filter((choice) => problemOf(session, manifest, choice) === undefined);
  const [only] = fitting;
  if (only !== undefined && fitting.length === 1) return only;
  const [single] = choices;
  if (single !== undefined && choices.length === 1) return problemOf(session, manifest, single) ?? single;
  const outputs = session.outputMetadata.map(
    (one) => `${one.name} [${one.isTensor ? one.shape.join(", ") : "no tensor"}]`,
  );
  const why = fitting.length === 0 ? "no output fits" : "several outputs fit";
  return `${why} family ${manifest.family}: name ${roles.join(", ")} under outputs; found ${outputs.join(", ")}`;
}

/** Every way to give each role an output of its own. */
function assignments(roles: readonly string[], names: readonly string[]): Readonly<Record<string, string>>[] {
  const [role, ...others] = roles;
  if (role === undefined) return [{}];
  return names.flatMap((name) =>
    assignments(
      others,
      names.filter((other) => other !== name),
    ).map((rest) => ({ [role]: name, ...rest })),
  );
}

function shapeOf(outputs: readonly Metadata[], name: string): KnownShape | undefined {
  const found = outputs.find((entry) => entry.name === name);
  return found === undefined ? undefined : found.isTensor ? found.shape : [];
}

function missing(session: Metadatas, names: readonly string[]): string {
  return `output ${names.join(", ")} is missing, found ${session.outputMetadata.map(({ name }) => name).join(", ")}`;
}
