import { z } from "zod";

import { alarmRequested } from "../alarm-schemas.ts";
import { notFound } from "../api-error.ts";
import { askGateway } from "../ask-gateway.ts";
import { cameraCourse, learnAnewBody } from "../camera-health-schemas.ts";
import { learningOf } from "../camera-learning.ts";
import { type ApiInstance, type ApiPorts, callerOf } from "../context.ts";
import { cameraDays, firstDayStart } from "../overview/camera-hours.ts";
import { identifier, problem } from "../schemas.ts";
import { gatewayOf } from "./service.ts";

const shownFaults = 12;

/** How well a camera kept its operating hours, and its faults with pictures of before and after. */
export function cameraHealthRoutes(app: ApiInstance, ports: ApiPorts): void {
  const { state, clock } = ports;
  app.get(
    "/sites/:siteId/cameras/:cameraId/health",
    {
      config: { permission: "read" },
      schema: {
        summary: "Healthy part of a camera's operating hours, day by day, and its newest faults",
        params: z.object({ siteId: identifier, cameraId: identifier }),
        querystring: z.strictObject({ days: z.coerce.number().int().min(1).max(92).default(30) }),
        response: { 200: cameraCourse, 401: problem, 404: problem },
      },
    },
    async (request) => {
      const { scope } = callerOf(request);
      const { siteId, cameraId } = request.params;
      const description = (await state.site(scope, siteId))?.description;
      const camera = description?.cameras.find((one) => one.cameraId === cameraId);
      if (description == null || camera === undefined) throw notFound(`camera ${cameraId} of site ${siteId}`);
      const nowMs = clock.nowMs();
      const { timeZone } = description;
      const count = request.query.days;
      const fromMs = firstDayStart(timeZone, nowMs, count);
      const record = await state.cameraHealth(scope, { siteId, cameraId, fromMs, toMs: nowMs });
      // Another gateway of the site says nothing of this camera.
      const health = await state.health(scope, siteId);
      const tellers = new Set(health.flatMap((one) => (one.subject === `camera:${cameraId}` ? one.gatewayId : [])));
      const gateways = (await state.gateways(scope)).filter(({ gatewayId }) => tellers.has(gatewayId));
      const heard = gateways.flatMap(({ connected, lastSeenMs }) => (connected ? nowMs : (lastSeenMs ?? [])));
      const heardMs = heard.length === 0 ? null : Math.max(...heard);
      const hours = camera.operatingHours;
      const faults = record.events
        .map((event, index) => ({ ...event, untilMs: record.events[index + 1]?.timeMs ?? null }))
        .filter((event) => event.state !== "ok" && event.state !== "starting")
        .toReversed()
        .slice(0, shownFaults);
      const learning = await learningOf(state, scope, [...tellers], cameraId);
      return {
        nowMs,
        learning,
        operatingHours: hours ?? null,
        days: [...cameraDays({ record, hours, timeZone, nowMs, heardMs, count })],
        faults: await Promise.all(
          faults.map(async ({ state: name, timeMs, untilMs, explanation, evidence = [] }) => ({
            state: name,
            timeMs,
            untilMs,
            explanation,
            evidence: await Promise.all(
              evidence.map(async (reference) => {
                const stored = await state.evidence(scope, reference.sha256);
                return { ...reference, stored: stored?.siteId === siteId };
              }),
            ),
          })),
        ),
      };
    },
  );

  app.post(
    "/sites/:siteId/cameras/:cameraId/learning",
    {
      config: { permission: "set-service" },
      schema: {
        summary: "Ask a camera's gateway to learn its scene or its normal picture anew: something was moved on purpose",
        params: z.object({ siteId: identifier, cameraId: identifier }),
        body: learnAnewBody,
        response: { 202: alarmRequested, 400: problem, 401: problem, 403: problem, 404: problem },
      },
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const { siteId, cameraId } = request.params;
      const { what, reason } = request.body;
      const gatewayId = await gatewayOf(ports, caller, siteId, { kind: "camera", id: cameraId });
      const requestJson = JSON.stringify({ kind: "learn-anew", cameraId, what, reason });
      const action = { kind: "teach", requestJson } as const;
      const given = { siteId, gatewayId, action, audited: "learn-anew-requested" };
      const detail = `${gatewayId} ${cameraId} ${what}: ${reason}`;
      return reply.code(202).send(await askGateway(ports, caller, { ...given, detail }));
    },
  );
}
