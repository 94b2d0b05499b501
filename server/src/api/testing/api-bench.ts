import { silentLogger } from "@frostlight/kernel";
import { FakeClock, seededRandom } from "@frostlight/kernel/testing";
import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from "fastify";

import { LiveBus } from "../../core/live.ts";
import type { Role } from "../../core/records.ts";
import { type ApiWiring, createApi } from "../create-api.ts";
import { apiOptions } from "../options.ts";
import { PasswordHasher } from "../passwords.ts";
import { hashOfToken } from "../sessions.ts";
import { MemoryAccounts, MemoryState } from "./memory-state.ts";
import { MemoryTimeSeries } from "./memory-time-series.ts";

/** The password of every user of the bench. */
export const benchPassword = "correct horse battery";
let passwordHash: Promise<string> | undefined;

export interface ApiBench {
  readonly app: FastifyInstance;
  readonly clock: FakeClock;
  readonly state: MemoryState;
  readonly accounts: MemoryAccounts;
  readonly timeSeries: MemoryTimeSeries;
  readonly live: LiveBus;
  /** A request with the session of a user; without `as`, without a session. */
  ask(request: InjectOptions & { readonly as?: string }): Promise<LightMyRequestResponse>;
  /** The `Cookie` header of a signed-in user. */
  cookieOf(name: string): string;
}

/** The interface on memory stores and a fake clock, with users of each role in organisation `a` and one of `b`. */
export async function openApiBench(
  given: { readonly options?: unknown } & Partial<Pick<ApiWiring, "plugins" | "consoleFolder" | "logger">> = {},
): Promise<ApiBench> {
  const clock = new FakeClock(Date.UTC(2026, 10, 22, 4));
  const state = new MemoryState();
  const accounts = new MemoryAccounts();
  const timeSeries = new MemoryTimeSeries();
  const live = new LiveBus();
  const { options, ...rest } = given;
  const app = await createApi({
    options: apiOptions.parse(options ?? {}),
    state,
    accounts,
    enrolment: state,
    authority: { signConfiguration: (gatewayId, version) => Buffer.from(`${gatewayId} ${version}`) },
    commands: state,
    timeSeries,
    evidence: state,
    live,
    plugins: [],
    clock,
    random: seededRandom(7),
    logger: silentLogger,
    ...rest,
  });
  passwordHash ??= new PasswordHasher().hash(benchPassword);
  await accounts.createOrganisation({ organisationId: "a" });
  await accounts.createOrganisation({ organisationId: "b" });
  const people: readonly (readonly [string, string, Role])[] = [
    ["ann", "a", "administrator"],
    ["olga", "a", "operator"],
    ["vera", "a", "viewer"],
    ["bob", "b", "administrator"],
  ];
  for (const [name, organisationId, role] of people) {
    await accounts.createUser({ userId: `user-${name}`, organisationId, name, role, passwordHash: await passwordHash });
    await accounts.createSession({
      tokenHash: hashOfToken(`token-${name}`),
      userId: `user-${name}`,
      expiresMs: clock.nowMs() + 86_400_000,
    });
  }
  const cookieOf = (name: string): string => `frostlight-session=token-${name}`;
  return {
    app,
    clock,
    state,
    accounts,
    timeSeries,
    live,
    cookieOf,
    ask: ({ as, headers, ...request }) =>
      app.inject({ ...request, headers: { ...headers, ...(as === undefined ? {} : { cookie: cookieOf(as) }) } }),
  };
}
