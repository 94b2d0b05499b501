import type { Role } from "../core/records.ts";

/**
 * What a route asks for. `public`: nothing. `gateway`: the route authenticates a gateway itself. `metrics`: an
 * administrator or an address of `metricsFrom`. The others need a session whose role has them.
 */
export type Permission =
  | "public"
  | "gateway"
  | "metrics"
  | "own-account"
  | "read"
  /** And say that the cause was dealt with. */
  | "acknowledge-alarms"
  /** Put aside for a time, take back, let a latched one go. */
  | "shelve-alarms"
  /** Say of a finding whether it is so, and teach gateways with it. */
  | "judge-findings"
  /** Rooms, points and cameras: nobody watches them meanwhile. */
  | "set-service"
  | "calibrate-points"
  | "administer";

const viewer: readonly Permission[] = ["own-account", "read"];
const operator: readonly Permission[] = [...viewer, "acknowledge-alarms", "shelve-alarms", "judge-findings"];

const granted: Readonly<Record<Role, readonly Permission[]>> = {
  viewer,
  operator,
  administrator: [...operator, "set-service", "calibrate-points", "administer", "metrics"],
};

/** What people of a role may do. */
export function permissionsOf(role: Role): readonly Permission[] {
  return granted[role];
}

export function mayRole(role: Role, permission: Permission): boolean {
  return granted[role].includes(permission);
}
