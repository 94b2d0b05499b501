import { spawn } from "node:child_process";

import { FrostlightError } from "@frostlight/kernel";
import { z } from "zod";

import { defineOutput, type Output } from "../core/output.ts";

const argumentList = z.array(z.string().max(1_000)).max(32);

const options = z.strictObject({
  /** A program on this machine, e.g. /usr/bin/gpioset. Run with an argument list, never through a shell. */
  program: z.string().regex(/^\//, "expected an absolute path"),
  on: argumentList,
  off: argumentList,
  timeoutSeconds: z.number().min(1).max(60).default(10),
});

/** A program that switches a relay or GPIO pin: once with the arguments for on, once with those for off. */
export const commandOutput = defineOutput({
  kind: "command",
  options,
  example: { options: { program: "/usr/bin/gpioset", on: ["gpiochip0", "17=1"], off: ["gpiochip0", "17=0"] } },
  open: ({ program, on, off, timeoutSeconds }): Output => ({
    set: (isOn, signal) =>
      run(program, isOn ? on : off, AbortSignal.any([signal, AbortSignal.timeout(timeoutSeconds * 1_000)])),
    close: () => Promise.resolve(),
  }),
});

function run(program: string, argv: readonly string[], signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, argv, { stdio: ["ignore", "ignore", "pipe"], signal, killSignal: "SIGKILL" });
    let said = "";
    child.stderr.on("data", (bytes: Buffer) => {
      said = (said + bytes.toString("utf8")).slice(0, 500);
    });
    child.once("error", (cause) => {
      const what = signal.aborted ? "did not end in time" : "could not be run";
      reject(
        new FrostlightError("outputs/command-failed", "resource", `${program} ${what}: ${cause.message}`, { cause }),
      );
    });
    child.once("exit", (code, killedBy) => {
      if (code === 0) resolve();
      else {
        const how = code === null ? `was ended by ${String(killedBy)}` : `ended with ${code}`;
        reject(new FrostlightError("outputs/command-failed", "resource", `${program} ${how}: ${said.trim()}`));
      }
    });
  });
}
