import type { IncomingMessage, ServerResponse } from "node:http";

import type { Clock, Logger, Random } from "@frostlight/kernel";
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import type { Registry } from "prom-client";

import type { CertificateAuthority } from "../core/authority.ts";
import type { GatewayFiles } from "../core/gateway-records.ts";
import type { LiveSubscriber } from "../core/live.ts";
import type {
  AccountStore,
  CommandOutbox,
  EnrolmentStore,
  EvidenceReader,
  Scope,
  StateQueries,
  User,
} from "../core/records.ts";
import type { TeachingRecords } from "../core/teaching-records.ts";
import type { TimeSeriesStore } from "../core/timeseries.ts";
import type { ApiOptions } from "./options.ts";
import type { Permission } from "./permissions.ts";

/** What the HTTP interface needs from the rest of the server. */
export interface ApiPorts {
  readonly options: ApiOptions;
  readonly state: StateQueries & GatewayFiles & TeachingRecords;
  /** Signs configurations; without one none can be sent. */
  readonly authority?: Pick<CertificateAuthority, "signConfiguration">;
  readonly accounts: AccountStore;
  readonly enrolment: EnrolmentStore;
  readonly commands: CommandOutbox;
  readonly timeSeries: Pick<TimeSeriesStore, "read" | "buckets" | "latest">;
  readonly evidence: EvidenceReader;
  readonly live: LiveSubscriber;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Where the process's counters are; the interface adds its own. A new one when left out. */
  readonly metrics?: Registry;
}

/** Fastify with zod schemas as its types. */
export type ApiInstance = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>;

/** Who asks, by a session that is still good. */
export interface Caller {
  readonly user: User;
  readonly tokenHash: string;
  /** Every query of this caller goes through it. */
  readonly scope: Scope;
}

declare module "fastify" {
  interface FastifyContextConfig {
    /** Every route declares one; a route without is refused when it is registered. */
    permission?: Permission;
  }
  interface FastifyRequest {
    caller: Caller | null;
  }
}

/** The caller of a route that needs a session. */
export function callerOf(request: { readonly caller: Caller | null }): Caller {
  if (request.caller === null) throw new Error("a route without a session asked for its caller");
  return request.caller;
}
