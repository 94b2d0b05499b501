import { z } from "zod";

import { alarmSystemHealth } from "../alarm-health-schemas.ts";
import { type ApiInstance, type ApiPorts, callerOf } from "../context.ts";
import { alarmHealthOf, ownWordOf } from "../overview/alarm-health.ts";
import { identifier, problem } from "../schemas.ts";

/** Steps of alarms that one judgement considers, the newest. */
const maxSteps = 100_000;
const dayMs = 86_400_000;

/** The health of the alarm system itself, by the alarm events that have come in. */
export function alarmHealthRoutes(app: ApiInstance, { state, clock }: ApiPorts): void {
  app.get(
    "/alarm-health",
    {
      config: { permission: "read" },
      schema: {
        summary: "Rates, floods, chattering, stale alarms and bad actors: of all, and of each gateway",
        querystring: z.object({
          siteId: identifier.optional(),
          days: z.coerce.number().int().min(1).max(30).default(1),
        }),
        response: { 200: alarmSystemHealth, 400: problem, 401: problem },
      },
    },
    async (request) => {
      const { scope } = callerOf(request);
      const { siteId, days } = request.query;
      const nowMs = clock.nowMs();
      const windowMs = days * dayMs;
      const filter = { fromMs: nowMs - windowMs, toMs: nowMs, limit: maxSteps + 1 };
      const [found, known] = await Promise.all([
        state.alarmSteps(scope, siteId === undefined ? filter : { ...filter, siteId }),
        state.gateways(scope),
      ]);
      const steps = found.slice(0, maxSteps);
      const gateways = known.filter((gateway) => siteId === undefined || gateway.siteId === siteId);
      const said = await Promise.all(
        [...new Set(gateways.map((gateway) => gateway.siteId))].map((id) => state.health(scope, id)),
      );
      const views = gateways.map((gateway) => {
        const own = steps.filter((step) => step.gatewayId === gateway.gatewayId);
        const { alarms, perHour, mostIn10Min, load, floods, chattering, stale } = alarmHealthOf(own, nowMs, windowMs);
        const counts = { floods: floods.length, chattering: chattering.length, stale: stale.length };
        return {
          gatewayId: gateway.gatewayId,
          siteId: gateway.siteId,
          alarms,
          perHour,
          mostIn10Min,
          load,
          ...counts,
          own: ownWordOf(said.flat(), gateway.gatewayId),
        };
      });
      return {
        nowMs,
        days,
        truncated: found.length > maxSteps,
        all: alarmHealthOf(steps, nowMs, windowMs),
        gateways: views.toSorted((a, b) => b.alarms - a.alarms || a.gatewayId.localeCompare(b.gatewayId)),
      };
    },
  );
}
