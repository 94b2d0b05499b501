import { type Clock, describeError, type Logger, type Random } from "@frostlight/kernel";

import type { SourceContext } from "./core/source.ts";
import type { Recorder } from "./recorder.ts";
import type { StatusBoard } from "./status-board.ts";

/** What a source may ask of the gateway. */
export function sourceContext(parts: {
  readonly sourceId: string;
  /** The source's own folder. */
  readonly stateFolder: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly recorder: Recorder;
  readonly board: StatusBoard;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}): SourceContext {
  const { sourceId, stateFolder, environment, recorder, board, clock, random } = parts;
  const logger = parts.logger.child({ stage: "source", source: sourceId });
  return {
    sourceId,
    clock,
    random,
    logger,
    stateFolder,
    environment,
    submit: async (readings, receipts) => {
      await recorder.submit(readings, receipts);
      board.countReadings(sourceId, readings.length);
    },
    wasRecorded: () => false,
    discover: (found) => {
      board.discover(sourceId, found);
    },
    trust: { judge: () => Promise.resolve("unknown"), onApproval: () => () => undefined },
    refuse: (refusal) => {
      board.refuse({ ...refusal, sourceId });
    },
    setState: (state) => {
      if (!board.setState(sourceId, state)) return;
      const explanation = { code: `source-${state.state}`, parameters: { code: state.code, message: state.message } };
      const event = { subject: `source:${sourceId}`, state: state.state, timeMs: clock.nowMs(), explanation };
      recorder.health(event).catch((error: unknown) => {
        logger.error("health-not-journaled", { error: describeError(error) });
      });
    },
  };
}
