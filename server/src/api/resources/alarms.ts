import { z } from "zod";

import { ApiError, notFound } from "../api-error.ts";
import { type ApiInstance, type ApiPorts, callerOf } from "../context.ts";
import { pendingAcknowledgements, withRequest } from "../overview/acknowledgements.ts";
import { acknowledgement, alarmDetail, alarmList, identifier, problem } from "../schemas.ts";

const alarmParams = z.object({ alarmId: identifier });

/** Alarms: the list, one with its life, and asking the gateway to acknowledge it. */
export function alarmRoutes(app: ApiInstance, ports: ApiPorts): void {
  const { state, commands, accounts, clock, random } = ports;

  app.get(
    "/alarms",
    {
      config: { permission: "read" },
      schema: {
        summary: "Alarms, newest first",
        querystring: z.object({
          siteId: identifier.optional(),
          zoneId: identifier.optional(),
          open: z.stringbool({ truthy: ["true"], falsy: ["false"] }).optional(),
          from: z.coerce.number().int().min(0).optional(),
          to: z.coerce.number().int().min(0).optional(),
          limit: z.coerce.number().int().min(1).max(1000).default(200),
        }),
        response: { 200: alarmList, 400: problem, 401: problem },
      },
    },
    async (request) => {
      const { scope } = callerOf(request);
      const { siteId, zoneId, open, from, to, limit } = request.query;
      const filter = {
        ...(siteId === undefined ? {} : { siteId }),
        ...(zoneId === undefined ? {} : { zoneId }),
        ...(open === undefined ? {} : { open }),
        ...(from === undefined ? {} : { fromMs: from }),
        ...(to === undefined ? {} : { toMs: to }),
        limit: limit + 1,
      };
      const [alarms, requests] = await Promise.all([
        state.alarms(scope, filter),
        pendingAcknowledgements(commands, scope),
      ]);
      return {
        alarms: alarms.slice(0, limit).map((alarm) => withRequest(alarm, requests)),
        truncated: alarms.length > limit,
      };
    },
  );

  app.get(
    "/alarms/:alarmId",
    {
      config: { permission: "read" },
      schema: {
        summary: "One alarm with every step of its life",
        params: alarmParams,
        response: { 200: alarmDetail, 401: problem, 404: problem },
      },
    },
    async (request) => {
      const { scope } = callerOf(request);
      const found = await state.alarm(scope, request.params.alarmId);
      if (found === undefined) throw notFound(`alarm ${request.params.alarmId}`);
      const requests = await pendingAcknowledgements(commands, scope);
      return { alarm: withRequest(found.alarm, requests), events: found.events };
    },
  );

  app.post(
    "/alarms/:alarmId/acknowledgement",
    {
      config: { permission: "acknowledge-alarms" },
      schema: {
        summary: "Ask the gateway to acknowledge; done when its own event comes back",
        params: alarmParams,
        body: z.strictObject({ comment: z.string().max(500).default("") }),
        response: { 202: acknowledgement, 401: problem, 403: problem, 404: problem, 409: problem },
      },
    },
    async (request, reply) => {
      const { scope, user } = callerOf(request);
      const { alarmId } = request.params;
      const found = await state.alarm(scope, alarmId);
      if (found === undefined) throw notFound(`alarm ${alarmId}`);
      const { alarm } = found;
      if (alarm.state === "acknowledged" || alarm.state === "normal") {
        throw new ApiError(409, "already-acknowledged", `alarm ${alarmId} needs no acknowledgement any more`);
      }
      const waiting = (await pendingAcknowledgements(commands, scope)).get(alarmId);
      if (waiting !== undefined) return reply.code(202).send(waiting);
      const asked = {
        commandId: random.uuid(),
        actor: user.name,
        issuedAtMs: clock.nowMs(),
        comment: request.body.comment,
      };
      await commands.enqueue(
        scope,
        { siteId: alarm.siteId, gatewayId: alarm.gatewayId },
        {
          commandId: asked.commandId,
          actor: asked.actor,
          issuedAtMs: asked.issuedAtMs,
          action: { kind: "acknowledge-alarm", alarmId, comment: asked.comment },
        },
      );
      await accounts.audit({
        timeMs: asked.issuedAtMs,
        actor: user.name,
        organisationId: user.organisationId,
        action: "alarm-acknowledgement-requested",
        detail: alarmId,
      });
      return reply.code(202).send(asked);
    },
  );
}
