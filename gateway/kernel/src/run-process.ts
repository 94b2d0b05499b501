import { ConfigError, exitCodeConfig } from "./config.ts";
import { describeError, isFrostlightError } from "./errors.ts";
import type { Part } from "./lifecycle.ts";
import { notifySystemd } from "./sd-notify.ts";

/**
 * The life of a process: config → build → start → wait for a signal → stop. A wrong configuration prints every problem and
 * exits with 78; a failed start exits with 1; once started, only a bug (an uncaught error) ends it, with 70.
 * @param build reads the configuration and wires the parts; does no work yet beyond opening durable state
 */
export async function runProcess(build: () => Promise<Part>): Promise<void> {
  const fail = (error: unknown, code: number): never => {
    process.stderr.write(`${error instanceof ConfigError ? error.message : describeError(error)}\n`);
    process.exit(code);
  };
  process.once("uncaughtException", (error) => {
    process.stderr.write(`${error.stack ?? error.message}\n`);
    process.exit(70);
  });
  let part: Part;
  try {
    part = await build();
  } catch (error) {
    return fail(error, isFrostlightError(error) && error.fault === "config" ? exitCodeConfig : 1);
  }
  const stopSignal = new Promise<void>((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      process.on(signal, () => {
        resolve();
      });
    }
  });
  try {
    await part.start();
  } catch (error) {
    return fail(error, 1);
  }
  await notifySystemd("READY=1", process.env);
  await stopSignal;
  await notifySystemd("STOPPING=1", process.env);
  try {
    await part.stop();
  } catch (error) {
    return fail(error, 1);
  }
  process.exit(0);
}
