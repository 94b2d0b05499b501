import { join } from "node:path";

import cookie from "@fastify/cookie";
import helmet from "@fastify/helmet";
import rateLimit from "@fastify/rate-limit";
import fastifyStatic from "@fastify/static";
import swagger, { type SwaggerTransformObject } from "@fastify/swagger";
import { describeError } from "@frostlight/kernel";
import fastify, { type FastifyInstance, type FastifyPluginAsync, type FastifyPluginCallback } from "fastify";
import {
  createJsonSchemaTransform,
  createJsonSchemaTransformObject,
  serializerCompiler,
  validatorCompiler,
  type ZodTypeProvider,
} from "fastify-type-provider-zod";
import { Registry } from "prom-client";
import { z } from "zod";

import { ApiError, installErrorAnswers } from "./api-error.ts";
import type { ApiPorts } from "./context.ts";
import { installGuard, type RouteRule } from "./guard.ts";
import { LiveFeed } from "./live-feed.ts";
import { createApiMetrics } from "./metrics.ts";
import { usesSecureCookies } from "./options.ts";
import { OverviewService } from "./overview/overview-service.ts";
import { PasswordHasher } from "./passwords.ts";
import { alarmActRoutes } from "./resources/alarm-acts.ts";
import { alarmHealthRoutes } from "./resources/alarm-health.ts";
import { alarmRoutes } from "./resources/alarms.ts";
import { cameraHealthRoutes } from "./resources/camera-health.ts";
import { cameraRoutes } from "./resources/cameras.ts";
import { eventRoutes, OpenStreams } from "./resources/events.ts";
import { evidenceRoutes } from "./resources/evidence.ts";
import { findingRoutes } from "./resources/findings.ts";
import { gatewayFileRoutes } from "./resources/gateway-file.ts";
import { gatewayRoutes } from "./resources/gateways.ts";
import { healthRoutes } from "./resources/health.ts";
import { overviewRoutes } from "./resources/overview.ts";
import { seriesRoutes } from "./resources/series.ts";
import { serviceRoutes } from "./resources/service.ts";
import { sessionRoutes } from "./resources/session.ts";
import { teachRoutes } from "./resources/teach.ts";
import { apiSchemas } from "./schemas.ts";

/** Requests of people are small; the gateway's plug-ins set their own limits. */
const bodyLimitBytes = 65_536;

export interface ApiWiring extends ApiPorts {
  /** Routes of other stages, e.g. enrolment and evidence upload under `/gateway/`. */
  readonly plugins: readonly (FastifyPluginAsync | FastifyPluginCallback)[];
  /** The built console; nothing is served when left out. */
  readonly consoleFolder?: string;
}

declare module "fastify" {
  interface FastifyInstance {
    /** Every registered route with what it asks for. */
    readonly routeRules: readonly RouteRule[];
  }
}

/**
 * Builds the HTTP interface. It does not listen yet: `app.listen({ host, port })` starts it, `app.close()` ends it with all
 * its event streams. Rejects when a route names no permission or has no schema.
 */
export async function createApi(wiring: ApiWiring): Promise<FastifyInstance> {
  const { options, logger } = wiring;
  const app = fastify({
    logger: false,
    bodyLimit: bodyLimitBytes,
    trustProxy: options.trustProxy,
    forceCloseConnections: "idle",
    requestTimeout: 60_000,
    routerOptions: { maxParamLength: 512 },
  });
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  installErrorAnswers(app, logger);
  await installHeaders(app, usesSecureCookies(options));
  await app.register(cookie);
  app.decorate("routeRules", installGuard(app, wiring).routes);
  await app.register(rateLimit, {
    global: true,
    max: options.rateLimits.perMinute,
    timeWindow: 60_000,
    allowList: (request) => request.routeOptions.config.permission === "gateway",
    errorResponseBuilder: (_request, context) =>
      new ApiError(429, "too-many-requests", `too many requests; try again in ${context.after}`),
  });
  await installDocument(app);
  await app.register(apiRoutes(wiring), { prefix: "/api/v1" });
  for (const plugin of wiring.plugins) await app.register(plugin);
  if (wiring.consoleFolder !== undefined) await app.register(consoleFiles(wiring.consoleFolder));
  await app.ready();
  return app;
}

function apiRoutes(wiring: ApiWiring): FastifyPluginAsync {
  return async (scope) => {
    const app = scope.withTypeProvider<ZodTypeProvider>();
    const hasher = new PasswordHasher();
    const streams = new OpenStreams();
    const feed = new LiveFeed(wiring.live, wiring.clock, wiring.random.uuid().slice(0, 8));
    const registry = wiring.metrics ?? new Registry();
    const metrics = createApiMetrics(registry, streams);
    app.removeContentTypeParser("text/plain");
    app.addHook("onResponse", metrics.onResponse);
    app.addHook("onSend", async (_request, reply) => {
      if (!reply.hasHeader("cache-control")) void reply.header("cache-control", "no-store");
    });
    app.addHook("onReady", async () => {
      feed.start();
    });
    app.addHook("preClose", async () => {
      feed.stop();
      streams.endWhere(() => true);
    });
    sessionRoutes(app, wiring, hasher, streams);
    overviewRoutes(app, new OverviewService(wiring));
    seriesRoutes(app, wiring);
    alarmRoutes(app, wiring);
    alarmActRoutes(app, wiring);
    alarmHealthRoutes(app, wiring);
    serviceRoutes(app, wiring);
    findingRoutes(app, wiring);
    teachRoutes(app, wiring);
    evidenceRoutes(app, wiring);
    cameraRoutes(app, wiring);
    cameraHealthRoutes(app, wiring);
    gatewayRoutes(app, wiring);
    gatewayFileRoutes(app, wiring);
    eventRoutes(app, wiring, feed, streams, metrics.onDropped);
    healthRoutes(app, wiring, registry);
    app.get(
      "/openapi.json",
      {
        config: { permission: "own-account" },
        schema: { summary: "This document", response: { 200: z.record(z.string(), z.unknown()) } },
      },
      () => ({ ...app.swagger() }),
    );
  };
}

async function installHeaders(app: FastifyInstance, secure: boolean): Promise<void> {
  await app.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'", "data:"],
        mediaSrc: ["'self'"],
        connectSrc: ["'self'"],
        fontSrc: ["'self'"],
        manifestSrc: ["'self'"],
        baseUri: ["'none'"],
        formAction: ["'self'"],
        frameAncestors: ["'none'"],
      },
    },
    strictTransportSecurity: secure ? { maxAge: 31_536_000 } : false,
    crossOriginEmbedderPolicy: false,
    crossOriginOpenerPolicy: secure,
    originAgentCluster: secure,
    referrerPolicy: { policy: "same-origin" },
    xFrameOptions: { action: "deny" },
  });
}

async function installDocument(app: FastifyInstance): Promise<void> {
  const transform = createJsonSchemaTransform({ schemaRegistry: apiSchemas });
  const transformObject = createJsonSchemaTransformObject({ schemaRegistry: apiSchemas });
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "Frostlight",
        version: "1",
        description: "Sites, curves, alarms and findings for people and programs.",
      },
    },
    hideUntagged: false,
    transform: (document) => {
      if (!document.url.startsWith("/api/")) return { schema: { hide: true }, url: document.url };
      return transform(document);
    },
    transformObject: (document) => withoutInputs(transformObject(document)),
  });
}

/** Named schemas are all of answers; their variants for requests would only double the document. */
function withoutInputs(document: ReturnType<SwaggerTransformObject>): ReturnType<SwaggerTransformObject> {
  const components = "components" in document ? document.components : undefined;
  const schemas = components !== undefined && "schemas" in components ? components.schemas : undefined;
  for (const name of Object.keys(schemas ?? {})) {
    if (name.endsWith("Input")) Reflect.deleteProperty(schemas ?? {}, name);
  }
  return document;
}

function consoleFiles(folder: string): FastifyPluginAsync {
  return async (app) => {
    await app.register(fastifyStatic, {
      root: folder,
      serve: false,
      cacheControl: false,
      dotfiles: "deny",
      setHeaders: (response, path) => {
        const isHashed = path.startsWith(join(folder, "assets"));
        void response.header("cache-control", isHashed ? "public, max-age=31536000, immutable" : "no-cache");
      },
    });
    app.get<{ Params: { "*": string } }>("/*", { config: { permission: "public" } }, (request, reply) =>
      reply.sendFile(request.params["*"] === "" ? "index.html" : request.params["*"]),
    );
  };
}

/** Starts listening; says where. Port 0 gives a free one. */
export async function listenApi(
  app: FastifyInstance,
  wiring: Pick<ApiWiring, "options" | "logger">,
): Promise<{ readonly url: string; readonly port: number }> {
  const { host, port } = wiring.options;
  try {
    const url = await app.listen({ host, port });
    const address = app.server.address();
    const bound = typeof address === "object" && address !== null ? address.port : port;
    wiring.logger.info("api-listening", { url });
    return { url, port: bound };
  } catch (error) {
    wiring.logger.error("api-listen-failed", { host, port, error: describeError(error) });
    throw error;
  }
}
