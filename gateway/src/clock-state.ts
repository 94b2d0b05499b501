import { existsSync } from "node:fs";

import type { Clock } from "@frostlight/kernel";

/** This software did not exist before: a wall clock that says so is wrong. */
const earliestPlausibleMs = Date.UTC(2026, 0, 1);

/**
 * Whether the wall clock can be believed. systemd-timesyncd leaves a file behind once it has synchronised since boot
 * (systemd-timesyncd.service(8)); where it does not run, a plausible date has to do.
 */
export function isClockSynchronised(clock: Clock): boolean {
  if (clock.nowMs() < earliestPlausibleMs) return false;
  return !existsSync("/run/systemd/timesync") || existsSync("/run/systemd/timesync/synchronized");
}
