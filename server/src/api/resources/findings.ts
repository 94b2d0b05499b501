import { z } from "zod";

import type { TrackedCommand } from "../../core/gateway-records.ts";
import type { Scope, StoredFinding } from "../../core/records.ts";
import { alarmRequested } from "../alarm-schemas.ts";
import { notFound } from "../api-error.ts";
import { askGateway } from "../ask-gateway.ts";
import { type ApiInstance, type ApiPorts, callerOf } from "../context.ts";
import { finding, findingList, identifier, problem } from "../schemas.ts";
import { verdictBody, type verdictRequest } from "../teach-schemas.ts";

/** Says for each picture whether the file has arrived, and for each finding what people said of it. */
export async function viewsOfFindings(
  state: Pick<ApiPorts["state"], "evidence" | "judgements">,
  scope: Scope,
  stored: readonly StoredFinding[],
): Promise<readonly z.output<typeof finding>[]> {
  const judgements = await state.judgements(
    scope,
    stored.map(({ findingId }) => findingId),
  );
  return await Promise.all(
    stored.map(async (entry) => {
      const evidence = await Promise.all(
        entry.evidence.map(async (reference) => ({
          ...reference,
          stored: (await state.evidence(scope, reference.sha256)) !== undefined,
        })),
      );
      const judgement = judgements.get(entry.findingId);
      return {
        ...entry,
        evidence,
        verdict: judgement?.verdict ?? null,
        verdictRequest: viewOfVerdictRequest(judgement?.request ?? null),
      };
    }),
  );
}

function viewOfVerdictRequest(request: TrackedCommand | null): z.output<typeof verdictRequest> | null {
  if (request === null) return null;
  const { command, status, finishedMs, outcome } = request;
  const { commandId, actor, issuedAtMs, action } = command;
  if (action.kind !== "judge-finding") return null;
  const { verdict, comment } = action;
  return { commandId, actor, issuedAtMs, verdict, comment, status, finishedMs, outcome };
}

/** What the cameras' rules saw. */
export function findingRoutes(app: ApiInstance, ports: ApiPorts): void {
  const { state } = ports;

  app.get(
    "/findings",
    {
      config: { permission: "read" },
      schema: {
        summary: "Findings, newest first",
        querystring: z.object({
          siteId: identifier.optional(),
          cameraId: identifier.optional(),
          from: z.coerce.number().int().min(0).optional(),
          to: z.coerce.number().int().min(0).optional(),
          limit: z.coerce.number().int().min(1).max(500).default(60),
        }),
        response: { 200: findingList, 400: problem, 401: problem },
      },
    },
    async (request) => {
      const { scope } = callerOf(request);
      const { siteId, cameraId, from, to, limit } = request.query;
      const found = await state.findings(scope, {
        ...(siteId === undefined ? {} : { siteId }),
        ...(cameraId === undefined ? {} : { cameraId }),
        ...(from === undefined ? {} : { fromMs: from }),
        ...(to === undefined ? {} : { toMs: to }),
        limit: limit + 1,
      });
      const findings = await viewsOfFindings(state, scope, found.slice(0, limit));
      return { findings: [...findings], truncated: found.length > limit };
    },
  );

  app.get(
    "/findings/:findingId",
    {
      config: { permission: "read" },
      schema: {
        summary: "One finding",
        params: z.object({ findingId: identifier }),
        response: { 200: finding, 401: problem, 404: problem },
      },
    },
    async (request) => {
      const { scope } = callerOf(request);
      const found = await state.finding(scope, request.params.findingId);
      if (found === undefined) throw notFound(`finding ${request.params.findingId}`);
      const [view] = await viewsOfFindings(state, scope, [found]);
      if (view === undefined) throw notFound(`finding ${request.params.findingId}`);
      return view;
    },
  );

  app.post(
    "/findings/:findingId/verdict",
    {
      config: { permission: "judge-findings" },
      schema: {
        summary: "Say of a finding whether it is so; the gateway keeps it, and learns from it what was taught there",
        params: z.object({ findingId: identifier }),
        body: verdictBody,
        response: { 202: alarmRequested, 400: problem, 401: problem, 403: problem, 404: problem },
      },
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const { findingId } = request.params;
      const { verdict, comment } = request.body;
      const found = await state.finding(caller.scope, findingId);
      if (found === undefined) throw notFound(`finding ${findingId}`);
      const { siteId, gatewayId } = found;
      const action = { kind: "judge-finding", findingId, verdict, comment } as const;
      const detail = `${findingId} ${verdict}${comment === "" ? "" : `: ${comment}`}`;
      return reply.code(202).send(await askGateway(ports, caller, { siteId, gatewayId, action, detail }));
    },
  );
}
