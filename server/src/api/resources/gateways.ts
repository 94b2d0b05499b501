import { z } from "zod";

import { ApiError, notFound } from "../api-error.ts";
import { type ApiInstance, type ApiPorts, callerOf } from "../context.ts";
import { enrolmentToken, gatewayList, identifier, problem } from "../schemas.ts";
import { hashOfToken, newToken } from "../sessions.ts";

/** A new site's id becomes part of addresses and file names: lower-case words joined by hyphens. */
const newSiteId = z
  .string()
  .regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, "expected lower-case letters, digits and single hyphens, e.g. school-12")
  .max(63);

/** Gateways, and how new ones join. */
export function gatewayRoutes(app: ApiInstance, ports: ApiPorts): void {
  const { state, enrolment, accounts, clock, random } = ports;

  app.get(
    "/gateways",
    {
      config: { permission: "read" },
      schema: { summary: "Gateways and the health of their parts", response: { 200: gatewayList, 401: problem } },
    },
    async (request) => {
      const { scope } = callerOf(request);
      const [gateways, sites] = await Promise.all([state.gateways(scope), state.sites(scope)]);
      const views = gateways.map(async (gateway) => {
        const health = await state.health(scope, gateway.siteId);
        return {
          ...gateway,
          softwareVersion: sites.find((site) => site.siteId === gateway.siteId)?.description?.softwareVersion ?? null,
          health: health.filter((entry) => entry.gatewayId === gateway.gatewayId),
        };
      });
      return { nowMs: clock.nowMs(), gateways: await Promise.all(views) };
    },
  );

  app.post(
    "/sites",
    {
      config: { permission: "administer" },
      schema: {
        summary: "Create a site",
        body: z.strictObject({ siteId: newSiteId }),
        response: { 201: z.object({ siteId: z.string() }), 401: problem, 403: problem, 409: problem },
      },
    },
    async (request, reply) => {
      const { scope, user } = callerOf(request);
      const { siteId } = request.body;
      if ((await state.site(scope, siteId)) !== undefined) {
        throw new ApiError(409, "site-exists", `site ${siteId} exists already`);
      }
      await enrolment.createSite(scope, siteId);
      await accounts.audit({
        timeMs: clock.nowMs(),
        actor: user.name,
        organisationId: user.organisationId,
        action: "site-created",
        detail: siteId,
      });
      return reply.code(201).send({ siteId });
    },
  );

  app.post(
    "/sites/:siteId/enrolment-tokens",
    {
      config: { permission: "administer" },
      schema: {
        summary: "A one-time token with which one gateway joins this site",
        params: z.object({ siteId: identifier }),
        body: z.strictObject({ hours: z.number().positive().max(168).default(24) }),
        response: { 201: enrolmentToken, 401: problem, 403: problem, 404: problem },
      },
    },
    async (request, reply) => {
      const { scope, user } = callerOf(request);
      const { siteId } = request.params;
      if ((await state.site(scope, siteId)) === undefined) throw notFound(`site ${siteId}`);
      const token = newToken(random);
      const timeMs = clock.nowMs();
      const expiresMs = timeMs + request.body.hours * 3_600_000;
      await enrolment.createToken(scope, { tokenHash: hashOfToken(token), siteId, expiresMs });
      await accounts.audit({
        timeMs,
        actor: user.name,
        organisationId: user.organisationId,
        action: "enrolment-token-created",
        detail: siteId,
      });
      return reply.code(201).header("cache-control", "no-store").send({ siteId, token, expiresMs });
    },
  );

  app.post(
    "/gateways/:gatewayId/revocation",
    {
      config: { permission: "administer" },
      schema: {
        summary: "Take a gateway's access away",
        params: z.object({ gatewayId: identifier }),
        body: z.strictObject({}),
        response: { 204: z.null(), 401: problem, 403: problem, 404: problem },
      },
    },
    async (request, reply) => {
      const { scope, user } = callerOf(request);
      const { gatewayId } = request.params;
      const timeMs = clock.nowMs();
      if (!(await enrolment.revokeGateway(scope, gatewayId, timeMs))) throw notFound(`gateway ${gatewayId}`);
      await accounts.audit({
        timeMs,
        actor: user.name,
        organisationId: user.organisationId,
        action: "gateway-revoked",
        detail: gatewayId,
      });
      return reply.code(204).send(null);
    },
  );
}
