import { existsSync } from "node:fs";
import { resolve } from "node:path";

import { silentLogger, systemClock, systemRandom } from "@frostlight/kernel";

import { apiOptions, createApi, listenApi } from "../../server/src/api/index.ts";
import { PasswordHasher } from "../../server/src/api/passwords.ts";
import { MemoryAccounts, MemoryState, sampleOf } from "../../server/src/api/testing/memory-state.ts";
import { MemoryTimeSeries } from "../../server/src/api/testing/memory-time-series.ts";
import { LiveBus } from "../../server/src/core/live.ts";
import { confirm } from "./console-commands.ts";
import { fillSite, organisationId, siteId } from "./console-site.ts";

const consoleFolder = resolve(import.meta.dirname, "../../dashboards/console/dist");
export const people = { operator: "olga", password: "night shift 2026" } as const;

/** The server's real HTTP interface with the built console, on memory stores filled with one canteen. */
export interface ConsoleServer {
  readonly url: string;
  readonly port: number;
  readonly state: MemoryState;
  /** A new value arrives from the site. */
  publish(pointId: string, value: number): void;
  /** What a gateway does with its commands: acknowledges, shelves, notes what was done, and says so. */
  confirmCommands(): void;
  close(): Promise<void>;
}

export async function startConsoleServer(port = 0): Promise<ConsoleServer> {
  if (!existsSync(consoleFolder)) throw new Error("the console is not built: npm run setup");
  const state = new MemoryState();
  const accounts = new MemoryAccounts();
  const timeSeries = new MemoryTimeSeries();
  const live = new LiveBus();
  await fillSite(state, timeSeries, systemClock.nowMs());
  await accounts.createOrganisation({ organisationId });
  const passwordHash = await new PasswordHasher().hash(people.password);
  for (const [name, role] of [
    ["olga", "operator"],
    ["admin", "administrator"],
    ["vera", "viewer"],
  ] as const) {
    await accounts.createUser({ userId: `user-${name}`, organisationId, name, role, passwordHash });
  }
  const wiring = {
    options: apiOptions.parse({ port }),
    state,
    accounts,
    enrolment: state,
    authority: { signConfiguration: () => new Uint8Array(64) },
    commands: state,
    timeSeries,
    evidence: state,
    live,
    plugins: [],
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
    consoleFolder,
  };
  const app = await createApi(wiring);
  const listening = await listenApi(app, wiring);
  return {
    ...listening,
    state,
    publish: (pointId, value) => {
      const samples = [sampleOf({ pointId, timeMs: systemClock.nowMs(), value })];
      timeSeries.add(siteId, samples);
      live.publish({ kind: "samples", organisationId, siteId, samples });
    },
    confirmCommands: () => {
      for (const { command } of state.commands.splice(0)) confirm(state, live, command);
    },
    close: () => app.close(),
  };
}
