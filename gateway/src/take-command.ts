import type { Command, HealthEvent } from "@frostlight/contract";
import type { Clock, Logger } from "@frostlight/kernel";

import type { ActDesk } from "./act-desk.ts";
import type { Calibrations } from "./calibrations.ts";
import { carryOut } from "./commands.ts";
import type { TeachDesk } from "./core/teaching.ts";
import type { Recorder } from "./recorder.ts";
import type { RemoteConfiguration } from "./remote-config/index.ts";
import type { TrustStore } from "./trust/trust-store.ts";

/** Outcomes whose effect is in the journal, under this command's id. */
const effective: ReadonlySet<string> = new Set(["done", "already-done"]);

interface Parts {
  readonly gatewayId: string;
  /** Pinned when the gateway joined; raw Ed25519, hex. */
  readonly configurationKey: () => Promise<string | undefined>;
  readonly recorder: Pick<Recorder, "health">;
  readonly desk: ActDesk;
  readonly trust: TrustStore;
  readonly calibrations: Calibrations;
  readonly teaching: Pick<TeachDesk, "teach" | "judge">;
  readonly remote: RemoteConfiguration;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Carries out what somebody asked for at the server. What comes of it shows in the journal: the effect, or why there was none.
 */
export async function takeCommand(command: Command, parts: Parts): Promise<void> {
  const { recorder, desk, trust, calibrations, teaching, remote, clock, logger } = parts;
  const { commandId, action } = command;
  const { kind } = action;
  const isConfiguration = kind === "apply-configuration";
  const outcome = isConfiguration
    ? await remote.apply({
        command: { ...command, action },
        gatewayId: parts.gatewayId,
        configurationKey: await parts.configurationKey(),
      })
    : await carryOut(command, desk, trust, calibrations, teaching);
  logger.info("command", { commandId, action: kind, outcome });
  // A configuration reports for itself.
  if (isConfiguration || effective.has(outcome)) return;
  const event: HealthEvent = {
    subject: "commands",
    state: "refused",
    timeMs: clock.nowMs(),
    explanation: { code: "command-refused", parameters: { commandId, command: kind, reason: outcome } },
  };
  await recorder.health(event);
}
