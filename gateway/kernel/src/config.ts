import { readFile } from "node:fs/promises";

import { parseDocument } from "yaml";
import { z } from "zod";

import { FrostlightError } from "./errors.ts";

/** One thing wrong in a configuration: where, what was found, what was expected. */
export interface ConfigProblem {
  /** Dotted path, e.g. `sources.0.port`; empty for the whole file. */
  readonly path: string;
  readonly message: string;
}

/** Exit code of a process whose configuration is wrong (`EX_CONFIG` of sysexits.h). */
export const exitCodeConfig = 78;

/** A configuration that cannot be used; carries *all* its problems. */
export class ConfigError extends FrostlightError {
  readonly problems: readonly ConfigProblem[];

  constructor(file: string, problems: readonly ConfigProblem[]) {
    const lines = problems.map((problem) => `  ${problem.path === "" ? "(file)" : problem.path}: ${problem.message}`);
    super(
      "config/invalid",
      "config",
      `${file}: ${problems.length} problem(s) in the configuration\n${lines.join("\n")}`,
    );
    this.problems = problems;
  }
}

/** A secret is a reference, never a value. */
export const secretReference = z
  .union([z.strictObject({ file: z.string().min(1) }), z.strictObject({ env: z.string().min(1) })])
  .describe("{ file: path } or { env: NAME }");
export type SecretReference = z.infer<typeof secretReference>;

/** Reads the secret a reference points to, without a trailing line end. Throws `config/secret-missing`. */
export async function readSecret(
  reference: SecretReference,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<string> {
  if ("env" in reference) {
    const value = environment[reference.env];
    if (value === undefined || value === "") {
      throw new FrostlightError("config/secret-missing", "config", `environment variable ${reference.env} is not set`);
    }
    return value;
  }
  try {
    return (await readFile(reference.file, "utf8")).replace(/\r?\n$/, "");
  } catch (error) {
    throw new FrostlightError("config/secret-missing", "config", `secret file ${reference.file} cannot be read`, {
      cause: error,
    });
  }
}

/** Parses YAML text against a schema; throws one {@link ConfigError} with every problem found. */
export function parseConfig<S extends z.ZodType>(file: string, text: string, schema: S): z.output<S> {
  const document = parseDocument(text, { prettyErrors: true, uniqueKeys: true });
  if (document.errors.length > 0) {
    throw new ConfigError(
      file,
      document.errors.map((error) => ({ path: "", message: error.message.split("\n")[0] ?? error.message })),
    );
  }
  const value: unknown = document.toJS() ?? {};
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new ConfigError(file, flattenIssues(result.error.issues, value));
}

/** Reads and parses a configuration file. A missing file is a {@link ConfigError} too. */
export async function loadConfig<S extends z.ZodType>(file: string, schema: S): Promise<z.output<S>> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    throw new ConfigError(file, [
      { path: "", message: `cannot be read: ${error instanceof Error ? error.message : String(error)}` },
    ]);
  }
  return parseConfig(file, text, schema);
}

function flattenIssues(issues: readonly z.core.$ZodIssue[], root: unknown): ConfigProblem[] {
  return issues.flatMap((issue): ConfigProblem[] => {
    const path = issue.path.map(String).join(".");
    if (issue.code === "unrecognized_keys") {
      return issue.keys.map((key) => ({
        path: path === "" ? key : `${path}.${key}`,
        message: `unknown key "${key}"`,
      }));
    }
    return [{ path, message: `${issue.message}${foundAt(root, issue.path)}` }];
  });
}

function foundAt(root: unknown, path: readonly PropertyKey[]): string {
  let current: unknown = root;
  for (const key of path) {
    if (typeof current !== "object" || current === null) return "";
    current = Reflect.get(current, key);
  }
  if (current === undefined) return "";
  const text = JSON.stringify(current) ?? typeof current;
  return ` (found ${text.length > 80 ? `${text.slice(0, 77)}...` : text})`;
}
