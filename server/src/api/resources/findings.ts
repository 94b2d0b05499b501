import { z } from "zod";

import type { Scope, StateQueries, StoredFinding } from "../../core/records.ts";
import { notFound } from "../api-error.ts";
import { type ApiInstance, type ApiPorts, callerOf } from "../context.ts";
import { finding, findingList, identifier, problem } from "../schemas.ts";

/** Says for each picture of a finding whether the file has arrived. */
export async function withEvidence(
  state: Pick<StateQueries, "evidence">,
  scope: Scope,
  stored: StoredFinding,
): Promise<z.output<typeof finding>> {
  const evidence = await Promise.all(
    stored.evidence.map(async (reference) => ({
      ...reference,
      stored: (await state.evidence(scope, reference.sha256)) !== undefined,
    })),
  );
  return { ...stored, evidence };
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
      const findings = await Promise.all(found.slice(0, limit).map((entry) => withEvidence(state, scope, entry)));
      return { findings, truncated: found.length > limit };
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
      return await withEvidence(state, scope, found);
    },
  );
}
