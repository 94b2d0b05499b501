import { access, constants, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";

import { describeError, errorCode, readSecret, secretReference, systemClock } from "@frostlight/kernel";

import { isClockSet } from "../clock-state.ts";
import type { GatewayConfig } from "../config/index.ts";
import type { CheckFinding } from "../core/source.ts";
import { checkServer } from "../uplink/index.ts";
import { type Command, exitCodes } from "./command.ts";
import { readConfig } from "./read-config.ts";
import { findRunning, type RunningGateway } from "./running-gateway.ts";
import { plain } from "./table.ts";
import { bindingsOf, openThrowaway } from "./throwaway.ts";

/** One line of the answer. */
interface Line extends CheckFinding {
  /** Where in the configuration, e.g. "sources.1 (plc)". */
  readonly path: string;
}

type Environment = Readonly<Record<string, string | undefined>>;
type Tell = (line: Line) => void;

/** Configuration and reachability, without side effects. */
export const check: Command = {
  summary: "is the configuration right, and does everything it names answer? changes nothing",
  run: async (options, { out, environment }) => {
    const lines: Line[] = [];
    const tell = (line: Line): void => {
      lines.push(line);
      if (!options.json) out(textOf(line));
    };
    const { config, unusable } = await readConfig(options.configFile);
    const { sources, points, zones } = config;
    const message = `${sources.length} source(s), ${points.length} point(s), ${zones.length} room(s)`;
    tell({ path: "configuration", what: options.configFile, isOk: true, message });
    for (const { id, reason } of unusable) {
      tell({ path: "added points", what: id, isOk: false, message: `does not fit the configuration: ${reason}` });
    }
    const running = await findRunning(config.local, options.url);
    checkLocal(running, tell);
    const isSynchronised = isClockSet(systemClock, config.clock.assumeSet);
    const clockMessage = isSynchronised
      ? "synchronised, as far as this machine knows"
      : "not synchronised; times are corrected later";
    tell({ path: "clock", what: "system clock", isOk: isSynchronised, message: clockMessage });
    await checkFolder(config.stateFolder, tell);
    await checkSecrets(config, environment, tell);
    await checkSources(config, environment, running, options.seconds, tell);
    await checkUplink(config, environment, options.seconds, tell);
    const problems = lines.filter(({ isOk }) => !isOk);
    if (options.json) out(`${JSON.stringify({ ok: problems.length === 0, findings: lines })}\n`);
    else out(problems.length === 0 ? "in order\n" : `${problems.length} problem(s)\n`);
    return problems.length === 0 ? exitCodes.ok : exitCodes.problem;
  },
};

function textOf({ path, what, isOk, message }: Line): string {
  return plain(`${isOk ? "  ok     " : "✗ PROBLEM"} ${path} · ${what}: ${message}`) + "\n";
}

function checkLocal(running: RunningGateway, tell: Tell): void {
  const path = "local";
  if (running.kind === "running") {
    const { gatewayId, softwareVersion } = running.status;
    const message = `gateway ${gatewayId} ${softwareVersion} runs; what only one process can have is asked there`;
    tell({ path, what: running.url, isOk: true, message });
  } else {
    const message = running.kind === "nobody" ? running.message : `${running.message}; expected a free port`;
    tell({ path, what: "local page", isOk: running.kind === "nobody", message });
  }
}

async function checkFolder(stateFolder: string, tell: Tell): Promise<void> {
  const path = "stateFolder";
  let folder = resolve(stateFolder);
  for (;;) {
    try {
      if (!(await stat(folder)).isDirectory()) throw new Error("is no folder");
      await access(folder, constants.W_OK);
      const message = folder === resolve(stateFolder) ? "can be written" : `will be made in ${folder}`;
      tell({ path, what: stateFolder, isOk: true, message });
      return;
    } catch (error) {
      if (errorCode(error) !== "ENOENT" || folder === dirname(folder)) {
        const message = `${folder}: ${describeError(error)}; expected a folder this user can write`;
        tell({ path, what: stateFolder, isOk: false, message });
        return;
      }
      folder = dirname(folder);
    }
  }
}

/** Every secret that the configuration refers to can be read. Their values are not looked at. */
async function checkSecrets(config: GatewayConfig, environment: Environment, tell: Tell): Promise<void> {
  const found: { path: string; reference: ReturnType<typeof secretReference.parse> }[] = [];
  const collect = (value: unknown, path: string): void => {
    if (typeof value !== "object" || value === null) return;
    const parsed = secretReference.safeParse(value);
    if (parsed.success) found.push({ path, reference: parsed.data });
    else for (const [key, inner] of Object.entries(value)) collect(inner, path === "" ? key : `${path}.${key}`);
  };
  for (const [index, source] of config.sources.entries())
    collect(source.options, `sources.${index} (${source.own.id})`);
  collect(config.cameras, "cameras");
  for (const { path, reference } of found) {
    const what = "env" in reference ? `environment variable ${reference.env}` : reference.file;
    try {
      const isEmpty = (await readSecret(reference, environment)) === "";
      tell({ path, what, isOk: !isEmpty, message: isEmpty ? "is empty; expected a secret" : "can be read" });
    } catch (error) {
      tell({ path, what, isOk: false, message: describeError(error) });
    }
  }
}

async function checkSources(
  config: GatewayConfig,
  environment: Environment,
  running: RunningGateway,
  seconds: number,
  tell: Tell,
): Promise<void> {
  if (config.sources.length === 0) return;
  const throwaway = await openThrowaway(config, environment);
  try {
    for (const [index, source] of config.sources.entries()) {
      const { id } = source.own;
      const path = `sources.${index} (${id})`;
      const states = running.kind === "running" ? running.status.sources : [];
      const context = throwaway.context(
        id,
        states.find(({ sourceId }) => sourceId === id),
      );
      const findings = await source.definition
        .check(source.options, bindingsOf(config, id), context, AbortSignal.timeout(seconds * 1_000))
        .catch((error: unknown) => [{ what: source.kind, isOk: false, message: describeError(error) }]);
      for (const finding of findings) tell({ path, ...finding });
    }
  } finally {
    await throwaway.remove();
  }
}

async function checkUplink(
  config: GatewayConfig,
  environment: Environment,
  seconds: number,
  tell: Tell,
): Promise<void> {
  const { uplink } = config;
  if (uplink === undefined) {
    tell({ path: "uplink", what: "server", isOk: true, message: "none is configured: everything stays here" });
    return;
  }
  const token = uplink.enrolmentToken;
  const hasToken =
    token !== undefined &&
    (await readSecret(token, environment).then(
      (text) => text !== "",
      () => false,
    ));
  const findings = await checkServer({
    serverUrl: uplink.server,
    options: uplink.options,
    folder: join(config.stateFolder, "identity"),
    hasToken,
    signal: AbortSignal.timeout(seconds * 1_000),
  });
  for (const finding of findings) tell({ path: "uplink", ...finding });
}
