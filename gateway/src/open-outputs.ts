import type { Clock, Logger, Random } from "@frostlight/kernel";

import type { GatewayConfig } from "./config/index.ts";
import type { ActiveAlarm } from "./core/alarm-engine.ts";
import { OutputSwitch } from "./outputs/index.ts";

/** The configured sirens, beacons and relays. */
export function openOutputs(parts: {
  readonly configured: GatewayConfig["outputs"];
  readonly alarms: () => readonly ActiveAlarm[];
  readonly onChange: (outputId: string, isWorking: boolean, message: string) => void;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}): readonly OutputSwitch[] {
  const { alarms, environment, clock, random } = parts;
  return parts.configured.map(({ kind, definition, options, own }) => {
    const { id: outputId, ...settings } = own;
    const logger = parts.logger.child({ stage: "output", output: outputId });
    const output = definition.open(options, { outputId, clock, logger, environment });
    const onChange = (isWorking: boolean, message: string): void => {
      parts.onChange(outputId, isWorking, message);
    };
    return new OutputSwitch({ outputId, kind, settings, output, alarms, onChange, clock, random, logger });
  });
}
