import { type Clock, describeError, type Logger, type Part } from "@frostlight/kernel";

import type { Recorder } from "./recorder.ts";
import type { StatusBoard } from "./status-board.ts";

const dropReportMs = 60_000;

/** Journals once a minute, and at the end, what was refused. */
export function dropReporter(board: StatusBoard, recorder: Recorder, clock: Clock, logger: Logger): Part {
  let cancel: (() => void) | undefined;
  const report = async (): Promise<void> => {
    const drops = board.takeDrops();
    try {
      await recorder.drops(drops);
    } catch (error) {
      board.returnDrops(drops);
      logger.error("drops-not-journaled", { error: describeError(error) });
    }
  };
  return {
    name: "drop reporter",
    start: () => {
      cancel = clock.every(dropReportMs, () => {
        void report();
      });
      return Promise.resolve();
    },
    stop: async () => {
      cancel?.();
      await report();
    },
  };
}
