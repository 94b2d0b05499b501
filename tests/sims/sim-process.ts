import { fstatSync } from "node:fs";

interface Simulator {
  /** Fields of the ready line. */
  readonly ready: object;
  stop(): Promise<void>;
}

/** What every simulator process does: one JSON line on stdout when ready, and an end on SIGTERM or with its parent. */
export function runSimulator(start: () => Promise<Simulator>): void {
  const running = start();
  const stop = async (): Promise<void> => {
    try {
      await (await running).stop();
      process.exit(0);
    } catch (error) {
      process.stderr.write(`did not stop cleanly: ${String(error)}\n`);
      process.exit(1);
    }
  };
  const onSignal = (): void => void stop();
  process.once("SIGTERM", onSignal);
  process.once("SIGINT", onSignal);
  // A parent that dies closes its pipe: do not outlive it. A terminal or /dev/null says nothing.
  const stdin = fstatSync(0);
  if (stdin.isFIFO() || stdin.isSocket()) process.stdin.resume().once("close", onSignal);
  void announce(running);
}

async function announce(running: Promise<Simulator>): Promise<void> {
  try {
    const { ready } = await running;
    process.stdout.write(`${JSON.stringify({ ready: true, ...ready })}\n`);
  } catch (error) {
    process.stderr.write(`could not start: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  }
}
