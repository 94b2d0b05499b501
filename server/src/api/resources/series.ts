import { z } from "zod";

import type { TimeSeriesStore } from "../../core/timeseries.ts";
import { ApiError, notFound } from "../api-error.ts";
import { type ApiInstance, type ApiPorts, callerOf } from "../context.ts";
import { identifier, problem, series } from "../schemas.ts";

const maxSpanMs = 1100 * 86_400_000;

/** Bucket widths a curve may have: divisors of a day, then whole days, so that neighbouring views line up. */
const bucketWidthsMs = [
  1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800,
].map((seconds) => seconds * 1000);

/** The narrowest width that needs at most `maxPoints` buckets. */
function bucketWidthMs(spanMs: number, maxPoints: number): number {
  return bucketWidthsMs.find((width) => spanMs / width <= maxPoints) ?? 30 * 86_400_000;
}

/** The curve of one point: raw while that is few enough, else buckets. */
export function seriesRoutes(app: ApiInstance, ports: ApiPorts): void {
  app.get(
    "/sites/:siteId/points/:pointId/series",
    {
      config: { permission: "read" },
      schema: {
        summary: "Samples of a point with from <= time < to; buckets when there are more than maxPoints",
        params: z.object({ siteId: identifier, pointId: identifier }),
        querystring: z.object({
          from: z.coerce.number().int().min(0).max(8.64e15),
          to: z.coerce.number().int().min(0).max(8.64e15),
          maxPoints: z.coerce.number().int().min(10).max(5000).default(800),
        }),
        response: { 200: series, 400: problem, 401: problem, 404: problem },
      },
    },
    async (request) => {
      const { siteId, pointId } = request.params;
      const { from: fromMs, to: toMs, maxPoints } = request.query;
      if (toMs <= fromMs || toMs - fromMs > maxSpanMs) {
        throw new ApiError(400, "request-invalid", "`to` must be after `from` by at most 1100 days");
      }
      const site = await ports.state.site(callerOf(request).scope, siteId);
      const point = site?.description?.points.find((candidate) => candidate.pointId === pointId);
      if (point === undefined) throw notFound(`point ${pointId} of site ${siteId}`);
      return await readCurve(
        ports.timeSeries,
        { siteId, pointId },
        { fromMs, toMs, maxPoints },
        point.expectedIntervalMs,
      );
    },
  );
}

async function readCurve(
  timeSeries: Pick<TimeSeriesStore, "read" | "buckets">,
  key: { readonly siteId: string; readonly pointId: string },
  range: { readonly fromMs: number; readonly toMs: number; readonly maxPoints: number },
  expectedIntervalMs: number,
): Promise<z.output<typeof series>> {
  const { fromMs, toMs, maxPoints } = range;
  const spanMs = toMs - fromMs;
  if (spanMs / Math.max(1, expectedIntervalMs) <= 2 * maxPoints) {
    const samples = await timeSeries.read(key, fromMs, toMs, maxPoints + 1);
    if (samples.length <= maxPoints) return { ...key, fromMs, toMs, bucketMs: null, samples, buckets: [] };
  }
  const bucketMs = bucketWidthMs(spanMs, maxPoints);
  const buckets = await timeSeries.buckets(key, fromMs, toMs, bucketMs);
  return { ...key, fromMs, toMs, bucketMs, samples: [], buckets };
}
