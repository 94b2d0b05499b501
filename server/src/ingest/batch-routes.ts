import rateLimit from "@fastify/rate-limit";
import { contractLimits, decodeDelimited, encodeAck, encodeDelimited, gatewayPaths } from "@frostlight/contract";
import type { Clock, Logger } from "@frostlight/kernel";
import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from "fastify";
import { Counter, type Registry } from "prom-client";
import { z } from "zod";

import type { BatchAcceptor, CommandDispatcher, GatewayAccess, IngestResult, KnownGateway } from "../core/ingest.ts";
import { CommandPolls } from "./command-polls.ts";
import { authenticateGateway, basicCredentials } from "./gateway-auth.ts";
import type { Presence } from "./presence.ts";
import { RefusalLog } from "./refusal-log.ts";

/** Configuration of batches over HTTP. */
export const batchRouteOptions = z.strictObject({
  requestBytes: z
    .int()
    .min(contractLimits.batchBytes + 4_096)
    .max(67_108_864)
    .default(8_388_608)
    .describe("largest request with batches"),
  requestsPerMinute: z.int().min(1).default(6_000).describe("requests of one gateway; beyond, it waits"),
  parallelRequests: z.int().min(1).max(100).default(4).describe("requests of one gateway at the same time"),
});

/** A gateway that asks no more is gone after this. */
const absentAfterMs = 15_000;
const sweepMs = 5_000;
const longestWaitMs = 60_000;
const mediaType = "application/x-protobuf";

export interface BatchRoutesDeps {
  readonly options?: z.output<typeof batchRouteOptions>;
  readonly ingest: BatchAcceptor;
  readonly stateStore: Pick<GatewayAccess, "gatewayCredentials" | "onRevoked">;
  readonly commands: CommandDispatcher;
  readonly presence: Presence;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Adds its counter there. */
  readonly metrics?: Registry;
}

/**
 * Batches up and commands down over HTTP, for gateways where MQTT is blocked. Who asks is proven before a byte of the body is
 * read; the answer to batches comes after they are durable.
 */
export function batchRoutes(deps: BatchRoutesDeps): FastifyPluginAsync {
  return async (app) => {
    const routes = new BatchRoutes(deps);
    if (!app.hasDecorator("rateLimit")) await app.register(rateLimit, { global: false });
    routes.install(app);
  };
}

class BatchRoutes {
  readonly #deps: BatchRoutesDeps;
  readonly #options: z.output<typeof batchRouteOptions>;
  readonly #polls: CommandPolls;
  readonly #refusals: RefusalLog;
  readonly #gatewayOf = new WeakMap<FastifyRequest, KnownGateway>();
  /** Requests with batches being worked on, by gateway. */
  readonly #busy = new Map<string, number>();
  readonly #lastSeenMs = new Map<string, number>();
  readonly #requests: Counter | undefined;

  constructor(deps: BatchRoutesDeps) {
    this.#deps = deps;
    this.#options = deps.options ?? batchRouteOptions.parse({});
    this.#polls = new CommandPolls(deps.clock);
    this.#refusals = new RefusalLog("gateway-request-refused", deps.logger);
    if (deps.metrics !== undefined) {
      this.#requests = new Counter({
        name: "frostlight_gateway_http_requests_total",
        help: "Requests of gateways over HTTP by path and status",
        labelNames: ["path", "status"],
        registers: [deps.metrics],
      });
    }
  }

  install(app: FastifyInstance): void {
    const { commands, clock, stateStore } = this.#deps;
    commands.attach(this.#polls);
    const forgetRevoked = stateStore.onRevoked((gatewayId) => {
      this.#polls.revoke(gatewayId);
    });
    const cancelSweep = clock.every(sweepMs, () => {
      this.#sweep();
    });
    app.addHook("preClose", async () => {
      forgetRevoked();
      cancelSweep();
      this.#polls.endAll();
    });
    app.addHook("onResponse", async (request, reply) => {
      this.#requests?.inc({ path: request.routeOptions.url ?? "", status: String(reply.statusCode) });
    });
    app.removeAllContentTypeParsers();
    app.addContentTypeParser(mediaType, { parseAs: "buffer" }, (_request, body, done) => {
      done(null, body);
    });
    const perGateway = {
      max: this.#options.requestsPerMinute,
      timeWindow: 60_000,
      allowList: [],
      keyGenerator: (request: FastifyRequest) => this.#gatewayOf.get(request)?.gatewayId ?? request.ip,
    };
    // Before a byte of the body is read, and before the rate is counted.
    const onRequest = (request: FastifyRequest, reply: FastifyReply): Promise<unknown> =>
      this.#authenticate(request, reply);
    app.post(
      gatewayPaths.batches,
      {
        bodyLimit: this.#options.requestBytes,
        config: { permission: "gateway", rateLimit: perGateway },
        onRequest,
      },
      (request, reply) => this.#takeBatches(request, reply),
    );
    app.get<{ Querystring: { readonly waitMs?: string } }>(
      gatewayPaths.commands,
      { config: { permission: "gateway", rateLimit: perGateway }, onRequest },
      (request, reply) => this.#giveCommands(request, reply, request.query.waitMs),
    );
  }

  async #authenticate(request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    const { username, secret } = basicCredentials(request.headers.authorization);
    const result = await authenticateGateway(this.#deps.stateStore, username, secret);
    if (result.kind === "ok") {
      this.#gatewayOf.set(request, result.gateway);
      return undefined;
    }
    this.#refusals.add(result.reason, { gatewayId: username?.slice(0, contractLimits.identifierLength) });
    return refuse(reply.header("www-authenticate", 'Basic realm="frostlight"'), 401, result.reason);
  }

  async #takeBatches(request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    const gateway = this.#gatewayOf.get(request);
    if (gateway === undefined || !(request.body instanceof Uint8Array)) {
      return refuse(reply, 415, "media-type-unsupported");
    }
    const { gatewayId } = gateway;
    const batches = decodeDelimited(request.body);
    if (batches.kind === "invalid") {
      this.#refusals.add("request-malformed", { gatewayId, detail: batches.reason });
      return refuse(reply, 400, "request-invalid", batches.reason);
    }
    const busy = this.#busy.get(gatewayId) ?? 0;
    if (busy >= this.#options.parallelRequests) {
      this.#refusals.add("too-many-requests-at-once", { gatewayId });
      return refuse(reply.header("retry-after", "1"), 429, "too-many-requests");
    }
    this.#seen(gateway);
    this.#busy.set(gatewayId, busy + 1);
    try {
      const results = await Promise.all(batches.value.map((sealed) => this.#deps.ingest.accept(gatewayId, sealed)));
      return answerBatches(reply, results);
    } finally {
      const left = (this.#busy.get(gatewayId) ?? 1) - 1;
      if (left === 0) this.#busy.delete(gatewayId);
      else this.#busy.set(gatewayId, left);
    }
  }

  async #giveCommands(request: FastifyRequest, reply: FastifyReply, wait = "0"): Promise<unknown> {
    const gateway = this.#gatewayOf.get(request);
    const waitMs = /^\d{1,6}$/.test(wait) ? Math.min(Number(wait), longestWaitMs) : undefined;
    if (gateway === undefined || waitMs === undefined) return refuse(reply, 400, "request-invalid", "waitMs");
    const { gatewayId } = gateway;
    // A first question without waiting is a greeting; a command must not go out with it.
    if (waitMs === 0) return reply.type(mediaType).send(Buffer.alloc(0));
    const answer = this.#polls.wait(gatewayId, waitMs, (listener) => {
      reply.raw.once("close", listener);
    });
    this.#seen(gateway);
    const ended = await answer;
    this.#lastSeenMs.set(gatewayId, this.#deps.clock.monotonicMs());
    if (ended.kind === "revoked") return refuse(reply, 401, "gateway-revoked");
    const commands = ended.kind === "commands" ? ended.commands : [];
    return reply
      .header("cache-control", "no-store")
      .type(mediaType)
      .send(Buffer.from(encodeDelimited(commands)));
  }

  #seen(gateway: KnownGateway): void {
    const { presence, clock, commands } = this.#deps;
    const { gatewayId } = gateway;
    this.#lastSeenMs.set(gatewayId, clock.monotonicMs());
    if (presence.has(gatewayId, "https")) return;
    presence.set(gateway, true, "https");
    commands.gatewayReady(gatewayId);
  }

  #sweep(): void {
    const silentSinceMs = this.#deps.clock.monotonicMs() - absentAfterMs;
    for (const [gatewayId, seenMs] of this.#lastSeenMs) {
      if (seenMs > silentSinceMs || this.#polls.isConnected(gatewayId)) continue;
      this.#lastSeenMs.delete(gatewayId);
      this.#deps.presence.leave(gatewayId, "https");
    }
  }
}

/** One ack for the whole request: a gateway sends batches of one epoch only. */
function answerBatches(reply: FastifyReply, results: readonly IngestResult[]): FastifyReply {
  const addressed = results.filter(({ epoch }) => epoch !== "");
  const epoch = addressed[0]?.epoch;
  const isPutOff = results.some(({ outcome }) => outcome.result === "retry-later");
  if (epoch === undefined && isPutOff) return refuse(reply.header("retry-after", "5"), 503, "busy");
  const outcomes = addressed.filter((result) => result.epoch === epoch).map((result) => result.outcome);
  const ack = encodeAck({ epoch: epoch ?? "", outcomes });
  return reply.header("cache-control", "no-store").type(mediaType).send(Buffer.from(ack));
}

function refuse(reply: FastifyReply, status: number, code: string, message = code): FastifyReply {
  if (status !== 429) void reply.header("connection", "close");
  return reply.code(status).send({ code, message });
}
