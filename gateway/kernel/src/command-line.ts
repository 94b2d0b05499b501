import { parseArgs } from "node:util";

import { ConfigError } from "./config.ts";

/** What a process was started with. */
export interface CommandLine {
  readonly configFile: string;
}

/** Reads `--config FILE`. Throws a {@link ConfigError} for anything else. */
export function commandLine(args: readonly string[]): CommandLine {
  try {
    const { values } = parseArgs({ args: [...args], options: { config: { type: "string" } }, strict: true });
    if (values.config === undefined) throw new TypeError("--config FILE is missing");
    return { configFile: values.config };
  } catch (error) {
    throw new ConfigError("command line", [
      { path: "", message: error instanceof Error ? error.message : String(error) },
    ]);
  }
}
