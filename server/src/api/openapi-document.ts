import { silentLogger, systemClock, systemRandom } from "@frostlight/kernel";

import { LiveBus } from "../core/live.ts";
import { createApi } from "./create-api.ts";
import { apiOptions } from "./options.ts";
import { MemoryAccounts, MemoryState } from "./testing/memory-state.ts";
import { MemoryTimeSeries } from "./testing/memory-time-series.ts";

/** The interface's OpenAPI 3.1 document, without a server: for generated clients. */
export async function openApiDocument(): Promise<Readonly<Record<string, unknown>>> {
  const state = new MemoryState();
  const app = await createApi({
    options: apiOptions.parse({}),
    state,
    accounts: new MemoryAccounts(),
    enrolment: state,
    commands: state,
    timeSeries: new MemoryTimeSeries(),
    evidence: state,
    live: new LiveBus(),
    plugins: [],
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
  });
  try {
    return { ...app.swagger() };
  } finally {
    await app.close();
  }
}
