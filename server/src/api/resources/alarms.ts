import { z } from "zod";

import { acknowledgement, alarmDetail, alarmList, noteBody } from "../alarm-schemas.ts";
import { ApiError, notFound } from "../api-error.ts";
import { askGateway } from "../ask-gateway.ts";
import { type ApiInstance, type ApiPorts, callerOf } from "../context.ts";
import { needsAcknowledgement, pendingRequests, viewOfRequest, withRequests } from "../overview/alarm-requests.ts";
import { identifier, problem } from "../schemas.ts";

/** Alarms of one failure that are shown with it. */
const maxIncidentAlarms = 50;
const alarmParams = z.object({ alarmId: identifier });

/** Alarms: the list, one with its life, and asking the gateway to acknowledge it. */
export function alarmRoutes(app: ApiInstance, ports: ApiPorts): void {
  const { state, commands } = ports;

  app.get(
    "/alarms",
    {
      config: { permission: "read" },
      schema: {
        summary: "Alarms, newest first",
        querystring: z.object({
          siteId: identifier.optional(),
          zoneId: identifier.optional(),
          incidentId: identifier.optional(),
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
      const { siteId, zoneId, incidentId, open, from, to, limit } = request.query;
      const filter = {
        ...(siteId === undefined ? {} : { siteId }),
        ...(zoneId === undefined ? {} : { zoneId }),
        ...(incidentId === undefined ? {} : { incidentId }),
        ...(open === undefined ? {} : { open }),
        ...(from === undefined ? {} : { fromMs: from }),
        ...(to === undefined ? {} : { toMs: to }),
        limit: limit + 1,
      };
      const [alarms, requests] = await Promise.all([state.alarms(scope, filter), pendingRequests(commands, scope)]);
      return {
        alarms: alarms.slice(0, limit).map((alarm) => withRequests(alarm, requests)),
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
      const { alarm, events } = found;
      const [pending, requests, incident] = await Promise.all([
        pendingRequests(commands, scope),
        state.alarmRequests(scope, alarm.alarmId),
        alarm.incidentId === null
          ? []
          : state.alarms(scope, { incidentId: alarm.incidentId, siteId: alarm.siteId, limit: maxIncidentAlarms }),
      ]);
      return {
        alarm: withRequests(alarm, pending),
        events,
        incident: incident
          .toSorted((a, b) => a.raisedMs - b.raisedMs || a.onsetTimeMs - b.onsetTimeMs)
          .map((one) => withRequests(one, pending)),
        requests: requests.flatMap((request) => viewOfRequest(request) ?? []),
      };
    },
  );

  app.post(
    "/alarms/:alarmId/acknowledgement",
    {
      config: { permission: "acknowledge-alarms" },
      schema: {
        summary: "Ask the gateway to acknowledge; done when its own event comes back",
        params: alarmParams,
        body: noteBody,
        response: { 202: acknowledgement, 401: problem, 403: problem, 404: problem, 409: problem },
      },
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const { scope } = caller;
      const { alarmId } = request.params;
      const { comment } = request.body;
      const found = await state.alarm(scope, alarmId);
      if (found === undefined) throw notFound(`alarm ${alarmId}`);
      const { alarm } = found;
      if (!needsAcknowledgement(alarm)) {
        throw new ApiError(409, "already-acknowledged", `alarm ${alarmId} needs no acknowledgement now`);
      }
      const waiting = withRequests(alarm, await pendingRequests(commands, scope)).acknowledgeRequested;
      if (waiting !== null) return reply.code(202).send(waiting);
      const { siteId, gatewayId } = alarm;
      const asked = await askGateway(ports, caller, {
        siteId,
        gatewayId,
        action: { kind: "acknowledge-alarm", alarmId, comment },
        audited: "alarm-acknowledgement-requested",
        detail: alarmId,
      });
      return reply.code(202).send({ ...asked, actor: caller.user.name, comment });
    },
  );
}
