import type { CommandAction, SiteDescription } from "@frostlight/contract";
import { z } from "zod";

import { alarmRequested, serviceBody } from "../alarm-schemas.ts";
import { ApiError, notFound } from "../api-error.ts";
import { askGateway } from "../ask-gateway.ts";
import { type ApiInstance, type ApiPorts, type Caller, callerOf } from "../context.ts";
import { type OutOfService, serviceReason } from "../overview/out-of-service.ts";
import { identifier, problem } from "../schemas.ts";

/** As long as gateways allow. */
export const longestServiceMs = 30 * 24 * 3_600_000;

type ServiceAction = Extract<CommandAction, { readonly kind: "set-service" }>;
type Target = OutOfService["target"];

/** Taking a room, a point or a camera out of service, and back: what it raises meanwhile is recorded and wakes nobody. */
export function serviceRoutes(app: ApiInstance, ports: ApiPorts): void {
  app.post(
    "/sites/:siteId/service",
    {
      config: { permission: "set-service" },
      schema: {
        summary: "Take a room, a point or a camera out of service for maintenance or calibration, or back",
        params: z.object({ siteId: identifier }),
        body: serviceBody,
        response: { 202: alarmRequested, 400: problem, 401: problem, 403: problem, 404: problem, 409: problem },
      },
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const { siteId } = request.params;
      const { body } = request;
      const { target } = body;
      const gatewayId = await gatewayOf(ports, caller, siteId, target);
      const named = namedTarget(target);
      const detail = `${gatewayId} ${target.kind} ${target.id}`;
      if (body.inService) {
        const { reason } = body;
        const action = { kind: "set-service", target: named, inService: true, untilMs: 0, reason } as const;
        return reply.code(202).send(await askGateway(ports, caller, { siteId, gatewayId, action, detail }));
      }
      const { untilMs, purpose } = body;
      const longMs = untilMs - ports.clock.nowMs();
      if (longMs <= 0 || longMs > longestServiceMs) {
        throw new ApiError(409, "until-out-of-range", "out of service for 30 days at most");
      }
      const reason = serviceReason(purpose, body.reason);
      const action = { kind: "set-service", target: named, inService: false, untilMs, reason } as const;
      const full = `${detail} until ${new Date(untilMs).toISOString()}: ${reason}`;
      return reply.code(202).send(await askGateway(ports, caller, { siteId, gatewayId, action, detail: full }));
    },
  );
}

function namedTarget({ kind, id }: Target): ServiceAction["target"] {
  if (kind === "zone") return { zoneId: id };
  return kind === "point" ? { pointId: id } : { cameraId: id };
}

/** The gateway of the site that has described this. */
export async function gatewayOf(
  { state, clock }: ApiPorts,
  { scope }: Caller,
  siteId: string,
  target: Target,
): Promise<string> {
  const gateways = (await state.gateways(scope)).filter((one) => one.siteId === siteId && one.revokedMs === null);
  for (const { gatewayId } of gateways) {
    const description = (await state.gatewayFile(scope, gatewayId, clock.nowMs()))?.description ?? null;
    if (description !== null && describes(description, target)) return gatewayId;
  }
  throw notFound(`${target.kind} ${target.id} at site ${siteId}`);
}

function describes({ zones, points, cameras }: SiteDescription, { kind, id }: Target): boolean {
  if (kind === "zone") return zones.some(({ zoneId }) => zoneId === id);
  if (kind === "point") return points.some(({ pointId }) => pointId === id);
  return cameras.some(({ cameraId }) => cameraId === id);
}
