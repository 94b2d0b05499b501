import { existsSync, readFileSync } from "node:fs";

import type { Clock } from "@frostlight/kernel";

/** This software did not exist before: a wall clock that says so is wrong. */
const earliestPlausibleMs = Date.UTC(2026, 0, 1);

/**
 * Whether the wall clock can be believed. systemd-timesyncd leaves a file behind once it has synchronised since boot
 * (systemd-timesyncd.service(8)); where it does not run, a plausible date has to do.
 * @param assumeSet the configuration says that something else keeps the clock (a battery, chrony, the host of a container)
 */
export function isClockSet(clock: Clock, assumeSet: boolean): boolean {
  if (clock.nowMs() < earliestPlausibleMs) return false;
  return assumeSet || !existsSync("/run/systemd/timesync") || existsSync("/run/systemd/timesync/synchronized");
}

/** Linux's name for one run of the machine. */
export function machineBootId(): string | undefined {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    // Not Linux, or hidden: then earlier lives are not corrected.
    return undefined;
  }
}
