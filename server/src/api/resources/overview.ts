import { z } from "zod";

import { notFound } from "../api-error.ts";
import { type ApiInstance, callerOf } from "../context.ts";
import type { OverviewService } from "../overview/overview-service.ts";
import { identifier, overview, problem, siteDetail } from "../schemas.ts";

/** What a person sees first, and one site of it. */
export function overviewRoutes(app: ApiInstance, service: OverviewService): void {
  app.get(
    "/overview",
    {
      config: { permission: "read" },
      schema: { summary: "Sites and rooms, worst first", response: { 200: overview, 401: problem } },
    },
    (request) => service.sites(callerOf(request).scope),
  );

  app.get(
    "/sites/:siteId",
    {
      config: { permission: "read" },
      schema: {
        summary: "One site",
        params: z.object({ siteId: identifier }),
        response: { 200: siteDetail, 401: problem, 404: problem },
      },
    },
    async (request) => {
      const { siteId } = request.params;
      const found = await service.site(callerOf(request).scope, siteId);
      if (found === undefined) throw notFound(`site ${siteId}`);
      return found;
    },
  );
}
