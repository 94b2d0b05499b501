import { ConfigError, parseConfig } from "@frostlight/kernel";

import { type GatewayConfig, gatewayConfig } from "./config/index.ts";
import type { ConfigurationProblem } from "./remote-config/index.ts";

/** What only a person at the gateway may change: where it keeps things, whose it is, and its enrolment secrets. */
const locked: readonly (readonly [path: string, of: (config: GatewayConfig) => unknown])[] = [
  ["stateFolder", (config) => config.stateFolder],
  ["uplink", (config) => config.uplink !== undefined],
  ["uplink.server", (config) => config.uplink?.server],
  ["uplink.enrolmentToken", (config) => config.uplink?.enrolmentToken],
  ["uplink.standby", (config) => Reflect.get(config.uplink ?? {}, "standby")],
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
  return locked.flatMap(([path, of]) =>
    JSON.stringify(of(proposed)) === JSON.stringify(of(local))
      ? []
      : [{ path, message: "can only be changed in the file at the gateway" }],
  );
}
