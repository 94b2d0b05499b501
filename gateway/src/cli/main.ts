#!/usr/bin/env node
import { parseArgs } from "node:util";

import { ConfigError, describeError } from "@frostlight/kernel";

import { check } from "./check.ts";
import { type Command, type CommandOptions, exitCodes } from "./command.ts";
import { discover } from "./discover.ts";
import { modelUsage, runModelCommand } from "./model.ts";
import { forgetRoom, rooms } from "./rooms.ts";
import { status } from "./status.ts";
import { supportBundle } from "./support-bundle.ts";

const commands: Readonly<Record<string, Command>> = {
  check,
  discover,
  status,
  rooms,
  "forget-room": forgetRoom,
  "support-bundle": supportBundle,
};

const usage = `frostlight gateway COMMAND --config FILE [options]

${Object.entries(commands)
  .map(([name, { summary }]) => `  ${name.padEnd(16)}${summary}\n`)
  .join("")}
  --url URL        page of the running gateway, when not as in the configuration (http://127.0.0.1:8088)
  --json           one JSON object instead of text (check, discover, status, rooms)
  --seconds N      how long each source, and the server, may take; default 15
  --source ID      discover: only this source
  --zone ID        discover: write this room into the entries; rooms, forget-room: this room
  --name NAME      forget-room: who asks for it
  --reason TEXT    forget-room: why
  --out FILE       support-bundle: the .tar.gz to write

${modelUsage}
Exit codes: 0 in order; 1 something is not; 2 the command line is not understood; 78 the configuration is wrong.
`;

async function main(args: readonly string[]): Promise<number> {
  const [what, name, ...rest] = args;
  const say = (text: string): void => void process.stdout.write(text);
  if (what === "model") return await modelCommand(args.slice(1), say);
  const command =
    what === "gateway" && name !== undefined && Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) {
    const isAsked = what === undefined || args.includes("--help") || what === "help";
    (isAsked ? process.stdout : process.stderr).write(usage);
    return isAsked ? exitCodes.ok : exitCodes.usage;
  }
  let options: CommandOptions;
  try {
    options = parse(rest);
  } catch (error) {
    process.stderr.write(`${describeError(error)}\n\n${usage}`);
    return exitCodes.usage;
  }
  try {
    return await command.run(options, { out: say, environment: process.env });
  } catch (error) {
    process.stderr.write(`${error instanceof ConfigError ? error.message : describeError(error)}\n`);
    return error instanceof ConfigError ? exitCodes.configuration : exitCodes.problem;
  }
}

async function modelCommand(args: readonly string[], say: (text: string) => void): Promise<number> {
  try {
    return await runModelCommand(args, say);
  } catch (error) {
    process.stderr.write(`${describeError(error)}\n`);
    if (error instanceof ConfigError) return exitCodes.configuration;
    return error instanceof TypeError ? exitCodes.usage : exitCodes.problem;
  }
}

function parse(args: readonly string[]): CommandOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      config: { type: "string" },
      url: { type: "string" },
      json: { type: "boolean", default: false },
      seconds: { type: "string", default: "15" },
      source: { type: "string" },
      zone: { type: "string" },
      out: { type: "string" },
      name: { type: "string" },
      reason: { type: "string" },
    },
  });
  const { config, url, json, source, zone, out, name, reason } = values;
  const seconds = Number(values.seconds);
  if (!(seconds > 0 && seconds <= 600)) throw new TypeError("--seconds: expected 1 to 600");
  if (url !== undefined && !URL.canParse(url)) throw new TypeError(`--url: ${url} is no address`);
  if (config === undefined && url === undefined) throw new TypeError("--config FILE is missing");
  return { configFile: config ?? "", url, json, seconds, source, zone, out, name, reason };
}

process.exitCode = await main(process.argv.slice(2));
// What a library still holds open (a frozen server's connection) must not keep a command alive.
process.stdout.write("", () => process.exit());
