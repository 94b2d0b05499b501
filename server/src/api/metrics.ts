import type { onResponseAsyncHookHandler } from "fastify";
import { Counter, Gauge, Histogram, type Registry } from "prom-client";

import type { OpenStreams } from "./resources/events.ts";

/** Adds the interface's own counters to the process's registry. */
export function createApiMetrics(
  registry: Registry,
  streams: OpenStreams,
): { readonly onResponse: onResponseAsyncHookHandler; readonly onDropped: () => void } {
  const registers = [registry];
  const seconds = new Histogram({
    name: "frostlight_api_request_seconds",
    help: "Time to answer, by route and status",
    labelNames: ["method", "route", "status"],
    buckets: [0.005, 0.02, 0.1, 0.5, 2, 10],
    registers,
  });
  const dropped = new Counter({
    name: "frostlight_api_live_clients_dropped_total",
    help: "Event streams dropped because the client read too slowly",
    registers,
  });
  const open = new Gauge({
    name: "frostlight_api_live_clients",
    help: "Open event streams",
    registers,
    collect: () => {
      open.set(streams.size);
    },
  });
  return {
    onResponse: async (request, reply) => {
      const route = request.routeOptions.url ?? "unknown";
      seconds.observe({ method: request.method, route, status: reply.statusCode }, reply.elapsedTime / 1000);
    },
    onDropped: () => {
      dropped.inc();
    },
  };
}
