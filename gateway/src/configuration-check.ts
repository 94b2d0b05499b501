import { ConfigError, parseConfig } from "@frostlight/kernel";

import { type GatewayConfig, gatewayConfig } from "./config/index.ts";
import type { ConfigurationProblem } from "./remote-config/index.ts";

/** What only a person at the gateway may change: where it keeps things, whose it is, and its enrolment secrets. */
const locked: readonly (readonly [path: string, of: (config: GatewayConfig) => unknown])[] = [
  ["stateFolder", (config) => config.stateFolder],
  ["uplink", (config) => config.uplink !== undefined],
  ["uplink.server", (config) => config.uplink?.server],
  ["uplink.enrolmentToken", (config) => config.uplink?.enrolmentToken],
  ["uplink.standby", (config) => config.uplink?.standby],
];

/**
 * Everything wrong in a configuration from the server: by the schema of the file at the gateway, and by what it must leave as
 * it is there.
 */
export function checkRemote(yaml: string, local: GatewayConfig): readonly ConfigurationProblem[] {
  let proposed: GatewayConfig;
  try {
    proposed = parseConfig("configuration", yaml, gatewayConfig);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [...lockedProblems(proposed, local), ...reachProblems(proposed, local)];
}

function lockedProblems(proposed: GatewayConfig, local: GatewayConfig): readonly ConfigurationProblem[] {
  return locked.flatMap(([path, of]) =>
    JSON.stringify(of(proposed)) === JSON.stringify(of(local))
      ? []
      : [{ path, message: "can only be changed in the file at the gateway" }],
  );
}

/** Keys whose value names a file, a variable or a program of the gateway's machine. */
const reaching: ReadonlySet<string> = new Set([
  "file",
  "env",
  "path",
  "folder",
  "program",
  "certFile",
  "keyFile",
  "caFile",
  "clientCaFile",
]);

/**
 * A configuration from outside may use what the file at the gateway uses, and reach nothing else of the machine: otherwise
 * whoever can sign one could have the gateway's key sent to a broker as a password, or run a program.
 */
function reachProblems(proposed: GatewayConfig, local: GatewayConfig): readonly ConfigurationProblem[] {
  const known = new Set(reachesOf(local).map(({ key, value }) => `${key} ${value}`));
  return reachesOf(proposed).flatMap(({ path, key, value }) => {
    if (known.has(`${key} ${value}`)) return [];
    const message = `names "${value}", which the file at the gateway does not: add it there first`;
    return [{ path, message }];
  });
}

interface Reach {
  readonly path: string;
  readonly key: string;
  readonly value: string;
}

function reachesOf(value: unknown, path = ""): readonly Reach[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]: [string, unknown]) => {
    // A plug-in's definition is code of ours, not configuration.
    if (key === "definition") return [];
    const at = path === "" ? key : `${path}.${key}`;
    if (key === "program") return [{ path: at, key, value: JSON.stringify(value) }];
    if (reaching.has(key) && typeof inner === "string") return [{ path: at, key, value: inner }];
    return reachesOf(inner, at);
  });
}
