import { describeError, silentLogger, systemClock, systemRandom } from "@frostlight/kernel";
import { z } from "zod";

import { findCameras } from "../cameras/index.ts";
import type { GatewayConfig } from "../config/index.ts";
import { cameraEntry } from "../core/camera-configuration.ts";
import type { FoundCamera } from "../core/camera.ts";
import type { Discovery } from "../core/discovery.ts";
import { toConfiguration } from "../core/point-configuration.ts";
import { units } from "../core/units.ts";
import { type Command, type CommandOptions, exitCodes } from "./command.ts";
import { readConfig } from "./read-config.ts";
import { findRunning, type RunningGateway } from "./running-gateway.ts";
import { plain, table } from "./table.ts";
import { bindingsOf, openThrowaway } from "./throwaway.ts";

type Found = Discovery & { readonly sourceId: string };
type Environment = Readonly<Record<string, string | undefined>>;

const seen = z.array(
  z.object({
    sourceId: z.string(),
    label: z.string(),
    address: z.unknown(),
    dialect: z.string().nullable(),
    quantity: z.enum(["temperature", "humidity", "door", "defrost", "compressor", "power", "battery", "other"]),
    unit: z.enum(units).nullable(),
    value: z.number().nullable(),
  }),
);

/** What the configured sources could measure and no point takes. */
export const discover: Command = {
  summary: "what speaks and is not configured: value, dialect, and the ready entry for `points:`",
  run: async (options, { out, environment }) => {
    const { config } = await readConfig(options.configFile);
    const { source, zone } = options;
    if (source !== undefined && !config.sources.some(({ own }) => own.id === source)) {
      out(`there is no source "${source}" in ${options.configFile}\n`);
      return exitCodes.usage;
    }
    if (zone !== undefined && !config.zones.some(({ id }) => id === zone)) {
      out(`there is no room "${zone}" in ${options.configFile}\n`);
      return exitCodes.usage;
    }
    const running = await findRunning(config.local, options.url);
    const problems: string[] = [];
    const found =
      running.kind === "running"
        ? fromRunning(running)
        : await fromPeers(config, environment, options, (problem) => problems.push(problem));
    const cameras = source === undefined ? await camerasOf(config, options, (problem) => problems.push(problem)) : [];
    const shown = found.filter(({ sourceId }) => source === undefined || sourceId === source);
    const entries = shown.map((one) => ({
      ...one,
      configuration: toConfiguration(one, zone === undefined ? {} : { zone }),
    }));
    if (options.json)
      out(
        `${JSON.stringify({ from: running.kind === "running" ? running.url : "peers", found: entries, cameras, problems })}\n`,
      );
    else out(textOf(entries, problems, running) + cameraText(cameras));
    return problems.length > 0 && entries.length + cameras.length === 0 ? exitCodes.problem : exitCodes.ok;
  },
};

function fromRunning(running: Extract<RunningGateway, { readonly kind: "running" }>): readonly Found[] {
  const parsed = seen.safeParse(running.status.discovered);
  return parsed.success ? parsed.data : [];
}

type Camera = FoundCamera & { readonly configuration: readonly string[] };

/** Who answers on the local network and is not configured; a running gateway does not stand in the way. */
async function camerasOf(
  config: GatewayConfig,
  { seconds, zone }: CommandOptions,
  fail: (problem: string) => void,
): Promise<readonly Camera[]> {
  const tools = {
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
    signal: new AbortController().signal,
  };
  try {
    const found = await findCameras(config.cameras, { ...tools, forMs: Math.min(3, seconds) * 1_000 });
    return found.map((camera) => ({ ...camera, configuration: cameraEntry(camera, zone) }));
  } catch (error) {
    fail(`cameras: ${describeError(error)}`);
    return [];
  }
}

function cameraText(cameras: readonly Camera[]): string {
  if (cameras.length === 0) return "";
  const rows = cameras.map(({ url, name, model, location }) =>
    [url, name ?? "-", model ?? "-", location ?? "-"].map(plain),
  );
  const yaml = cameras.flatMap(({ configuration }) => configuration).map((line) => `${plain(line)}\n`);
  return `\n${table([["camera", "name", "model", "place"], ...rows])}\n# ready entries; keep those you want\ncameras:\n${yaml.join("")}`;
}

/** Each source for itself, side by side, for so many seconds at most. */
async function fromPeers(
  config: GatewayConfig,
  environment: Environment,
  options: CommandOptions,
  fail: (problem: string) => void,
): Promise<readonly Found[]> {
  const found = new Map<string, Found>();
  const throwaway = await openThrowaway(config, environment);
  try {
    const signal = AbortSignal.timeout(options.seconds * 1_000);
    const chosen = config.sources.filter(({ own }) => options.source === undefined || own.id === options.source);
    await Promise.all(
      chosen.map(async ({ own: { id }, definition, options: settings, kind }) => {
        if (definition.discover === undefined) {
          fail(`${id} (${kind}): devices speak to the gateway itself; start it, then ask again`);
          return;
        }
        const tell = (one: Discovery): void => void found.set(`${id}\n${one.label}`, { ...one, sourceId: id });
        try {
          await definition.discover(settings, bindingsOf(config, id), throwaway.context(id, undefined), tell, signal);
        } catch (error) {
          const why = signal.aborted ? `not done within ${options.seconds} s (--seconds)` : describeError(error);
          fail(`${id} (${kind}): ${why}`);
        }
      }),
    );
  } finally {
    await throwaway.remove();
  }
  return [...found.values()];
}

function textOf(
  entries: readonly (Found & { readonly configuration: readonly string[] })[],
  problems: readonly string[],
  running: RunningGateway,
): string {
  const from =
    running.kind === "running" ? `seen by the running gateway (${running.url})` : "looked at each source once";
  const rows = entries.map(({ sourceId, dialect, quantity, value, unit, label }) => [
    plain(sourceId),
    dialect ?? "-",
    quantity,
    value === null ? "no number" : `${value}${unit === null ? "" : ` ${unit}`}`,
    plain(label),
  ]);
  const head = ["source", "dialect", "quantity", "value", "what"];
  const usable = entries.filter(({ value }) => value !== null);
  const text = rows.length === 0 ? "nothing that is not configured\n" : table([head, ...rows]);
  const yaml = usable.flatMap(({ configuration }) => configuration).map((line) => `${plain(line)}\n`);
  const paste = usable.length === 0 ? "" : `\n# ready entries; keep those you want\npoints:\n${yaml.join("")}`;
  return `# ${from}\n${text}${paste}${problems.map((problem) => `\n✗ ${plain(problem)}\n`).join("")}`;
}
