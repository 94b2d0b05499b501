import type { Registry } from "prom-client";
import { z } from "zod";

import type { ApiInstance, ApiPorts } from "../context.ts";
import { problem } from "../schemas.ts";

/** For load balancers, container runtimes and Prometheus. */
export function healthRoutes(app: ApiInstance, ports: ApiPorts, metrics: Registry): void {
  app.get(
    "/healthz",
    {
      config: { permission: "public" },
      schema: {
        summary: "The process answers and reaches its state store",
        response: { 200: z.object({ status: z.literal("ok") }), 503: problem },
      },
    },
    async (_request, reply) => {
      try {
        await ports.accounts.organisationCount();
      } catch {
        return reply.code(503).send({ code: "state-unavailable", message: "the state store does not answer" });
      }
      return { status: "ok" } as const;
    },
  );

  app.get(
    "/metrics",
    {
      config: { permission: "metrics" },
      schema: {
        summary: "Counters in the Prometheus text format",
        response: {
          200: { description: "metrics", content: { "text/plain": { schema: z.string() } } },
          401: problem,
        },
      },
    },
    async (_request, reply) => reply.type(metrics.contentType).send(await metrics.metrics()),
  );
}
