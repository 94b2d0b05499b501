import { loadGatewayConfig, type LoadedConfig, peekAddedPoints } from "../added-points.ts";

/** The configuration with added points, without touching the state folder. Throws a `ConfigError`. */
export function readConfig(file: string): Promise<LoadedConfig> {
  return loadGatewayConfig(file, peekAddedPoints);
}
