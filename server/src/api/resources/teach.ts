import { z } from "zod";

import type { StoredChange, TrackedCommand } from "../../core/gateway-records.ts";
import { alarmRequested } from "../alarm-schemas.ts";
import { ApiError, notFound } from "../api-error.ts";
import { askGateway } from "../ask-gateway.ts";
import { type ApiInstance, type ApiPorts, callerOf } from "../context.ts";
import { identifier, problem } from "../schemas.ts";
import { teachBody, teaching } from "../teach-schemas.ts";
import { marksOf, mistakesIn } from "../teaching-marks.ts";

const params = z.object({ gatewayId: identifier });
const about = z.object({ kind: z.string(), thing: z.string() });

/** Teaching from afar: steps go to the gateway as commands, its change records say what came of them. */
export function teachRoutes(app: ApiInstance, ports: ApiPorts): void {
  const { state, clock } = ports;

  app.get(
    "/gateways/:gatewayId/teaching",
    {
      config: { permission: "read" },
      schema: {
        summary: "What was taught at a gateway, and what was asked for",
        params,
        response: { 200: teaching, 401: problem, 404: problem },
      },
    },
    async (request) => {
      const { gatewayId } = request.params;
      const { scope } = callerOf(request);
      const found = await state.teaching(scope, gatewayId);
      if (found === undefined) throw notFound(`gateway ${gatewayId}`);
      const marks = await marksOf(state, scope, found);
      return {
        nowMs: clock.nowMs(),
        changes: found.changes.filter(isOfThing).map((change) => {
          const { subject, before, after, author, timeMs, commandId } = change;
          const thing = subject.replace(/^taught:/, "");
          return { thing, before, after, author, timeMs, commandId, mistakes: mistakesIn(change) };
        }),
        marks,
        requests: found.commands.flatMap(viewOfRequest),
      };
    },
  );

  app.post(
    "/gateways/:gatewayId/teaching",
    {
      config: { permission: "judge-findings" },
      schema: {
        summary:
          "Ask a gateway for a step of teaching: a mark on an evidence picture, a fit, switching a version on or off",
        params,
        body: teachBody,
        response: { 202: alarmRequested, 400: problem, 401: problem, 403: problem, 404: problem, 409: problem },
      },
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const { gatewayId } = request.params;
      const step = request.body.request;
      const found = await state.teaching(caller.scope, gatewayId);
      if (found === undefined) throw notFound(`gateway ${gatewayId}`);
      if (found.isRevoked) throw new ApiError(409, "gateway-revoked", `gateway ${gatewayId} was revoked`);
      const { siteId } = found;
      const action = { kind: "teach", requestJson: JSON.stringify(step) } as const;
      const detail = `${gatewayId} ${step.kind} ${step.thing}`;
      return reply.code(202).send(await askGateway(ports, caller, { siteId, gatewayId, action, detail }));
    },
  );
}

/** Not of a camera that learnt its own scene anew. */
function isOfThing({ subject }: StoredChange): boolean {
  return subject.startsWith("taught:");
}

function viewOfRequest({ command, status, outcome }: TrackedCommand) {
  const { commandId, actor, issuedAtMs, action } = command;
  if (action.kind !== "teach") return [];
  const step = about.safeParse(safeJson(action.requestJson));
  if (!step.success) return [];
  return [{ commandId, actor, issuedAtMs, thing: step.data.thing, step: step.data.kind, status, outcome }];
}

function safeJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
